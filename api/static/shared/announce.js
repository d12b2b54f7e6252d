// Announcements for screen readers, and toasts at the edge of the page.

import {get, h, text} from "./dom.js";
import {icon} from "./icons.js";

const SHOWN = 6000;

/** For alarms: said at once. */
export const announce = (words) => text(get("announce"), words);

/** A short answer to what somebody just did. `kind` is good or bad. */
export function toast(words, kind = "good") {
  const place = h("div", {class: "toast", "data-kind": kind}, icon(kind === "good" ? "check" : "warning"), h("span", {}, words));
  get("toasts").append(place);
  while (get("toasts").childElementCount > 3) get("toasts").firstElementChild.remove();
  setTimeout(() => place.remove(), SHOWN);
}
