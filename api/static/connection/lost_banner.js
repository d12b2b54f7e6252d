// A banner over the full width while the connection is lost, or the server gets nothing, and the hour of what is still shown.

import {connection} from "./connection.js";
import {get, h, text} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {say, timeOfDay} from "../words/words.js";

export function showConnection() {
  const {state, since, blind} = connection, lost = state === "lost", isBlind = state === "live" && blind !== "";
  const pill = get("connection");
  pill.dataset.state = isBlind ? "blind" : state;
  const isPart = state === "live" && connection.isPart;
  pill.toggleAttribute("data-part", isPart);
  text(pill.querySelector("span"), say(isBlind ? "blindShort" : isPart ? "livePart" : state));
  document.body.classList.toggle("cut", lost || isBlind);
  const words = isBlind ? say("blindServer", {why: blind}) : since ? say("lostSince", {t: timeOfDay(since)}) : say("lostNever");
  if ((lost || isBlind) && get("lost").textContent !== words) get("lost").replaceChildren(icon("warning"), h("span", {}, words));
  get("lost").hidden = !lost && !isBlind;
  for (const place of document.querySelectorAll(".as-of")) { place.hidden = !lost || !since; text(place, since ? say("asOf", {t: timeOfDay(since)}) : ""); }
}
