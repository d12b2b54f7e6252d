// What the address says: the view, the parts after it, and its parameters (`#/overview?q=rack`).

const decoded = (part) => { try { return decodeURIComponent(part); } catch { return part; } };

export function here() {
  const [path, query = ""] = location.hash.split("?");
  const [, view = "", ...rest] = path.split("/");
  return {view, rest: rest.map(decoded), query: new URLSearchParams(query)};
}

/** Keep values in the address; an empty one is taken out. With `step`, Back leads to the address before. */
export function keepHere(values, step = false) {
  const [path, query = ""] = location.hash.split("?");
  const kept = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) if (value) kept.set(name, value); else kept.delete(name);
  const hash = `${path || "#/overview"}${kept.size ? `?${kept}` : ""}`;
  if (hash !== (location.hash || "#/overview")) history[step ? "pushState" : "replaceState"](step ? null : history.state, "", hash);
}

const REST = 150; // milliseconds without scrolling after which a place is kept
const LOADING = 30_000; // milliseconds in which a view may become long enough to be scrolled to its place, unless somebody does something
const LOOK = 50; // milliseconds between two looks whether it is
let resting = 0, going = 0;
history.scrollRestoration = "manual"; // a view is longer once it is drawn

/** The browser's history keeps how far an address is scrolled. */
function keepScroll() {
  const {hash} = location;
  clearTimeout(resting);
  resting = setTimeout(() => { if (location.hash === hash && !going) history.replaceState({...history.state, top: Math.round(scrollY)}, ""); }, REST);
}

addEventListener("scroll", keepScroll, {passive: true});
for (const name of ["wheel", "touchmove", "pointerdown", "keydown"]) addEventListener(name, () => { clearTimeout(going); going = 0; }, {passive: true});

/** Scroll to where this address was left, once it is drawn that far. */
export function scrollBack() {
  const top = history.state?.top, end = performance.now() + LOADING;
  clearTimeout(going);
  going = 0;
  if (!top) return;
  const go = () => { scrollTo(0, top); going = scrollY < top - 1 && performance.now() < end ? setTimeout(go, LOOK) : 0; };
  go();
}
