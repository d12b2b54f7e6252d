// A row of the table of alarms. Its texts change in their places, so that nothing moves under pointer or focus.

import {actionButton, commandsFor, whatOf} from "./alarm_commands.js";
import {AlarmValues} from "./alarm_values.js";
import {saidOf, saidWords} from "./lasting_changes.js";
import {begunAt, isUnseen} from "./urgency.js";
import {h, text} from "../shared/dom.js";
import {icon, shape} from "../shared/icons.js";
import {age, alarmName, now, priorityName, say, span, stateName, subjectName} from "../words/words.js";

const cell = (name, ...content) => h("div", {class: `cell ${name}`, role: "cell"}, ...content);

export class AlarmRow {
  /** `on` has `open(key)`, `chosen(key, chosen, shift)`, `latest(subject, metric)`. */
  constructor(key, on) {
    this.key = key;
    this.on = on;
    this.box = h("input", {type: "checkbox", onclick: (event) => on.chosen(key, this.box.checked, event.shiftKey)});
    this.name = h("button", {type: "button", class: "alarm-open", "data-action": "open", onclick: () => on.open(key)});
    this.more = h("span", {class: "muted"});
    this.mark = cell("mark");
    this.priority = cell("priority");
    this.state = cell("state");
    this.where = cell("where");
    this.values = cell("values");
    this.age = cell("age");
    this.action = cell("action-cell");
    this.element = h("div", {class: "alarm", role: "row", "data-key": key}, cell("choice", h("label", {}, this.box)), this.mark, this.priority, this.state, this.where,
      cell("what", this.name, this.more), this.values, this.age, this.action);
  }

  /** Show an alarm; null: it is over, and keeps its place until the list may move. */
  show(alarm, chosen) {
    this.box.checked = chosen;
    if (alarm === this.alarm) return;
    if (!alarm) { this.end(); return; }
    this.alarm = alarm;
    const {element} = this;
    element.classList.remove("alarm-over");
    Object.assign(element.dataset, {priority: alarm.priority, isa: alarm.isa, alarm: alarm.alarm, subject: alarm.subject});
    this.box.disabled = false;
    this.box.setAttribute("aria-label", `${say("choose")}: ${whatOf(alarm)}`);
    this.mark.replaceChildren(shape(alarm.priority));
    text(this.priority, priorityName(alarm.priority));
    text(this.name, alarmName(alarm.alarm));
    this.name.title = [alarm.message, isUnseen(alarm) && alarm.response].filter(Boolean).join(" · ");
    text(this.more, saidOf(alarm).map(saidWords).join(" · ") || (alarm.message ?? ""));
    this.more.title = this.more.textContent;
    text(this.where, subjectName(alarm.subject));
    this.where.title = alarm.subject;
    this.measured = new AlarmValues(alarm, this.on.latest(alarm.subject, alarm.metric));
    this.values.replaceChildren(this.measured.element);
    this.showAction();
    this.tick();
  }

  showAction() {
    const [first] = commandsFor(this.alarm);
    const held = this.action.contains(document.activeElement);
    this.action.replaceChildren(...(first && first !== "comment" ? [actionButton(this.alarm, first)] : []));
    if (held) (this.action.querySelector("button") ?? this.name).focus({preventScroll: true});
  }

  end() {
    const held = this.element.contains(document.activeElement);
    this.element.classList.add("alarm-over");
    this.element.dataset.isa = "A";
    text(this.state, say("overNow"));
    this.action.replaceChildren();
    this.box.checked = false;
    this.box.disabled = true;
    this.alarm = null;
    if (held) this.name.focus({preventScroll: true});
  }

  tick() {
    const {alarm} = this;
    if (!alarm) return;
    const left = alarm.until ? ` · ${say("left", {t: span(alarm.until - now())})}` : "";
    text(this.state, stateName(alarm.state) + left);
    text(this.age, age(begunAt(alarm)));
    this.measured.update(this.on.latest(alarm.subject, alarm.metric));
  }
}

export class GroupRow {
  constructor(name, toggle) {
    this.button = h("button", {type: "button", class: "group-name", onclick: () => toggle(name)});
    this.element = h("div", {class: "alarm-group", role: "row"}, h("div", {role: "cell", class: "cell"}, this.button));
  }

  show({count, unseen, worst, collapsed}, words) {
    this.element.dataset.priority = worst.priority;
    this.element.dataset.isa = worst.isa;
    this.button.setAttribute("aria-expanded", String(!collapsed));
    this.button.replaceChildren(icon(collapsed ? "plus" : "minus"), shape(worst.priority), h("b", {}, words), h("span", {class: "muted"}, `${count}${unseen ? `, ${say("unseenCount", {n: unseen})}` : ""}`));
  }
}
