// A sound for each priority, repeated while an alarm of it waits and nobody has silenced it. Browsers let a page sound only
// after somebody touched it; the wish is remembered.

import {get, text} from "./dom.js";
import {icon} from "./icons.js";
import {say} from "../words/words.js";

const KEPT = "vigie.sound";
const TUNES = {
  critical: [[880, 0], [660, 0.16], [880, 0.32], [660, 0.48]], high: [[784, 0], [784, 0.22]], medium: [[587, 0]], low: [[440, 0]],
  lost: [[523, 0], [392, 0.2], [294, 0.4]],
};
const MOST_URGENT_FIRST = ["critical", "high", "medium", "low"];
const REPEAT = {critical: 5, high: 10, medium: 30, low: 60}; // seconds
const LENGTH = 0.13;
const TOGETHER = 300; // milliseconds: of what comes in them, only the most urgent sounds

export class Sound {
  constructor() {
    this.wanted = localStorage.getItem(KEPT) === "on";
    this.button = get("sound");
    this.button.addEventListener("click", () => this.toggle());
    get("silence").addEventListener("click", () => this.silence());
    addEventListener("pointerdown", () => this.wake(), {passive: true});
    addEventListener("keydown", () => this.wake());
    setInterval(() => this.repeat(), 1000);
    this.show();
  }

  toggle() {
    this.wanted = !this.wanted;
    localStorage.setItem(KEPT, this.wanted ? "on" : "off");
    this.wake();
    if (this.wanted) this.play("low");
    else this.silence();
    this.show();
  }

  wake() {
    if (!this.wanted) return;
    this.audio ??= new AudioContext();
    if (this.audio.state === "suspended") this.audio.resume();
  }

  /** A new alarm sounds; of many at once, the most urgent. */
  alarm(priority) {
    if (!this.wanted) return;
    if (!this.next || rank(priority) < rank(this.next)) this.next = priority;
    this.gathering ??= setTimeout(() => {
      const next = this.next;
      this.gathering = this.next = null;
      if (!this.sounding || rank(next) < rank(this.sounding)) this.sounding = next;
      this.play(next);
      this.show();
    }, TOGETHER);
  }

  /** The most urgent priority that waits for somebody; without one nothing is repeated. */
  waits(priority) {
    if (!this.sounding || priority === this.sounding) return;
    if (!priority || rank(priority) > rank(this.sounding)) { this.sounding = priority; this.show(); }
  }

  silence() {
    this.sounding = null;
    this.show();
  }

  repeat() {
    if (this.sounding && Date.now() - this.last >= REPEAT[this.sounding] * 1000) this.play(this.sounding);
  }

  play(name) {
    this.last = Date.now();
    if (!this.wanted || !this.audio || this.audio.state === "closed") return;
    const start = this.audio.currentTime + 0.02;
    for (const [pitch, after] of TUNES[name] ?? TUNES.low) {
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
    get("silence").hidden = !this.sounding;
  }
}

const rank = (priority) => { const place = MOST_URGENT_FIRST.indexOf(priority); return place < 0 ? MOST_URGENT_FIRST.length - 1 : place; };
