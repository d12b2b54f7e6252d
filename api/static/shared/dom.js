// Small helpers to build the page without markup in strings: whatever a device sends is text, never code.

const SVG = "http://www.w3.org/2000/svg";

function fill(place, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) place.addEventListener(name.slice(2), value);
    else place.setAttribute(name, value === true ? "" : value);
  }
  place.append(...children.filter((child) => child !== null && child !== undefined));
  return place;
}

export const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
export const get = (id) => document.getElementById(id);

const MARKS = ["view", "account", "page", "rule", "group", "camera", "id", "action"];

/** How to find an element again once what it stands in has been drawn anew. */
export function trail(element) {
  const steps = [];
  for (let place = element; place?.dataset; place = place.parentElement)
    for (const mark of MARKS) if (mark in place.dataset) steps.unshift(`[data-${mark}="${CSS.escape(place.dataset[mark])}"]`);
  return steps.join(" ");
}

/** Change text only when it differs, so that screen readers and layout rest. */
export function text(place, value) {
  if (place.textContent !== value) place.textContent = value;
}
