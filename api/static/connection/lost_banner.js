// A banner over the full width while the connection is lost, and the hour of what is still shown.

import {connection} from "./connection.js";
import {get, h, text} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {say, timeOfDay} from "../words/words.js";

export function showConnection() {
  const {state, since} = connection, lost = state === "lost";
  const pill = get("connection");
  pill.dataset.state = state;
  text(pill.querySelector("span"), say(state));
  document.body.classList.toggle("cut", lost);
  const words = since ? say("lostSince", {t: timeOfDay(since)}) : say("lostNever");
  if (lost && get("lost").textContent !== words) get("lost").replaceChildren(icon("warning"), h("span", {}, words));
  get("lost").hidden = !lost;
  for (const place of document.querySelectorAll(".as-of")) { place.hidden = !lost || !since; text(place, since ? say("asOf", {t: timeOfDay(since)}) : ""); }
}
