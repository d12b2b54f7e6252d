// The last picture of a camera, with the boxes of what was seen on it.

import {h, text} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {boxesOf, drawBoxes, hasPicture, paint, pictureIn, toBlob} from "../shared/media.js";
import {drawPlaces} from "./places.js";
import {say, subjectName, typeWord} from "../words/words.js";

const SHOWN = 3; // seconds that a box stays on live pictures

export class LivePicture {
  constructor(camera) {
    this.camera = camera;
    this.canvas = h("canvas", {width: 640, height: 360, hidden: true});
    this.words = h("p", {});
    this.none = h("div", {class: "no-picture"}, icon("cameras"), this.words);
    this.boxes = h("div", {class: "boxes-place"});
    this.drawn = h("div", {class: "places-place"});
    this.element = h("div", {class: "picture", role: "img"}, this.none, this.canvas, this.boxes, this.drawn);
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
      this.place(this.places);
      this.canvas.hidden = false;
      this.none.hidden = true;
      if (!this.isOn(this.event)) this.boxes.replaceChildren();
    } catch {
      text(this.words, say("badPicture"));
    } finally {
      this.painting = false;
    }
  }

  /** The boxes of the newest event, and its picture if it has one; `words` stand where there is none. */
  mark(event, words) {
    text(this.words, words);
    if (event && event !== this.event && hasPicture(event)) this.show(pictureIn(event), event.time);
    this.event = event;
    const boxes = this.isOn(event) ? boxesOf(event) : [];
    this.boxes.replaceChildren(...(boxes.length ? [drawBoxes(boxes, this.canvas.width / this.canvas.height)] : []));
    this.label();
  }

  /** The zones and lines that are drawn on it. */
  place(places) {
    const ratio = this.canvas.width / this.canvas.height;
    if (places === this.places && ratio === this.ratio) return;
    this.places = places;
    this.ratio = ratio;
    this.drawn.replaceChildren(...(places?.length ? [drawPlaces(places, ratio)] : []));
  }

  /** Whether what was seen is on the picture that is shown, and not on one long gone. */
  isOn(event) {
    return Boolean(event) && (!this.isLive || event.time >= this.time - SHOWN);
  }

  label() {
    const seen = this.isOn(this.event) && boxesOf(this.event).length ? `, ${say("boxes", {what: typeWord(this.event.type)})}` : "";
    this.element.setAttribute("aria-label", say("picture", {camera: subjectName(this.camera)}) + seen);
  }
}
