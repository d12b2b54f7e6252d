// The page's pictures: strokes on a 24 x 24 grid, and a shape for each priority, so that colour never speaks alone.

import {svg} from "./dom.js";

const STROKES = {
  overview: "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z",
  alarms: "M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 21h4",
  quiet: "M6 16V11a6 6 0 0 1 9-5.2M18 11v5l1.5 2H8M10 21h4M4 4l16 16",
  cameras: "M3 7h12v10H3zM15 11l6-3.5v9L15 13",
  events: "M12 7v5l3.5 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  flows: "M3 6h5v4H3zM3 14h5v4H3zM16 10h5v4h-5zM8 8c5 0 3 4 8 4M8 16c5 0 3-4 8-4",
  pages: "M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h5",
  letters: "M3 6h18v13H3zM3 7l9 7 9-7",
  dashboards: "M3 4h11v9H3zM17 4h4v9h-4zM3 16h6v4H3zM12 16h9v4h-9z",
  move: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3",
  left: "m15 5-7 7 7 7",
  wall: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  right: "m9 5 7 7-7 7",
  down: "m5 9 7 7 7-7",
  pin: "M9 3h6l-1 6 4 4v2H6v-2l4-4zM12 15v6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  check: "m5 12.5 4.5 4.5L19 7.5",
  shelve: "M12 8v4l2.5 2M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM9 1.8h6",
  comment: "M4 5h16v11H10l-4 4v-4H4z",
  reset: "M4 12a8 8 0 1 0 2.5-5.8M4 4v4.5h4.5",
  close: "m5 5 14 14M19 5 5 19",
  minus: "M5 12h14",
  plus: "M12 5v14M5 12h14",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  share: "M16 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM6 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM16 22a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8.6 10.6l4.8-3.9M8.6 13.4l4.8 3.9",
  play: "M7 4.5v15l12-7.5z",
  stop: "M6 6h12v12H6z",
  tool: "M14.5 6.5a4 4 0 0 1 5-1l-3 3 .5 2 2 .5 3-3a4 4 0 0 1-6 4.5L8 20.5 3.5 16l8-8a4 4 0 0 1 3-1.5",
  info: "M12 11v6M12 7.5h.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  warning: "M12 4 2.5 20h19zM12 10v5M12 17.6h.01",
  logout: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  person: "M12 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM5 20c0-4 3-6 7-6s7 2 7 6",
  accounts: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-4 2.5-6 6.5-6s6.5 2 6.5 6M16 4.5a3.3 3.3 0 0 1 0 6.2M18 14.5c2.2.7 3.5 2.5 3.5 5.5",
  key: "M8 20a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM11 13l8.5-8.5M16 8l3 3",
  motion: "M13 5.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM8 12l2-4 4 1 2 3 3 1M12 9l-1 6 3 3v4M11 15l-4 1-1 4",
  vehicle: "M4 16v-4l2-5h12l2 5v4zM4 12h16M7 19v-3M17 19v-3",
  door: "M6 21V3h12v18M4 21h16M15 12h.01",
  button: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  dot: "M12 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  link: "M9 15l6-6M8 11l-2 2a4 4 0 0 0 5 5l2-2M16 13l2-2a4 4 0 0 0-5-5l-2 2",
  history: "M4 12a8 8 0 1 0 2.5-5.8M4 4v4.5h4.5M12 8v4l3 2",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5",
};

const SHAPES = {
  critical: "M8 2h8l6 6v8l-6 6H8l-6-6V8z",
  high: "M12 2.5 23 21H1z",
  medium: "M12 1.5 22.5 12 12 22.5 1.5 12z",
  low: "M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19z",
};

export const icon = (name) => svg("svg", {class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true"}, svg("path", {d: STROKES[name] ?? STROKES.dot}));

/** Octagon, triangle, diamond, circle: critical to low. Filled while nobody has acknowledged it. */
export const shape = (priority) => svg("svg", {class: "shape", viewBox: "0 0 24 24", "aria-hidden": "true"}, svg("path", {d: SHAPES[priority] ?? SHAPES.low}));
