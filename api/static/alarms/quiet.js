// What stands where there are no alarms: that all is quiet is said only while it is known.

import {connection} from "../connection/connection.js";
import {h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {say} from "../words/words.js";

/** `noAlarms`, `loading`, or `quietUnknown`. */
export const quietWord = (alarmStore) => connection.isSure && alarmStore.known ? "noAlarms" : alarmStore.known || connection.state === "lost" ? "quietUnknown" : "loading";

/** A line in the place of a list without alarms. */
export class QuietLine {
  constructor(alarmStore, place = h("p", {})) {
    this.alarmStore = alarmStore;
    this.element = place;
  }

  show(isEmpty) {
    const word = isEmpty ? quietWord(this.alarmStore) : "", words = word && say(word);
    this.element.hidden = !isEmpty;
    if (words === this.said) return;
    this.said = words;
    this.element.className = word === "noAlarms" ? "empty calm" : "empty";
    this.element.replaceChildren(...(word === "noAlarms" ? [icon("check")] : []), h("span", {}, words));
  }
}
