// A sparkline: the recent course of a signal without axes.

import {svg} from "../shared/dom.js";
import {isTwoState} from "../words/words.js";

const WIDTH = 120;
const HEIGHT = 34;
const MARGIN = 3;

export class Spark {
  constructor(metric) {
    this.metric = metric;
    this.area = svg("path", {class: "spark-area"});
    this.line = svg("path", {class: "spark-line", "vector-effect": "non-scaling-stroke"});
    this.element = svg("svg", {class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true"}, this.area, this.line);
  }

  /** Draw a list of [time, value]. */
  draw(points) {
    if (points.length < 2) { this.line.setAttribute("d", ""); this.area.setAttribute("d", ""); return; }
    const steps = isTwoState(this.metric);
    let low = steps ? 0 : Infinity, high = steps ? 1 : -Infinity;
    if (!steps) for (const [, value] of points) { if (value < low) low = value; if (value > high) high = value; }
    const start = points[0][0], width = (points.at(-1)[0] - start) || 1, height = (high - low) || 1;
    const x = (time) => ((time - start) / width) * WIDTH;
    const y = (value) => high === low ? HEIGHT / 2 : HEIGHT - MARGIN - ((value - low) / height) * (HEIGHT - 2 * MARGIN);
    let path = `M0 ${y(points[0][1]).toFixed(1)}`;
    for (let i = 1; i < points.length; i++)
      path += (steps ? `H${x(points[i][0]).toFixed(1)}V` : `L${x(points[i][0]).toFixed(1)} `) + y(points[i][1]).toFixed(1);
    this.line.setAttribute("d", path);
    this.area.setAttribute("d", `${path}V${HEIGHT}H0Z`);
  }
}
