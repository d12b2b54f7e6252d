// The last picture of a camera, with the boxes of what was seen on it, and how old it is once it is no longer live.

import {h, text} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {boxesOf, drawBoxes, hasPicture, paint, pictureIn, scoreOf, toBlob} from "../shared/media.js";
import {drawPlaces} from "./places.js";
import {now, say, subjectName, timeOfDay, typeWord, when} from "../words/words.js";

const SHOWN = 3; // seconds that a box stays on live pictures
const STILL = 10; // seconds after which a picture is not live
const LONG = 43200;

export class LivePicture {
  constructor(camera) {
    this.camera = camera;
    this.canvas = h("canvas", {width: 640, height: 360, hidden: true});
    this.words = h("p", {});
    this.seen = h("p", {class: "no-picture-seen"});
    this.none = h("div", {class: "no-picture"}, icon("cameras"), this.words, this.seen);
    this.boxes = h("div", {class: "boxes-place"});
    this.drawn = h("div", {class: "places-place"});
    this.taken = h("p", {class: "picture-time", hidden: true});
    this.element = h("div", {class: "picture", role: "img"}, this.none, this.canvas, this.boxes, this.drawn, this.taken);
    this.time = 0;
    this.isLive = false;
    this.label();
  }

  /** A frame of the channel `camera_NAME`: `jpeg` is base64. While one is painted the others are passed over. */
  frame({jpeg, time}) {
    if (!jpeg) return null;
    this.isLive = true;
    return this.show(toBlob(jpeg, "image/jpeg"), time);
  }

  async show(blob, time) {
    if (!blob || this.painting || time < this.time) return;
    this.painting = true;
    try {
      await paint(this.canvas, blob);
      this.time = time;
      this.canvas.hidden = false;
      this.none.hidden = true;
      this.overlay();
      this.tick();
    } catch {
      text(this.words, say("badPicture"));
    } finally {
      this.painting = false;
    }
  }

  /** The boxes of the newest event, and its picture if it has one; `words` stand where there is none. */
  mark(event, words) {
    text(this.words, words);
    text(this.seen, event ? `${typeWord(event.type)}${scoreOf(event.data?.score)}, ${timeOf(event.time)}` : "");
    if (event && event !== this.event && hasPicture(event)) this.show(pictureIn(event), event.time);
    this.event = event;
    this.overlay();
    this.label();
  }

  /** The zones and lines that are drawn on it. */
  place(places) {
    this.places = places;
    this.overlay();
  }

  /** Boxes and zones belong on a picture: where none is shown there are none. */
  overlay() {
    const {canvas} = this, shown = !canvas.hidden, ratio = canvas.width / canvas.height;
    const event = shown && this.isOn(this.event) ? this.event : null, places = shown && this.places?.length ? this.places : null;
    const other = ratio !== this.ratio;
    if (other || event !== this.boxed) { const boxes = event ? boxesOf(event) : []; this.boxes.replaceChildren(...(boxes.length ? [drawBoxes(boxes, ratio)] : [])); }
    if (other || places !== this.placed) this.drawn.replaceChildren(...(places ? [drawPlaces(places, ratio)] : []));
    Object.assign(this, {ratio, boxed: event, placed: places});
  }

  /** Whether what was seen is on the picture that is shown, and not on one long gone. */
  isOn(event) {
    return Boolean(event) && (!this.isLive || event.time >= this.time - SHOWN);
  }

  /** A picture that stands still says of when it is. */
  tick() {
    const old = !this.canvas.hidden && now() - this.time > STILL;
    if (!old && this.taken.hidden) return;
    this.taken.hidden = !old;
    text(this.taken, old ? say("asOf", {t: timeOf(this.time)}) : "");
    this.label();
  }

  label() {
    const seen = this.boxed && boxesOf(this.boxed).length ? `, ${say("boxes", {what: typeWord(this.boxed.type)})}` : "";
    const words = this.canvas.hidden ? `: ${this.words.textContent}` : this.taken.hidden ? "" : `, ${this.taken.textContent}`;
    const label = say("picture", {camera: subjectName(this.camera)}) + words + seen;
    if (this.element.getAttribute("aria-label") !== label) this.element.setAttribute("aria-label", label);
  }
}

const timeOf = (time) => now() - time > LONG ? when(time) : timeOfDay(time);
