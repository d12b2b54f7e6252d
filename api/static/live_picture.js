// The last picture of a camera, with the boxes of what was seen on it.

import {h} from "./dom.js";
import {icon} from "./icons.js";
import {boxesOf, drawBoxes} from "./media.js";
import {say, subjectName, typeWord} from "./words.js";

export class LivePicture {
  constructor(camera) {
    this.camera = camera;
    this.canvas = h("canvas", {width: 640, height: 360, hidden: true});
    this.words = h("p", {});
    this.none = h("div", {class: "no-picture"}, icon("cameras"), this.words);
    this.boxes = h("div", {class: "boxes-place"});
    this.element = h("div", {class: "picture", role: "img"}, this.none, this.canvas, this.boxes);
    this.label();
  }

  /** A frame of the channel `camera_NAME`: `jpeg` is base64. */
  async show({jpeg}) {
    if (!jpeg || this.painting) return;
    this.painting = true;
    try {
      const bytes = Uint8Array.from(atob(jpeg), (letter) => letter.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([bytes], {type: "image/jpeg"}));
      Object.assign(this.canvas, {width: picture.width, height: picture.height, hidden: false});
      this.none.hidden = true;
      this.canvas.getContext("2d").drawImage(picture, 0, 0);
      picture.close();
    } finally {
      this.painting = false;
    }
  }

  /** Draw the boxes of the newest event; `words` stand where there is no picture. */
  mark(event, words) {
    this.words.textContent = words;
    this.event = event;
    const boxes = event ? boxesOf(event) : [];
    this.boxes.replaceChildren(...(boxes.length ? [drawBoxes(boxes, this.canvas.width / this.canvas.height)] : []));
    this.label();
  }

  label() {
    const seen = this.event && boxesOf(this.event).length ? `, ${say("boxes", {what: typeWord(this.event.type)})}` : "";
    this.element.setAttribute("aria-label", say("picture", {camera: subjectName(this.camera)}) + seen);
  }
}
