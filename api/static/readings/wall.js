// The overview on a wall: nothing but what is watched, as large as all of it fits; what never fits turns over page by page.

import {h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {keepHere} from "../shared/place.js";
import {say} from "../words/words.js";

const LARGEST = 34, SMALLEST = 10; // pixels of the text
const TURN = 15_000;

export class Wall {
  constructor(cards) {
    this.cards = cards;
    this.leave = h("button", {type: "button", class: "secondary wall-leave", onclick: () => this.ask(false)}, icon("close"), h("span", {}));
    document.body.append(this.leave);
    addEventListener("resize", () => this.fit());
    document.addEventListener("keydown", (event) => { if (event.key === "Escape" && this.on && !document.querySelector("dialog[open]")) this.ask(false); });
    document.addEventListener("fullscreenchange", () => { if (this.on && this.full && !document.fullscreenElement) this.ask(false); this.full = Boolean(document.fullscreenElement); });
    cards.resized = () => this.fit();
    this.show(false);
  }

  /** A person wants it, or no longer. */
  ask(on) {
    keepHere({wall: on ? "1" : ""});
    if (on) document.documentElement.requestFullscreen?.().catch(() => null); // it works without
    else if (document.fullscreenElement) document.exitFullscreen();
    this.show(on);
  }

  show(on) {
    this.on = on;
    this.leave.hidden = !on;
    this.leave.lastChild.textContent = say("wallLeave");
    document.body.classList.toggle("wall", on);
    clearInterval(this.turning);
    if (on) this.turning = setInterval(() => this.turn(), TURN);
    else document.documentElement.style.fontSize = "";
    this.fit();
  }

  /** The largest text with which all cards are on the screen. */
  fit() {
    if (!this.on || this.fitting) return;
    this.fitting = true;
    const {list} = this.cards, fits = (size) => {
      document.documentElement.style.fontSize = `${size}px`;
      this.cards.measure();
      return list.getBoundingClientRect().bottom + scrollY <= innerHeight;
    };
    let low = SMALLEST, high = LARGEST;
    while (low < high) { const middle = Math.ceil((low + high) / 2); if (fits(middle)) low = middle; else high = middle - 1; }
    fits(low);
    this.cards.plan();
    this.fitting = false;
  }

  turn() {
    const end = document.documentElement.scrollHeight - innerHeight;
    scrollTo({top: scrollY >= end - 1 ? 0 : Math.min(end, scrollY + innerHeight * 0.9)});
  }
}
