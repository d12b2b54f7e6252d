// Alarms as a list, most urgent first. An item is made anew only when its alarm changed; nothing moves while somebody points at the list.

import {actionButton, commandsFor, whatOf} from "./alarm_commands.js";
import {begunAt, isUnseen, keyOf} from "./urgency.js";
import {AlarmValues} from "./alarm_values.js";
import {h, text} from "../shared/dom.js";
import {icon, shape} from "../shared/icons.js";
import {saidOf, saidWords} from "./lasting_changes.js";
import {steadyOrder} from "./steady_order.js";
import {Stillness} from "../shared/stillness.js";
import {age, alarmName, moment, priorityName, say, stateName, subjectName} from "../words/words.js";

/** The buttons that fit now, each where it was `before`; what no longer fits leaves its place empty, what is new comes last. */
export function steadyButtons(before, fits, make) {
  const old = new Map([...before].map((button) => [button.dataset.action ?? button.dataset.spent, button.getBoundingClientRect().width]));
  const spent = (name) => { const place = h("span", {class: "spent", "data-spent": name}); place.style.width = `${old.get(name)}px`; return place; };
  return [...old.keys(), ...fits.filter((name) => !old.has(name))].map((name) => fits.includes(name) ? make(name) : spent(name));
}

export class AlarmList {
  /** `open` shows an alarm's details; `latest(subject, metric)` is the newest reading; `news` is a button for what waits above. */
  constructor(list, {open, latest, news}) {
    this.list = list;
    this.open = open;
    this.latest = latest;
    this.news = news;
    this.items = new Map();
    this.wanted = [];
    this.stillness = new Stillness(list, () => this.draw(this.wanted));
    news.addEventListener("click", () => { this.draw(this.wanted, false, true); this.list.focus({preventScroll: true}); });
    this.ticking = setInterval(() => this.tick(), 1000);
  }

  /** Its place is gone. */
  close() {
    clearInterval(this.ticking);
  }

  /** `anew` makes all items again; `now` moves them although somebody points at them. */
  draw(alarms, anew = false, now = false) {
    this.wanted = alarms;
    const still = !now && !anew && this.stillness.still;
    const focused = this.stillness.holdsFocus ? document.activeElement : null;
    const keep = focused && {key: focused.closest("li")?.dataset.key, action: focused.dataset.action};
    const byKey = new Map(alarms.map((alarm) => [keyOf(alarm), alarm]));
    const {keys, waiting} = steadyOrder([...this.items.keys()], [...byKey.keys()], still);
    const before = this.items;
    this.items = new Map();
    let place = this.list.firstElementChild;
    for (const key of keys) {
      const known = before.get(key), alarm = byKey.get(key);
      let item = known;
      if (anew || !known || known.alarm !== alarm || (known.isHeld && !still)) {
        item = alarm ? this.item(alarm, key, still ? known : null) : this.gone(known, key);
        if (known) {
          if (still) { item.element.style.height = `${known.element.getBoundingClientRect().height}px`; item.isHeld = true; item.element.classList.add("held"); }
          if (place === known.element) place = item.element;
          known.element.replaceWith(item.element);
        }
      }
      if (!still) item.element.style.height = "";
      this.items.set(key, item);
      if (item.element === place) place = place.nextElementSibling;
      else this.list.insertBefore(item.element, place);
    }
    for (const [key, {element}] of before) if (!this.items.has(key)) element.remove();
    this.news.hidden = !waiting.length;
    text(this.news, say("newAbove", {n: waiting.length}));
    if (keep) this.focusAgain(keep);
  }

  /** The same button of the same alarm, never one of another. */
  focusAgain({key, action}) {
    const element = this.items.get(key)?.element;
    if (element?.contains(document.activeElement)) return;
    (element?.querySelector(`[data-action="${action}"]`) ?? element?.querySelector("button") ?? element ?? this.list).focus({preventScroll: true});
  }

  item(alarm, key, before) {
    const begun = begunAt(alarm), date = new Date(begun * 1000), since = h("time", {datetime: date.toISOString(), title: date.toLocaleString()});
    since.dataset.time = begun;
    this.since(since);
    const values = new AlarmValues(alarm, this.latest(alarm.subject, alarm.metric));
    const title = h("button", {type: "button", class: "alarm-open", "data-action": "open", onclick: () => this.open(key)}, alarmName(alarm.alarm));
    const element = h("li", {class: "alarm", "data-key": key, "data-priority": alarm.priority, "data-isa": alarm.isa, "data-alarm": alarm.alarm, "data-subject": alarm.subject},
      h("div", {class: "alarm-head"}, h("span", {class: "alarm-shape", title: priorityName(alarm.priority)}, shape(alarm.priority)),
        h("span", {class: "pill state"}, stateName(alarm.state)), h("span", {class: "pill priority"}, priorityName(alarm.priority)), since),
      h("h3", {}, title),
      h("p", {class: "alarm-where"}, h("span", {}, subjectName(alarm.subject)), values.element),
      alarm.message ? h("p", {class: "alarm-message"}, alarm.message) : null,
      ...saidOf(alarm).map((said) => h("p", {class: "alarm-comment"}, icon("comment"), h("span", {}, saidWords(said)))),
      alarm.until ? h("p", {class: "muted alarm-until"}, say("until", {t: moment(alarm.until)})) : null,
      alarm.response && isUnseen(alarm) ? h("p", {class: "alarm-response"}, h("strong", {}, say("response")), " ", alarm.response) : null,
      this.actions(alarm, before));
    return {alarm, element, values, since};
  }

  /** What stands in the place of an alarm that is over, until the list may move. */
  gone({alarm, element}, key) {
    if (!alarm) return {element};
    return {element: h("li", {class: "alarm-over", "data-key": key, tabindex: "-1"}, say("over", {alarm: whatOf(alarm)}))};
  }

  /** Its buttons; each stays where it was `before`, and what no longer fits leaves its place empty. */
  actions(alarm, before) {
    const fits = commandsFor(alarm).filter((name) => !["out_of_service", "clear", "retire"].includes(name));
    const buttons = steadyButtons(before?.element.querySelectorAll(".alarm-actions > *") ?? [], fits, (name) => actionButton(alarm, name));
    return buttons.length ? h("div", {class: "alarm-actions"}, ...buttons) : null;
  }

  since(place) {
    const time = Number(place.dataset.time);
    text(place, `${moment(time)} · ${age(time)}`);
  }

  tick() {
    for (const {alarm, values, since} of this.items.values())
      if (alarm) { this.since(since); values.update(this.latest(alarm.subject, alarm.metric)); }
  }
}
