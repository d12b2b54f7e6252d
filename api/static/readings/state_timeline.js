// The states of a signal over time, as bars with their words: a door was open from here to there, never half of it.

import {h} from "../shared/dom.js";
import {clock, moment, say, span as lasted} from "../words/words.js";

/** Bars of spans [from, to, state], where `word(state)` names a state; a null state is one that changed too often to tell. */
export function stateTimeline(spans, alarms, start, end, word) {
  const place = (element, from, to) => {
    element.style.left = `${(100 * (from - start)) / (end - start)}%`;
    element.style.width = `${(100 * (to - from)) / (end - start)}%`;
    return element;
  };
  const states = [...new Set(spans.map(([, , state]) => state))].filter((state) => state !== null);
  const bars = spans.map(([from, to, state]) => {
    const name = state === null ? say("changing") : word(state);
    return place(h("li", {class: "state-bar", "data-state": state === null ? "changing" : String(states.indexOf(state) % 6), title: `${name}: ${moment(from)} – ${moment(to)} (${lasted(to - from)})`},
      h("span", {}, name), h("span", {class: "hidden"}, `, ${moment(from)} – ${moment(to)}`)), from, to);
  });
  const marks = alarms.map(([from, to, priority, name]) => place(h("div", {class: "alarm-span", "data-priority": priority}, h("span", {class: "span-text"}, name)), from, to));
  const times = [0, 0.25, 0.5, 0.75, 1].map((part) => h("span", {}, end - start > 86400 * 2 ? moment(start + part * (end - start)) : clock(start + part * (end - start))));
  return h("div", {class: "state-timeline", tabindex: "0"}, h("div", {class: "state-marks", "aria-hidden": "true"}, ...marks), h("ol", {class: "state-bars"}, ...bars), h("div", {class: "state-times", "aria-hidden": "true"}, ...times));
}
