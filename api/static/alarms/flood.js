// A banner while more alarms come than a person can follow.

import {get, h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {say} from "../words/words.js";

export class FloodBanner {
  constructor(alarmStore) {
    this.alarmStore = alarmStore;
    alarmStore.addEventListener("change", () => this.show());
  }

  show() {
    const place = get("flood");
    if (!this.alarmStore.flooded) { place.hidden = true; this.said = ""; return; }
    const words = say("flood", {n: this.alarmStore.recent()});
    if (this.said === words && !place.hidden) return;
    this.said = words;
    if (place.hidden) place.replaceChildren(icon("warning"), h("span", {}, words), h("a", {href: "#/alarms"}, say("toAlarms")));
    else { place.children[1].textContent = words; place.children[2].textContent = say("toAlarms"); }
    place.hidden = false;
  }
}
