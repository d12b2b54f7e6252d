// A short sound for each new alarm. Browsers let a page sound only after somebody touched it; the wish is remembered.

import {get, text} from "./dom.js";
import {icon} from "./icons.js";
import {say} from "../words/words.js";

const KEPT = "vigie.sound";
const TUNES = {critical: [[880, 0], [660, 0.16], [880, 0.32], [660, 0.48]], high: [[784, 0], [784, 0.22]], medium: [[587, 0]], low: [[440, 0]]};
const LENGTH = 0.13;

export class Sound {
  constructor() {
    this.wanted = localStorage.getItem(KEPT) === "on";
    this.button = get("sound");
    this.button.addEventListener("click", () => this.toggle());
    addEventListener("pointerdown", () => this.wake(), {passive: true});
    addEventListener("keydown", () => this.wake());
    this.show();
  }

  toggle() {
    this.wanted = !this.wanted;
    localStorage.setItem(KEPT, this.wanted ? "on" : "off");
    this.wake();
    if (this.wanted) this.play("low");
    this.show();
  }

  wake() {
    if (!this.wanted) return;
    this.audio ??= new AudioContext();
    if (this.audio.state === "suspended") this.audio.resume();
  }

  play(priority) {
    if (!this.wanted || this.audio?.state === "closed" || !this.audio) return;
    const start = this.audio.currentTime + 0.02;
    for (const [pitch, after] of TUNES[priority] ?? TUNES.low) {
      const tone = new OscillatorNode(this.audio, {frequency: pitch, type: "triangle"});
      const level = new GainNode(this.audio, {gain: 0});
      level.gain.setValueAtTime(0, start + after);
      level.gain.linearRampToValueAtTime(0.25, start + after + 0.015);
      level.gain.linearRampToValueAtTime(0, start + after + LENGTH);
      tone.connect(level).connect(this.audio.destination);
      tone.start(start + after);
      tone.stop(start + after + LENGTH);
    }
    this.played = (this.played ?? 0) + 1;
    this.button.dataset.played = this.played;
  }

  show() {
    this.button.setAttribute("aria-pressed", String(this.wanted));
    this.button.replaceChildren(icon(this.wanted ? "alarms" : "quiet"));
    const words = say(this.wanted ? "soundOn" : "soundOff");
    this.button.title = words;
    this.button.setAttribute("aria-label", say("sound"));
    text(get("sound-state"), words);
  }
}
