// One card of a subject, with a row for each metric.

import {h, text} from "../shared/dom.js";
import {folded} from "./home.js";
import {icon, shape} from "../shared/icons.js";
import {isOld} from "./readings.js";
import {Spark} from "./spark.js";
import {age, alarmName, metricName, priorityName, reading, say, subjectName} from "../words/words.js";

const ORDER = ["temperature", "humidity", "co2", "motion", "presence", "power", "energy", "price"];
const rank = (metric) => { const place = ORDER.indexOf(metric); return place < 0 ? ORDER.length : place; };

export const byRank = (a, b) => rank(a.metric) - rank(b.metric) || (a.metric < b.metric ? -1 : 1);

class Row {
  constructor(signal, open) {
    this.signal = signal;
    this.spark = new Spark(signal.metric);
    this.mark = h("span", {class: "row-mark"});
    this.label = h("span", {class: "label"});
    this.alarmed = h("em", {class: "row-alarm"});
    this.age = h("span", {class: "age"});
    this.quality = h("em", {class: "quality"});
    this.value = h("b", {});
    this.unit = h("small", {});
    this.more = h("span", {class: "hidden"});
    this.element = h("button", {type: "button", class: "row", "data-metric": signal.metric, onclick: () => open(signal.subject, signal.metric)},
      h("span", {class: "what"}, h("span", {class: "label-line"}, this.mark, this.label), h("span", {class: "age-line"}, this.alarmed, this.quality, this.age)),
      this.spark.element, h("span", {class: "value"}, this.value, this.unit), this.more);
  }

  /** Show the signal; `alarm` is the worst that stands for it. */
  show(alarm, changed) {
    const {entry, course, metric} = this.signal;
    const [value, unit] = reading(entry);
    const quality = entry.quality ?? "good";
    text(this.label, metricName(metric));
    text(this.value, value);
    text(this.unit, unit);
    this.element.classList.toggle("wordy", value.length > 8);
    this.element.dataset.quality = quality;
    text(this.more, `, ${say("showHistory", {metric: metricName(metric)})}`);
    this.spark.draw(course);
    this.showAlarm(alarm);
    this.showAge();
    if (changed) { this.element.classList.remove("flash"); void this.element.offsetWidth; this.element.classList.add("flash"); }
  }

  showAlarm(alarm) {
    const known = alarm ? `${alarm.priority} ${alarm.isa} ${alarm.alarm}` : "";
    if (this.marked === known) return;
    this.marked = known;
    text(this.alarmed, alarm ? `${priorityName(alarm.priority)}: ${alarmName(alarm.alarm)}` : "");
    if (!alarm) { this.mark.replaceChildren(); delete this.element.dataset.priority; delete this.element.dataset.isa; return; }
    this.element.dataset.priority = alarm.priority;
    this.element.dataset.isa = alarm.isa;
    this.mark.replaceChildren(shape(alarm.priority));
  }

  showAge() {
    const {entry} = this.signal, quality = entry.quality ?? "good", old = isOld(this.signal);
    text(this.age, age(entry.time));
    this.element.classList.toggle("old", old);
    text(this.quality, say(quality === "good" && old ? "stale" : quality));
  }
}

/** The head of a section of cards; it opens and closes it. */
export class SectionHead {
  constructor(section, toggle) {
    this.button = h("button", {type: "button", class: "section-name", onclick: () => toggle(section.key)});
    this.element = h("li", {class: "card-section"}, h("h3", {}, this.button));
  }

  show({worst, collapsed, count}, name) {
    const known = `${name} ${count} ${collapsed} ${worst?.priority} ${worst?.isa}`;
    if (this.known === known) return;
    this.known = known;
    if (worst) Object.assign(this.element.dataset, {priority: worst.priority, isa: worst.isa}); else { delete this.element.dataset.priority; delete this.element.dataset.isa; }
    this.button.setAttribute("aria-expanded", String(!collapsed));
    this.button.replaceChildren(icon(collapsed ? "right" : "down"), ...(worst ? [shape(worst.priority)] : []), h("span", {}, name), h("span", {class: "count"}, String(count)));
  }
}

export class Card {
  /** `on` has `open(subject, metric)`, `unfold(model)` and `pin(model)`. */
  constructor(model, on) {
    this.model = model;
    this.on = on;
    this.rows = new Map();
    this.fold = h("button", {type: "button", class: "fold", hidden: true, onclick: () => on.unfold(model)});
    this.pin = h("button", {type: "button", class: "pin", onclick: () => on.pin(model)}, icon("pin"));
    this.name = h("h3", {});
    this.mark = h("span", {class: "card-mark"});
    this.body = h("div", {class: "rows"});
    this.element = h("li", {class: "card", "data-subject": model.subject}, h("header", {}, this.mark, this.name, h("code", {}, model.subject), this.pin), this.body, this.fold);
  }

  /** Draw all rows; `alarmOf(subject, metric)` is the worst alarm of a signal, or of the subject; `rankedOf`: as it was when the cards got their places. */
  draw(alarmOf, pressed, pinned, rankedOf) {
    const name = subjectName(this.model.subject), {shown, away} = folded(this.model.signals, rankedOf, this.model.unfolded);
    text(this.name, name);
    this.pin.setAttribute("aria-pressed", String(pinned));
    this.pin.setAttribute("aria-label", say(pinned ? "unpin" : "pin", {name}));
    this.fold.hidden = !away.length;
    this.fold.setAttribute("aria-expanded", String(Boolean(this.model.unfolded)));
    text(this.fold, away.map(({metric, entry}) => `${metricName(metric)} ${reading(entry).join(" ")}`.trim()).join(" · "));
    for (const [metric, {element}] of this.rows) if (!shown.some((signal) => signal.metric === metric)) { element.remove(); this.rows.delete(metric); }
    let place = this.body.firstElementChild;
    for (const signal of shown) {
      let row = this.rows.get(signal.metric);
      if (!row) this.rows.set(signal.metric, row = new Row(signal, this.on.open));
      if (row.element === place) place = place.nextElementSibling;
      else this.body.insertBefore(row.element, place);
      row.show(alarmOf(signal.subject, signal.metric));
      row.element.setAttribute("aria-pressed", String(pressed === signal.metric));
    }
    this.showAlarm(alarmOf);
  }

  showAlarm(alarmOf) {
    const worst = alarmOf(this.model.subject);
    this.element.dataset.alarm = worst?.priority ?? "";
    if (worst) this.element.dataset.isa = worst.isa; else delete this.element.dataset.isa;
    const known = worst ? `${worst.priority} ${worst.isa}` : "";
    if (this.marked !== known) {
      this.marked = known;
      this.mark.replaceChildren(...(worst ? [shape(worst.priority), h("span", {class: "hidden"}, `${say("inAlarm", {priority: priorityName(worst.priority)})} `)] : []));
    }
    for (const row of this.rows.values()) row.showAlarm(alarmOf(this.model.subject, row.signal.metric));
  }

  tick() {
    for (const row of this.rows.values()) row.showAge();
  }
}
