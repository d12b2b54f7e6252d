// What a camera saw in the last 24 hours, as marks on a line; one of them is looked at.

import {ask} from "../shared/api.js";
import {h, svg, text} from "../shared/dom.js";
import {eventStrip} from "./event_strip.js";
import {clock, now, say, subjectName, timeOfDay, typeWord} from "../words/words.js";

const SPAN = 86400, WIDE = 1000, TALL = 44, EVERY = 6 * 3600, MOST = 200;

export class TimeLine {
  constructor(camera, failed) {
    this.camera = camera;
    this.failed = failed;
    this.events = [];
    this.chosen = null;
    this.line = svg("svg", {class: "time-line", viewBox: `0 0 ${WIDE} ${TALL}`, preserveAspectRatio: "none", tabindex: "0", role: "slider", "data-action": "time-line", "aria-label": say("timeLine", {camera: subjectName(camera)}), "aria-valuemin": "0"});
    this.said = h("p", {class: "muted time-line-said"});
    this.shown = h("div", {class: "time-line-shown"});
    this.element = h("div", {class: "time-line-place"}, this.line, this.said, this.shown);
    this.line.addEventListener("click", ({clientX}) => { const {left, width} = this.line.getBoundingClientRect(); this.choose(this.nearest(this.start() + (clientX - left) / width * SPAN)); });
    this.line.addEventListener("keydown", (event) => this.key(event));
    this.load();
  }

  start = () => now() - SPAN;

  async load() {
    try {
      const query = new URLSearchParams({camera: this.camera, from: this.start(), kind: "detection", limit: MOST});
      this.take((await ask(`/api/events?${query}`)).events);
    } catch (error) {
      text(this.said, this.failed(error));
    }
  }

  take(events) {
    const known = new Map([...this.events, ...events].map((event) => [event.id, event]));
    this.events = [...known.values()].filter(({time}) => time >= this.start()).sort((a, b) => a.time - b.time);
    this.draw();
  }

  nearest(time) {
    return this.events.reduce((best, event) => (best && Math.abs(best.time - time) <= Math.abs(event.time - time) ? best : event), null);
  }

  key(event) {
    const at = this.events.indexOf(this.chosen), last = this.events.length - 1;
    const to = {ArrowLeft: Math.max(0, at < 0 ? last : at - 1), ArrowRight: at < 0 ? last : Math.min(last, at + 1), Home: 0, End: last}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.choose(this.events[to] ?? null);
  }

  /** Show the picture of an event, which plays its clip. */
  choose(event) {
    this.chosen = event;
    this.shown.replaceChildren(...(event ? [eventStrip([event])] : []));
    this.draw();
  }

  draw() {
    const start = this.start(), x = (time) => (time - start) / SPAN * WIDE;
    const hours = [];
    for (let time = Math.ceil(start / EVERY) * EVERY; time < start + SPAN; time += EVERY) hours.push(time);
    this.line.replaceChildren(svg("rect", {class: "time-line-ground", x: 0, y: 14, width: WIDE, height: 16, rx: 4}),
      ...hours.map((time) => svg("path", {class: "time-line-hour", d: `M${x(time)} 8v28`}, svg("title", {}, clock(time)))),
      ...this.events.map((event) => svg("rect", {class: "time-line-mark", "data-type": event.type, "data-chosen": event === this.chosen ? "yes" : null, x: x(event.time) - 2, y: event === this.chosen ? 4 : 12, width: 4, height: event === this.chosen ? 36 : 20})));
    const words = this.chosen ? `${typeWord(this.chosen.type)}, ${timeOfDay(this.chosen.time)}` : say("eventCount", {n: this.events.length});
    this.line.setAttribute("aria-valuemax", String(this.events.length));
    this.line.setAttribute("aria-valuenow", String(this.events.indexOf(this.chosen) + 1));
    this.line.setAttribute("aria-valuetext", words);
    text(this.said, `${clock(start, true)} – ${clock(start + SPAN)} · ${words}`);
  }
}
