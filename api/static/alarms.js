// The alarms that somebody must see, most urgent first.

import {get, h, text} from "./dom.js";
import {age, alarmName, isTwoState, moment, number, priorityName, reading, say, stateName, subjectName} from "./words.js";

const ISA = "BDCEFG";
const PRIORITY = ["critical", "high", "medium", "low"];
const NORMAL = ["A", "-"];

const urgency = (a, b) => ISA.indexOf(a.isa) - ISA.indexOf(b.isa) || PRIORITY.indexOf(a.priority) - PRIORITY.indexOf(b.priority) || b.time - a.time;

export class Alarms {
  constructor(changed) {
    this.changed = changed;
    this.list = get("alarms");
    this.alarms = new Map();
    setInterval(() => this.tick(), 1000);
  }

  /** Start again from what the server says stands now. */
  start(transitions) {
    this.alarms = new Map(transitions.map((alarm) => [`${alarm.rule}|${alarm.subject}`, alarm]));
    this.draw();
  }

  take(alarm) {
    const key = `${alarm.rule}|${alarm.subject}`;
    const known = this.alarms.get(key);
    if (known && (alarm.recorded < known.recorded || (alarm.recorded === known.recorded && alarm.seq <= known.seq))) return;
    this.alarms.set(key, alarm);
    if (alarm.annunciate) text(get("announce"), say("newAlarm", {alarm: alarmName(alarm.alarm), subject: subjectName(alarm.subject)}));
    this.draw();
  }

  standing() {
    return [...this.alarms.values()].filter((alarm) => !NORMAL.includes(alarm.isa)).sort(urgency);
  }

  draw() {
    const standing = this.standing();
    this.list.replaceChildren(...standing.map((alarm) => this.item(alarm)));
    const unseen = standing.filter((alarm) => alarm.isa === "B" || alarm.isa === "D").length;
    text(get("alarm-count"), String(standing.length));
    get("alarm-count").classList.toggle("hot", unseen > 0);
    get("no-alarms").hidden = standing.length > 0;
    document.title = unseen ? `(${unseen}) Vigie` : "Vigie";
    this.changed(standing);
  }

  item(alarm) {
    const since = h("time", {datetime: new Date(alarm.time * 1000).toISOString(), title: new Date(alarm.time * 1000).toLocaleString()});
    since.dataset.time = alarm.time;
    const judged = typeof alarm.value === "number" || typeof alarm.value === "string"
      ? reading({metric: alarm.metric, value: typeof alarm.value === "number" ? alarm.value : null, text: String(alarm.value), unit: alarm.unit}).join(" ").trim() : "";
    const limit = typeof alarm.limit === "number" && !isTwoState(alarm.metric) ? `${say("limit")} ${number(alarm.limit)} ${alarm.unit ?? ""}`.trim() : "";
    const item = h("li", {class: "alarm", "data-priority": alarm.priority, "data-isa": alarm.isa, "data-alarm": alarm.alarm, "data-subject": alarm.subject},
      h("div", {class: "alarm-head"}, h("span", {class: "pill state"}, stateName(alarm.state)), h("span", {class: "pill priority"}, priorityName(alarm.priority)), since),
      h("h3", {}, alarmName(alarm.alarm)),
      h("p", {class: "alarm-where"}, h("span", {}, subjectName(alarm.subject)), judged ? h("b", {}, judged) : null, limit ? h("span", {class: "muted"}, limit) : null),
      alarm.message ? h("p", {class: "alarm-message"}, alarm.message) : null,
      alarm.response ? h("p", {class: "alarm-response"}, h("strong", {}, say("response")), " ", alarm.response) : null,
      alarm.until ? h("p", {class: "muted"}, say("until", {t: moment(alarm.until)})) : null);
    this.since(since);
    return item;
  }

  since(place) {
    const time = Number(place.dataset.time);
    text(place, `${moment(time)} · ${age(time)}`);
  }

  tick() {
    for (const place of this.list.querySelectorAll("time")) this.since(place);
  }
}
