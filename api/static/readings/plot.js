// A line chart of one signal: uPlot's canvas, with limits and spans in alarm above and below it.

import {h} from "../shared/dom.js";
import {columns, isLong, joined} from "./course.js";
import {clock, number} from "../words/words.js";

const HEIGHT = 260, TEXT = 17, APART = 3; // pixels
const DARK = matchMedia("(prefers-color-scheme: dark)");
let loading = null;

/** uPlot, which is loaded when it is first needed. */
const library = () => loading ??= new Promise((done, failed) => {
  const script = h("script", {src: "/static/vendor/uplot.js", onload: () => done(window.uPlot), onerror: failed});
  document.head.append(h("link", {rel: "stylesheet", href: "/static/vendor/uplot.css"}), script);
});

const LINES = [["beam", [8, 4]], ["low", [2, 4]], ["calm", [12, 4, 2, 4]], ["muted", [5, 3, 5, 6]]]; // as .compared-list shows them

const padded = (low, high, near = Math.abs(high) * 0.02 || 1) => { const room = ((high - low) || near) * 0.1; return [low - room, high + room]; };

/** Where a line has a value at or beside a place; null in a gap of it. Other lines' times between its own are undefined. */
function near(values, index) {
  for (let away = 0; away < values.length; away++)
    for (const at of [index - away, index + away]) { if (values[at] === null) return null; if (values[at] !== undefined) return at; }
  return null;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export class Plot {
  /** `zoomed(from, to)` is asked for another period, `pointed(point)` says what the cursor is at (null: nothing). */
  constructor(box, {zoomed, pointed}) {
    Object.assign(this, {box, zoomed, pointed});
    this.forgets = () => this.forget();
    DARK.addEventListener("change", this.forgets);
  }

  /** Its place is gone. */
  close() {
    DARK.removeEventListener("change", this.forgets);
    this.forget();
  }

  forget() {
    this.plot?.destroy();
    this.plot = null;
    this.drawn = null;
  }

  /** `data` is {points, step, unit, start, end, limits: [{limit, label, priority}], spans, others: [{points, step, unit, words}], label}. */
  async draw(data) {
    this.data = data = {others: [], ...data};
    const uPlot = await library();
    if (this.data !== data || !this.box.isConnected || !this.box.clientWidth) return;
    const look = `${data.unit} ${data.others.map(({unit}) => unit)} ${document.documentElement.lang}`, key = `${look} ${this.box.firstElementChild === this.plot?.root}`;
    const own = columns(data.points, data.step);
    const values = data.others.length ? uPlot.join([own, ...data.others.map(({points, step}) => columns(points, step).slice(0, 2))]) : own;
    if (this.plot && this.drawn === key) {
      if (this.plot.width !== this.box.clientWidth) this.plot.setSize({width: this.box.clientWidth, height: HEIGHT});
      this.plot.setData(values);
    } else {
      this.forget();
      this.box.replaceChildren();
      this.plot = new uPlot(this.options(), values, this.box);
      this.plot.root.append(this.marks = h("div", {class: "plot-marks"}));
      this.drawn = `${look} true`;
    }
    this.mark();
    const element = this.plot.root;
    element.setAttribute("role", "img");
    element.setAttribute("tabindex", "0");
    element.setAttribute("aria-label", data.label);
    element.onkeydown = (event) => this.key(event);
    this.box.dataset.points = data.points.length;
  }

  options() {
    const grid = {stroke: colour("edge"), width: 1}, font = "11.5px system-ui, sans-serif", stroke = colour("muted"), line = colour("accent");
    const {unit, others} = this.data, second = others.find((other) => other.unit !== unit)?.unit;
    const inWords = (unit) => (_, splits) => splits.map((value) => value == null ? "" : `${number(value, this.digits(splits))} ${unit}`.trim());
    return {
      width: this.box.clientWidth, height: HEIGHT, legend: {show: false}, padding: [12, 12, 0, 0],
      cursor: {drag: {x: true, y: false, setScale: false}, points: {size: 8}},
      scales: {x: {time: true, range: () => [this.data.start, this.data.end]}, y: {range: (_, low, high) => this.room(low, high)}, second: {range: (_, low, high) => low == null ? [0, 1] : padded(low, high)}},
      axes: [
        {stroke, grid: {...grid, width: 0.5}, ticks: {show: false}, font, size: 30, values: (_, splits) => splits.map((time) => this.timeText(time))},
        {stroke, grid, ticks: {show: false}, font, size: 74, values: inWords(unit)},
        ...(second === undefined ? [] : [{scale: "second", side: 1, stroke, grid: {show: false}, ticks: {show: false}, font, size: 74, values: inWords(second)}]),
      ],
      series: [{}, {stroke: line, width: 2, points: {size: 4}}, {stroke: "transparent", points: {show: false}}, {stroke: "transparent", points: {show: false}},
        ...others.map((other, i) => ({scale: other.unit === unit ? "y" : "second", stroke: colour(LINES[i][0]), dash: LINES[i][1], width: 2, points: {size: 4}}))],
      bands: [{series: [3, 2], fill: `${line}33`}],
      hooks: {
        setSelect: [(plot) => {
          if (plot.select.width < 6) return;
          this.zoomed(plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x"));
          plot.setSelect({left: 0, width: 0, top: 0, height: 0}, false);
        }],
        setCursor: [(plot) => this.pointed(this.at(plot.cursor.idx))],
        draw: [() => this.mark()],
      },
    };
  }

  digits(splits) {
    const size = Math.abs((splits[1] ?? 1) - (splits[0] ?? 0)) || 1;
    return Math.max(0, Math.ceil(-Math.log10(size) - 1e-9) + (size / 10 ** Math.floor(Math.log10(size)) === 2.5 ? 1 : 0));
  }

  timeText(time) {
    if (!isLong(this.data.end - this.data.start)) return clock(time);
    return new Intl.DateTimeFormat(document.documentElement.lang, {weekday: "short", day: "numeric"}).format(time * 1000);
  }

  /** The bounds of the values: with the limits that lie near, so that one sees how far it is to them. */
  room(low, high) {
    for (const [, , least, most] of this.data.points) { low = Math.min(low ?? least, least); high = Math.max(high ?? most, most); }
    if (low == null) return [0, 1];
    const near = (high - low) || Math.abs(high) * 0.02 || 1;
    for (const {limit} of this.data.limits) {
      if (limit > high && limit < high + 3 * near) high = limit;
      if (limit < low && limit > low - 3 * near) low = limit;
    }
    return padded(low, high, near);
  }

  at(index) {
    const {data} = this.plot ?? {}, at = index == null || !data ? null : near(data[1], index);
    if (at === null) return null;
    const others = this.data.others.map(({words}, i) => { const place = near(data[4 + i], at); return place === null ? null : words(data[4 + i][place]); }).filter(Boolean);
    return {time: data[0][at], mean: data[1][at], low: data[2][at], high: data[3][at], others};
  }

  /** Lines of limits, and spans in alarm, as elements: they can be read aloud, and take the page's colours. */
  mark() {
    const {plot, marks, data} = this;
    if (!plot || !marks) return;
    const {left, top, width, height} = plot.bbox, ratio = devicePixelRatio, style = marks.style;
    style.left = `${left / ratio}px`; style.top = `${top / ratio}px`; style.width = `${width / ratio}px`; style.height = `${height / ratio}px`;
    const spans = joined(data.spans, plot.posToVal(APART, "x") - plot.posToVal(0, "x")).map(([from, to, priority, name]) => {
      const element = h("div", {class: "alarm-span", "data-priority": priority}, h("span", {class: "span-text"}, name));
      element.style.left = `${plot.valToPos(from, "x")}px`;
      element.style.width = `${Math.max(2, plot.valToPos(to, "x") - plot.valToPos(from, "x"))}px`;
      return element;
    });
    marks.replaceChildren(...spans, ...this.limitMarks(plot.scales.y));
  }

  /** A line for each limit, and words at the edge for those beyond it. A text that would cover the one above stands at the other side. */
  limitMarks({min, max}) {
    const sorted = [...this.data.limits].sort((a, b) => b.limit - a.limit), text = ({label}, arrow = "") => h("span", {class: "limit-text"}, arrow + label);
    let last = -Infinity, isLeft = false;
    const lines = sorted.filter(({limit}) => limit >= min && limit <= max).map((one) => {
      const top = this.plot.valToPos(one.limit, "y");
      isLeft = top - last < TEXT && !isLeft;
      last = top;
      const element = h("div", {class: "limit", "data-priority": one.priority, "data-proposed": one.proposed, "data-side": isLeft ? "left" : null}, text(one));
      element.style.top = `${top}px`;
      return element;
    });
    const beyond = (side, arrow, ones) => ones.length ? [h("div", {class: "limits-beyond", "data-side": side}, ...ones.map((one) => h("span", {"data-priority": one.priority, "data-proposed": one.proposed}, text(one, arrow))))] : [];
    return [...lines, ...beyond("above", "↑ ", sorted.filter(({limit}) => limit > max)), ...beyond("below", "↓ ", sorted.filter(({limit}) => limit < min))];
  }

  key(event) {
    const move = {ArrowLeft: -1, ArrowRight: 1}[event.key], {plot} = this;
    if (!move) return;
    event.preventDefault();
    const times = plot.data[0];
    let at = (plot.cursor.idx ?? times.length) + move;
    while (at in times && plot.data[1][at] == null) at += move;
    if (!(at in times)) return;
    plot.setCursor({left: plot.valToPos(times[at], "x"), top: plot.valToPos(plot.data[1][at], "y")});
  }
}
