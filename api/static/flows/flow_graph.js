// A flow as a picture: its parts in columns from sources to sinks, joined by where events go, with their rates.

import {svg} from "../shared/dom.js";
import {number, rate, say} from "../words/words.js";

const WIDTH = 190, TALL = 52, GAP_X = 56, GAP_Y = 16, TOP = 26;
const HIDDEN = /^vigie_/; // parts that every flow has for its own needs
const LONGEST = 24;

const short = (words) => (words.length > LONGEST ? `${words.slice(0, LONGEST - 1)}…` : words);

/** Parts with the column that each stands in: one further than what it reads, topics outside, sinks last. */
export function columnsOf({boxes, arrows}) {
  const parts = boxes.filter((box) => box.kind !== "topic");
  const depth = new Map(parts.map((box) => [box.name, 0]));
  const inside = arrows.filter(([start, end]) => depth.has(start) && depth.has(end) && start !== end);
  for (let round = 0; round < parts.length; round++) {
    let moved = false;
    for (const [start, end] of inside) if (depth.get(end) <= depth.get(start)) { depth.set(end, depth.get(start) + 1); moved = true; }
    if (!moved) break;
  }
  const last = Math.max(1, ...depth.values());
  for (const box of parts) if (box.kind === "sink") depth.set(box.name, last);
  return {parts, arrows: inside, depth, last};
}

export function drawFlow(flow) {
  const graph = flow.graph ?? guessed(flow);
  const {parts, arrows, depth, last} = columnsOf(graph);
  const columns = Array.from({length: last + 1}, (_, i) => parts.filter((box) => depth.get(box.name) === i));
  const most = Math.max(1, ...columns.map((column) => column.length));
  const width = (last + 1) * WIDTH + last * GAP_X, height = TOP + most * TALL + (most - 1) * GAP_Y + 4;
  const places = new Map();
  columns.forEach((column, i) => column.forEach((box, j) => places.set(box.name, {x: i * (WIDTH + GAP_X) + 1, y: TOP + j * (TALL + GAP_Y) + ((most - column.length) * (TALL + GAP_Y)) / 2})));
  const lines = arrows.map(([start, end]) => {
    const a = places.get(start), b = places.get(end), x1 = a.x + WIDTH, y1 = a.y + TALL / 2, x2 = b.x, y2 = b.y + TALL / 2, bend = Math.max(24, (x2 - x1) / 2);
    const busy = (flow.counts[start]?.rate ?? flow.counts[end]?.rate ?? 0) > 0;
    return svg("path", {class: busy ? "edge busy" : "edge", d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`});
  });
  const nodes = parts.map((box) => node(box, places.get(box.name), flow));
  return svg("svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "list", "aria-label": say("graphOf", {flow: flow.flow ?? ""})},
    svg("text", {class: "node-label", x: 2, y: 14, "aria-hidden": "true"}, say("sources")), svg("text", {class: "node-label", x: width - 2, y: 14, "text-anchor": "end", "aria-hidden": "true"}, say("sinks")),
    ...lines, ...nodes);
}

function node(box, {x, y}, flow) {
  const up = flow.connectors[box.name], waits = flow.waiting_for[box.name];
  const count = flow.counts[box.name];
  const facts = [];
  if (up === false || waits) facts.push(say("waits"));
  if (flow.lag?.[box.name] > 0) facts.push(`${number(flow.lag[box.name], 0)} ${say("flowLag")}`);
  if (count) facts.push(count.rate === null ? say("eventCount", {n: number(count.events, 0)}) : rate(count.rate));
  if (!facts.length && box.lines[0]) facts.push(short(box.lines[0]));
  const words = facts.join(" · ");
  return svg("g", {class: "node", role: "listitem", "data-kind": box.kind, "data-part": box.name, "data-up": up === false || waits ? "no" : null, "aria-label": `${box.name}: ${words}`},
    svg("title", {}, [box.name, ...box.lines, waits, count ? `${number(count.events, 0)} ${say("eventsAll")}` : null].filter(Boolean).join("\n")),
    svg("rect", {x, y, width: WIDTH - 2, height: TALL, rx: box.kind === "alarm" ? 4 : box.kind === "stream" ? 12 : 26}),
    svg("text", {class: "node-name", x: x + 16, y: y + 22}, short(box.name)),
    svg("text", {class: "node-fact", x: x + 16, y: y + 40}, words));
}

/** Where a flow does not say how it is made, its connectors stand alone. */
function guessed(flow) {
  const names = [...new Set([...Object.keys(flow.counts), ...Object.keys(flow.connectors)])].filter((name) => !HIDDEN.test(name));
  return {boxes: names.map((name) => ({name, kind: "source", lines: []})), arrows: []};
}
