// The history of one signal out of ClickHouse, drawn with axes; follows live readings while it is open.

import {ask} from "../shared/api.js";
import {get, h, svg, text} from "../shared/dom.js";
import {clock, inUnit, isTwoState, metricName, moment, now, number, reading, say, subjectName} from "../words/words.js";

const PAD = {left: 52, right: 14, top: 12, bottom: 26};
const HEIGHT = 260;
const TIME_STEPS = [60, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800];
const DAY = 86400;

export class Chart {
  constructor({latest, failed, closed, ranged}) {
    this.latest = latest;
    this.failed = failed;
    this.closed = closed;
    this.box = get("chart");
    this.range = 3600;
    this.points = [];
    this.limits = [];
    for (const button of document.querySelectorAll("[data-range]"))
      button.addEventListener("click", () => { this.range = Number(button.dataset.range); ranged(button.dataset.range); this.load(); });
    get("history-close").addEventListener("click", () => this.close());
    get("history").addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    new ResizeObserver(() => this.draw()).observe(this.box);
    setInterval(() => this.slide(), 5000);
  }

  get isOpen() { return !get("history").hidden; }

  /** Whether it shows this already. */
  shows(subject, metric, range) {
    return this.isOpen && this.subject === subject && this.metric === metric && (!range || range === this.range);
  }

  open(subject, metric, limits, range) {
    if (range) this.range = range;
    Object.assign(this, {subject, metric, limits, points: [], texts: [], unit: ""});
    get("history").hidden = false;
    this.relabel();
    get("history-title").focus({preventScroll: true});
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    get("history").scrollIntoView({block: "nearest", behavior: calm ? "auto" : "smooth"});
    return this.load();
  }

  close() {
    if (!this.isOpen) return;
    this.hide();
    this.closed(this.subject, this.metric);
  }

  hide() {
    get("history").hidden = true;
    this.request?.abort();
  }

  relabel() {
    if (!this.subject) return;
    text(get("history-title"), `${subjectName(this.subject)} · ${metricName(this.metric)}`);
    this.draw();
  }

  async load() {
    this.request?.abort();
    const request = this.request = new AbortController();
    for (const button of document.querySelectorAll("[data-range]"))
      button.setAttribute("aria-pressed", String(Number(button.dataset.range) === this.range));
    text(get("history-note"), say("loading"));
    const end = now();
    const query = new URLSearchParams({subject: this.subject, metric: this.metric, from: end - this.range, to: end + 1, points: 360});
    try {
      const course = await ask(`/api/history?${query}`, request.signal);
      this.points = course.points;
      this.texts = course.texts;
      this.unit = course.unit ?? "";
      this.step = course.step;
      text(get("history-note"), this.points.length || this.texts.length ? "" : say("noHistory"));
    } catch (error) {
      const why = this.failed(error);
      if (!why) return;
      this.points = [];
      text(get("history-note"), say("historyDown", {why}));
    }
    const newest = this.latest(this.subject, this.metric);
    if (newest) this.take(newest);
    this.draw();
  }

  take(entry) {
    if (!this.isOpen || entry.subject !== this.subject || entry.metric !== this.metric) return;
    if (typeof entry.value !== "number" || (entry.quality ?? "good") === "bad") return;
    const last = this.points.at(-1);
    if (entry.time <= (last ? last[0] : now() - this.range)) return;
    this.unit ||= entry.unit ?? "";
    this.points.push([entry.time, entry.value, entry.value, entry.value, 1]);
    text(get("history-note"), "");
    this.slide();
  }

  slide() {
    if (this.isOpen && !this.frame) this.frame = requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  /** `limits` are {limit, unit}, in the unit of their alarm. */
  setLimits(limits) {
    this.limits = limits;
    this.slide();
  }

  /** The limits in the chart's own unit; one in a unit that does not fit is left out, and so are those of two states. */
  drawnLimits() {
    if (isTwoState(this.metric)) return [];
    return [...new Set(this.limits.map(({limit, unit}) => inUnit(limit, unit, this.unit)))].filter((limit) => limit !== null);
  }

  draw() {
    if (!this.isOpen || !this.box.clientWidth) return;
    const end = now(), start = end - this.range;
    while (this.points.length && this.points[0][0] < start) this.points.shift();
    this.showFacts();
    if (!this.points.length) { this.box.replaceChildren(this.textList()); return; }
    const width = this.box.clientWidth, inner = width - PAD.left - PAD.right, tall = HEIGHT - PAD.top - PAD.bottom;
    const [low, high, ticks] = this.scale();
    const x = (time) => PAD.left + ((time - start) / this.range) * inner;
    const y = (value) => PAD.top + tall - ((value - low) / (high - low)) * tall;
    const parts = [];
    for (const tick of ticks)
      parts.push(svg("line", {class: "grid", x1: PAD.left, x2: width - PAD.right, y1: y(tick), y2: y(tick)}),
        svg("text", {class: "axis", x: PAD.left - 8, y: y(tick) + 4, "text-anchor": "end"}, this.tickText(tick)));
    const step = TIME_STEPS.find((size) => (size / this.range) * inner > 74) ?? DAY;
    const offset = new Date(start * 1000).getTimezoneOffset() * 60;
    for (let t = Math.ceil((start - offset) / step) * step + offset; t < end; t += step)
      parts.push(svg("line", {class: "grid faint", x1: x(t), x2: x(t), y1: PAD.top, y2: PAD.top + tall}),
        svg("text", {class: "axis", x: x(t), y: HEIGHT - 8, "text-anchor": "middle"}, step >= DAY ? this.day(t) : clock(t)));
    for (const limit of this.drawnLimits())
      if (limit >= low && limit <= high)
        parts.push(svg("line", {class: "limit", x1: PAD.left, x2: width - PAD.right, y1: y(limit), y2: y(limit)}),
          svg("text", {class: "axis limit-text", x: width - PAD.right - 4, y: y(limit) - 5, "text-anchor": "end"}, `${say("limit")} ${number(limit)} ${this.unit}`));
    const [line, area, band] = this.paths(x, y, PAD.top + tall);
    parts.push(svg("path", {class: "chart-area", d: area}), svg("path", {class: "chart-band", d: band}), svg("path", {class: "chart-line", d: line}));
    const last = this.points.at(-1);
    parts.push(svg("circle", {class: "chart-dot", cx: x(last[0]), cy: y(last[1]), r: 3.5}));
    this.cursor = svg("g", {class: "cursor"});
    const element = svg("svg", {width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", tabindex: "0", "aria-label": this.summary()}, ...parts, this.cursor);
    const hover = (clientX) => this.point(x, y, start + ((clientX - element.getBoundingClientRect().left - PAD.left) / inner) * this.range);
    element.addEventListener("pointermove", (event) => { this.hovered = event.clientX; hover(event.clientX); });
    element.addEventListener("pointerleave", () => { this.hovered = null; this.cursor.replaceChildren(); });
    element.addEventListener("keydown", (event) => this.key(event, x, y));
    const focused = this.box.contains(document.activeElement);
    this.box.replaceChildren(element);
    if (focused) element.focus();
    if (this.hovered != null) hover(this.hovered);
  }

  scale() {
    if (isTwoState(this.metric)) return [-0.08, 1.12, [0, 1]];
    let low = Infinity, high = -Infinity;
    for (const [, , least, most] of this.points) { if (least < low) low = least; if (most > high) high = most; }
    const near = (high - low) || Math.abs(high) * 0.02 || 1;
    for (const limit of this.drawnLimits()) if (limit > high - near && limit < high + 2 * near) high = Math.max(high, limit); else if (limit < low && limit > low - 2 * near) low = limit;
    const room = (high - low || near) * 0.1;
    low -= room; high += room;
    const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
    const size = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const ticks = [];
    for (let tick = Math.ceil(low / size) * size; tick <= high; tick += size) ticks.push(Math.abs(tick) < size / 1e6 ? 0 : tick);
    this.digits = Math.max(0, -Math.floor(Math.log10(size)) + (size / power === 2.5 ? 1 : 0));
    return [low, high, ticks];
  }

  tickText(tick) {
    return isTwoState(this.metric) ? reading({metric: this.metric, value: tick})[0] : number(tick, this.digits);
  }

  day(time) {
    return new Intl.DateTimeFormat(document.documentElement.lang, {weekday: "short", day: "numeric"}).format(time * 1000);
  }

  paths(x, y, floor) {
    const steps = isTwoState(this.metric);
    const gaps = this.points.slice(1).map((point, i) => point[0] - this.points[i][0]).sort((a, b) => a - b);
    const hole = Math.max(5 * (gaps[Math.floor(gaps.length / 2)] ?? 0), 2.5 * (this.step ?? 0), 15);
    let line = "", area = "", band = "", run = [];
    const end = () => {
      if (!run.length) return;
      const path = run.map((p, i) => i === 0 ? `M${p.x} ${p.y}` : steps ? `H${p.x}V${p.y}` : `L${p.x} ${p.y}`).join("");
      line += run.length === 1 ? `${path}h.01` : path;
      area += `${path}V${floor}H${run[0].x}Z`;
      band += run.map((p, i) => `${i ? "L" : "M"}${p.x} ${p.high}`).join("") + run.toReversed().map((p) => `L${p.x} ${p.low}`).join("") + "Z";
      run = [];
    };
    this.points.forEach(([time, mean, low, high], i) => {
      if (i && !steps && time - this.points[i - 1][0] > hole) end();
      run.push({x: x(time).toFixed(1), y: y(mean).toFixed(1), low: y(low).toFixed(1), high: y(high).toFixed(1)});
    });
    end();
    return [line, area, steps ? "" : band];
  }

  point(x, y, time) {
    let best = this.points[0];
    for (const candidate of this.points) if (Math.abs(candidate[0] - time) < Math.abs(best[0] - time)) best = candidate;
    this.at = this.points.indexOf(best);
    const left = x(best[0]), [value, unit] = reading({metric: this.metric, value: isTwoState(this.metric) ? Math.round(best[1]) : best[1], unit: this.unit});
    const words = [`${value} ${unit}`.trim(), moment(best[0])];
    const right = left > this.box.clientWidth / 2;
    this.cursor.replaceChildren(
      svg("line", {x1: left, x2: left, y1: PAD.top, y2: HEIGHT - PAD.bottom}), svg("circle", {cx: left, cy: y(best[1]), r: 4.5}),
      ...words.map((word, i) => svg("text", {class: i ? "when" : "much", x: left + (right ? -10 : 10), y: PAD.top + 14 + i * 16, "text-anchor": right ? "end" : "start"}, word)));
  }

  key(event, x, y) {
    const move = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!move) return;
    event.preventDefault();
    const at = Math.min(this.points.length - 1, Math.max(0, (this.at ?? this.points.length - 1) + move));
    this.point(x, y, this.points[at][0]);
  }

  facts() {
    let low = Infinity, high = -Infinity, sum = 0, count = 0;
    for (const [, mean, least, most, n] of this.points) { low = Math.min(low, least); high = Math.max(high, most); sum += mean * n; count += n; }
    const show = (value) => reading({metric: this.metric, value, unit: this.unit}).join(" ").trim();
    return {now: show(this.points.at(-1)[1]), mean: show(sum / count), low: show(low), high: show(high)};
  }

  showFacts() {
    const place = get("history-facts");
    if (!this.points.length || isTwoState(this.metric)) { place.replaceChildren(); return; }
    place.replaceChildren(...Object.entries(this.facts()).map(([key, value]) => h("div", {}, h("dt", {}, say(key)), h("dd", {}, value))));
  }

  summary() {
    const {low, high, now: last} = this.facts();
    return say("chartLabel", {metric: metricName(this.metric), subject: subjectName(this.subject), low, high, last});
  }

  textList() {
    return h("ul", {class: "texts"}, ...(this.texts ?? []).slice(-12).toReversed().map(([time, word]) => h("li", {}, h("span", {class: "muted"}, moment(time)), " ", word)));
  }
}
