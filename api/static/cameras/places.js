// What is drawn on a camera's picture: zones and lines, as shapes over it.

import {svg} from "../shared/dom.js";

export const WIDE = 1000; // the width of the drawing, whatever that of the picture

/** `[{kind, name, points, …}]` of a camera's row: copies, with all that the row says of each. */
export function placesOf({zones = {}, lines = {}}) {
  return structuredClone([
    ...Object.entries(zones).map(([name, zone]) => ({...zone, kind: "zone", name})),
    ...Object.entries(lines).map(([name, {from, to, ...rest}]) => ({...rest, kind: "line", name, points: [from, to]})),
  ]);
}

/** The other way round, as the api takes it: what is not shown here goes back as it came. */
export function asRow(places) {
  const row = {zones: {}, lines: {}};
  for (const {kind, name, points, isOpen: _, ...rest} of places) {
    if (kind === "zone") row.zones[name] = {...rest, points, hours: rest.hours || null};
    else row.lines[name] = {...rest, from: points[0], to: points[1]};
  }
  return row;
}

export function drawPlaces(places, ratio) {
  const tall = WIDE / ratio;
  return svg("svg", {class: "places", viewBox: `0 0 ${WIDE} ${tall}`, "aria-hidden": "true"}, ...places.map((place) => shape(place, tall)));
}

export function shape({kind, name, points, privacy, isOpen}, tall, chosen = false) {
  const corners = points.map(([x, y]) => `${x * WIDE},${y * tall}`).join(" ");
  const [[x, y] = [0, 0]] = points;
  return svg("g", {class: "place", "data-kind": kind, "data-chosen": chosen ? "yes" : null, "data-private": privacy ? "yes" : null},
    svg(kind === "line" || isOpen ? "polyline" : "polygon", {points: corners}),
    kind === "line" && points.length === 2 ? arrow(points, tall) : null,
    svg("text", {x: x * WIDE + 8, y: Math.max(26, y * tall - 8)}, name));
}

/** A small arrow at the middle of a line, to its left: crossings that way are told as `left`. */
function arrow([[x1, y1], [x2, y2]], tall) {
  const dx = (x2 - x1) * WIDE, dy = (y2 - y1) * tall, length = Math.hypot(dx, dy) || 1;
  const x = (x1 + x2) / 2 * WIDE, y = (y1 + y2) / 2 * tall, across = [dy / length, -dx / length], along = [dx / length, dy / length];
  const at = (far, aside) => `${x + across[0] * far + along[0] * aside},${y + across[1] * far + along[1] * aside}`;
  return svg("polyline", {points: [at(0, 0), at(34, 0), at(22, -9), at(34, 0), at(22, 9)].join(" ")});
}
