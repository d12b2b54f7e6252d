// What a camera saw in the last 24 hours, as marks on a line; one of them is looked at.

import {ask, askForBlob} from "../shared/api.js";
import {h, svg, text} from "../shared/dom.js";
import {EventStrip} from "./event_strip.js";
import {clock, now, say, subjectName, timeOfDay, typeWord} from "../words/words.js";

const SPAN = 86400, WIDE = 1000, TALL = 44, EVERY = 6 * 3600, MOST = 200, NEAR = 6, PIECE = 60;

export class TimeLine {
  constructor(camera, failed) {
    this.camera = camera;
    this.failed = failed;
    this.events = [];
    this.spans = [];
    this.chosen = null;
    this.line = svg("svg", {class: "time-line", viewBox: `0 0 ${WIDE} ${TALL}`, preserveAspectRatio: "none", tabindex: "0", role: "slider", "data-action": "time-line", "aria-label": say("timeLine", {camera: subjectName(camera)}), "aria-valuemin": "0"});
    this.said = h("p", {class: "muted time-line-said"});
    this.shown = h("div", {class: "time-line-shown"});
    this.element = h("div", {class: "time-line-place"}, this.line, this.said, this.shown);
    this.line.addEventListener("click", ({clientX}) => { const {left, width} = this.line.getBoundingClientRect(); this.go(this.start() + (clientX - left) / width * SPAN, NEAR / width * SPAN); });
    this.line.addEventListener("keydown", (event) => this.key(event));
    this.load();
  }

  start = () => now() - SPAN;

  async load() {
    try {
      const span = {camera: this.camera, from: this.start(), to: now() + 1};
      const [{events}, {recordings}] = await Promise.all([
        ask(`/api/events?${new URLSearchParams({...span, kind: "detection", limit: MOST})}`),
        ask(`/api/recordings?${new URLSearchParams(span)}`).catch(() => ({recordings: []})),
      ]);
      this.spans = recordings;
      this.take(events);
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

  /** To the event at a time or, where none is near and something is recorded, to that. */
  go(time, near) {
    const event = this.nearest(time);
    if (event && (Math.abs(event.time - time) <= near || !this.isRecorded(time))) this.choose(event);
    else if (this.isRecorded(time)) this.play(time);
  }

  isRecorded = (time) => this.spans.some(({from, to}) => from <= time && time < to);

  /** Play a minute of what was recorded at a time. */
  async play(time) {
    this.choose(null);
    const words = `${say("recorded")}, ${timeOfDay(time)}`;
    const video = h("video", {controls: true, autoplay: true, playsinline: true, "aria-label": words});
    video.muted = true;
    this.shown.replaceChildren(video);
    text(this.said, words);
    try {
      if (this.address) URL.revokeObjectURL(this.address);
      video.src = this.address = URL.createObjectURL(await askForBlob(`/api/recordings/piece?${new URLSearchParams({camera: this.camera, from: time, to: time + PIECE})}`));
    } catch (error) {
      this.shown.replaceChildren(h("p", {class: "muted no-clip", role: "status"}, this.failed(error)));
    }
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
    this.shown.replaceChildren(...(event ? [new EventStrip([event]).element] : []));
    this.draw();
  }

  draw() {
    const start = this.start(), x = (time) => (time - start) / SPAN * WIDE;
    const hours = [];
    for (let time = Math.ceil(start / EVERY) * EVERY; time < start + SPAN; time += EVERY) hours.push(time);
    this.line.replaceChildren(svg("rect", {class: "time-line-ground", x: 0, y: 14, width: WIDE, height: 16, rx: 4}),
      ...this.spans.map(({from, to}) => svg("rect", {class: "time-line-recorded", x: x(from), y: 26, width: Math.max(1, x(to) - x(from)), height: 4})),
      ...hours.map((time) => svg("path", {class: "time-line-hour", d: `M${x(time)} 8v28`}, svg("title", {}, clock(time)))),
      ...this.events.map((event) => svg("rect", {class: "time-line-mark", "data-type": event.type, "data-chosen": event === this.chosen ? "yes" : null, x: x(event.time) - 2, y: event === this.chosen ? 4 : 12, width: 4, height: event === this.chosen ? 36 : 20})));
    const words = this.chosen ? `${typeWord(this.chosen.type)}, ${timeOfDay(this.chosen.time)}` : say("eventCount", {n: this.events.length});
    this.line.setAttribute("aria-valuemax", String(this.events.length));
    this.line.setAttribute("aria-valuenow", String(this.events.indexOf(this.chosen) + 1));
    this.line.setAttribute("aria-valuetext", words);
    text(this.said, `${clock(start, true)} – ${clock(start + SPAN)} · ${words}`);
  }
}
