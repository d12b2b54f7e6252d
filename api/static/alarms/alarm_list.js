// Alarms as a list, most urgent first. An item is made anew only when its alarm changed, so that the focus stays.

import {commandIcon, commandsFor, command} from "./alarm_commands.js";
import {isUnseen, keyOf} from "./alarm_store.js";
import {h, text} from "../shared/dom.js";
import {icon, shape} from "../shared/icons.js";
import {age, alarmName, isTwoState, moment, number, priorityName, reading, say, stateName, subjectName} from "../words/words.js";

export function judged(alarm) {
  if (typeof alarm.value !== "number" && typeof alarm.value !== "string") return "";
  const value = typeof alarm.value === "number" ? alarm.value : null;
  return reading({metric: alarm.metric, value, text: String(alarm.value), unit: alarm.unit}).join(" ").trim();
}

export function limitOf(alarm) {
  if (typeof alarm.limit !== "number" || isTwoState(alarm.metric)) return "";
  return `${say("limit")} ${number(alarm.limit)} ${alarm.unit ?? ""}`.trim();
}

export class AlarmList {
  /** `open` shows an alarm's details. */
  constructor(list, open) {
    this.list = list;
    this.open = open;
    this.items = new Map();
    setInterval(() => this.tick(), 1000);
  }

  draw(alarms, anew = false) {
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    const keep = focused && {key: focused.closest("li")?.dataset.key, action: focused.dataset.action};
    const wanted = new Set(alarms.map(keyOf));
    const before = [...this.items.keys()];
    for (const [key, item] of this.items) if (anew || !wanted.has(key)) { item.element.remove(); this.items.delete(key); }
    let place = this.list.firstElementChild;
    for (const alarm of alarms) {
      const key = keyOf(alarm);
      let item = this.items.get(key);
      if (item?.alarm !== alarm) {
        const element = this.item(alarm, key);
        if (item) { if (place === item.element) place = element; item.element.replaceWith(element); }
        item = {alarm, element};
        this.items.set(key, item);
      }
      if (item.element === place) place = place.nextElementSibling;
      else this.list.insertBefore(item.element, place);
    }
    if (keep) this.focusAgain(keep, before);
  }

  /** The same button of the same alarm; or what stands where it was. */
  focusAgain({key, action}, before) {
    const item = this.items.get(key)?.element;
    if (item?.contains(document.activeElement)) return;
    const next = item ?? this.items.get(before.slice(before.indexOf(key)).find((other) => this.items.has(other)))?.element ?? this.list.lastElementChild;
    (next?.querySelector(`[data-action="${action}"]`) ?? next?.querySelector("button, a") ?? this.list).focus({preventScroll: true});
  }

  item(alarm, key) {
    const since = h("time", {datetime: new Date(alarm.time * 1000).toISOString(), title: new Date(alarm.time * 1000).toLocaleString()});
    since.dataset.time = alarm.time;
    this.since(since);
    const limit = limitOf(alarm), value = judged(alarm);
    const title = h("button", {type: "button", class: "alarm-open", "data-action": "open", onclick: () => this.open(key)}, alarmName(alarm.alarm));
    return h("li", {class: "alarm", "data-key": key, "data-priority": alarm.priority, "data-isa": alarm.isa, "data-alarm": alarm.alarm, "data-subject": alarm.subject},
      h("div", {class: "alarm-head"}, h("span", {class: "alarm-shape", title: priorityName(alarm.priority)}, shape(alarm.priority)),
        h("span", {class: "pill state"}, stateName(alarm.state)), h("span", {class: "pill priority"}, priorityName(alarm.priority)), since),
      h("h3", {}, title),
      h("p", {class: "alarm-where"}, h("span", {}, subjectName(alarm.subject)), value ? h("b", {}, value) : null, limit ? h("span", {class: "muted"}, limit) : null),
      alarm.message ? h("p", {class: "alarm-message"}, alarm.message) : null,
      alarm.comment ? h("p", {class: "alarm-comment"}, icon("comment"), h("span", {}, alarm.user ? `${alarm.user}: ` : "", alarm.comment)) : null,
      alarm.until ? h("p", {class: "muted alarm-until"}, say("until", {t: moment(alarm.until)})) : null,
      alarm.response && isUnseen(alarm) ? h("p", {class: "alarm-response"}, h("strong", {}, say("response")), " ", alarm.response) : null,
      this.actions(alarm));
  }

  actions(alarm) {
    const fits = commandsFor(alarm).filter((name) => !["out_of_service", "clear", "retire"].includes(name));
    if (!fits.length) return null;
    return h("div", {class: "alarm-actions"}, ...fits.map((name) => actionButton(alarm, name)));
  }

  since(place) {
    const time = Number(place.dataset.time);
    text(place, `${moment(time)} · ${age(time)}`);
  }

  tick() {
    for (const place of this.list.querySelectorAll("time")) this.since(place);
  }
}

/** A button for one command; the first thing to do is the loudest. */
export function actionButton(alarm, name) {
  const strong = (name === "ack" || name === "reset") && !"EFG".includes(alarm.isa);
  const button = h("button", {type: "button", class: strong ? "action strong" : "action", "data-action": name,
    "aria-label": `${say(name)}: ${alarmName(alarm.alarm)}, ${subjectName(alarm.subject)}`}, icon(commandIcon(name)), h("span", {}, say(name)));
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    try {
      await command(alarm, name);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
  return button;
}
