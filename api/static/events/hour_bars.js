// How many events each hour of the last day had, as bars.

import {svg} from "../shared/dom.js";
import {clock, now, say} from "../words/words.js";

const HOURS = 24, WIDTH = 480, HEIGHT = 72, FLOOR = 56;

export function hourBars(hours) {
  const counts = new Map(hours.map(({time, events}) => [time, events]));
  const last = Math.floor(now() / 3600) * 3600;
  const times = Array.from({length: HOURS}, (_, i) => last - (HOURS - 1 - i) * 3600);
  const most = Math.max(1, ...times.map((time) => counts.get(time) ?? 0));
  const step = WIDTH / HOURS;
  const bars = times.map((time, i) => {
    const n = counts.get(time) ?? 0, tall = n ? Math.max(3, (n / most) * (FLOOR - 6)) : 2;
    return svg("rect", {class: n ? "bar" : "bar none", x: i * step + 2, y: FLOOR - tall, width: step - 4, height: tall, rx: 2}, svg("title", {}, say("hourCount", {t: clock(time), n})));
  });
  const marks = times.map((time, i) => (i % 6 === 3 ? svg("text", {class: "axis", x: i * step + step / 2, y: HEIGHT - 3, "text-anchor": "middle"}, clock(time)) : null)).filter(Boolean);
  return svg("svg", {class: "hours", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": say("perHour")}, ...bars, ...marks);
}
