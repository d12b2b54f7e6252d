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
  if (hash !== (location.hash || "#/overview")) history[step ? "pushState" : "replaceState"](null, "", hash);
}
