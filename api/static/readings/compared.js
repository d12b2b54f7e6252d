// Other signals beside the one whose history is open: asked for, read, named with their lines, taken away.

import {field, openForm} from "../shared/dialog.js";
import {h, svg, text} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {holds, plain} from "../shared/search.js";
import {nowWords, SignalHistory} from "./signal_history.js";
import {isTwoState, metricName, say, subjectName} from "../words/words.js";

const OFFERED = 50;
const MOST = 4, MOST_UNITS = 2; // as many lines can be told apart, and as many axes

const nameOf = (subject, metric) => `${subjectName(subject)} · ${metricName(metric)}`;

export class Compared {
  /** `pairs` are subjects and metrics; `changed(pairs)` is called when somebody wants others. */
  constructor(pairs, {latest, failed, changed}) {
    Object.assign(this, {failed, changed});
    this.histories = pairs.slice(0, MOST).map(([subject, metric]) => new SignalHistory(subject, metric, {latest, standing: () => []}));
    this.values = this.histories.map(() => h("b", {}));
    this.element = h("ul", {class: "compared-list"}, ...this.histories.map((history, i) => this.item(history, i)));
  }

  get pairs() { return this.histories.map(({subject, metric}) => [subject, metric]); }

  item({subject, metric}, i) {
    const name = nameOf(subject, metric), others = () => this.pairs.filter((_, n) => n !== i);
    return h("li", {class: "tag", "data-line": String(i)}, svg("svg", {class: "swatch", viewBox: "0 0 30 4", "aria-hidden": "true"}, svg("path", {d: "M0 2h30"})), h("span", {}, name), this.values[i],
      h("button", {type: "button", "aria-label": `${say("remove")}: ${name}`, onclick: () => this.changed(others())}, icon("close")));
  }

  /** Read the period of all; what cannot be read is not there. */
  async load(from, to, signal) {
    await Promise.all(this.histories.map((history) => history.load(from, to, signal).catch(this.failed)));
  }

  take(entry, start) {
    return this.histories.filter((history) => history.take(entry, start)).length > 0;
  }

  /** What is drawn: points and unit of each. */
  series(start) {
    return this.histories.map((history, i) => {
      history.forgetBefore(start);
      const newest = history.latest();
      text(this.values[i], newest ? nowWords(newest) : "");
      return {points: history.points, step: history.step, unit: history.unit || newest?.unit || "", words: (value) => `${nameOf(history.subject, history.metric)} ${history.words(value)}`};
    });
  }
}

/** Ask for a signal beside `shown`, which are subjects and metrics, the open one first; `add` gets both. */
export function askSignal(readings, shown, add) {
  const unitOf = ([subject, metric]) => readings.latest(subject, metric)?.unit ?? "";
  const units = new Set(shown.map(unitOf)), isShown = ({subject, metric}) => shown.some(([one, other]) => one === subject && other === metric);
  const fits = ({metric, entry}) => typeof entry.value === "number" && !isTwoState(metric) && (units.size < MOST_UNITS || units.has(entry.unit ?? ""));
  const all = [...readings.subjects.values()].flatMap((signals) => [...signals.values()]).filter((signal) => fits(signal) && !isShown(signal));
  const offers = h("datalist", {id: "compared-signals"}), byName = new Map(all.map(({subject, metric}) => [nameOf(subject, metric), [subject, metric]]));
  const offer = (typed) => {
    const found = [...byName.keys()].filter((name) => holds(plain(name), typed));
    offers.replaceChildren(...found.slice(0, OFFERED).map((name) => h("option", {value: name})));
    return found;
  };
  offer("");
  const input = h("input", {name: "signal", list: "compared-signals", required: true, autofocus: true, autocomplete: "off", spellcheck: "false", oninput: ({target}) => offer(target.value)});
  openForm(say("compare"), {name: "compare", button: say("add"), about: say(shown.length > MOST ? "comparedMost" : "comparedHint"), fields: [h("div", {}, field(say("comparedSignal"), input, say("panelSubjectHint")), offers)]}, ({signal}) => {
    const found = byName.get(signal) ?? byName.get(offer(signal)[0]);
    if (!found || shown.length > MOST) throw new Error(say(found ? "comparedMost" : "noSignal"));
    add(found);
  });
}
