// The recent events of a camera as small pictures; the clip of one plays in its place.

import {askForBlob} from "../shared/api.js";
import {h} from "../shared/dom.js";
import {pictureOf} from "../events/event_item.js";
import {icon} from "../shared/icons.js";
import {Stillness} from "../shared/stillness.js";
import {showThumbnail} from "../events/thumbnail.js";
import {say, timeOfDay, typeWord} from "../words/words.js";

let playing = null; // the address of the clip that plays; one at a time is held in memory

/** Nothing moves in it while somebody points at it, or a clip plays there. */
export class EventStrip {
  constructor(events = []) {
    this.element = h("ul", {class: "strip"});
    this.stillness = new Stillness(this.element, () => this.show(this.events));
    this.items = new Map();
    this.show(events);
  }

  get isHeld() {
    const video = this.element.querySelector("video");
    video?.addEventListener("ended", this.stillness.release, {once: true});
    return this.items.size > 0 && (this.stillness.still || (video && !video.ended));
  }

  show(events) {
    this.events = events;
    const known = [...this.items.keys()];
    if (this.isHeld || (known.length === events.length && events.every(({id}, i) => id === known[i]))) return;
    const before = this.items;
    this.items = new Map(events.map((event) => [event.id, before.get(event.id) ?? new StripItem(event)]));
    this.element.replaceChildren(...[...this.items.values()].map(({element}) => element));
  }

  /** An event has a picture now. */
  pictured(id) {
    this.items.get(id)?.load();
  }
}

class StripItem {
  constructor(event) {
    const canvas = h("canvas", {hidden: true}), none = h("span", {class: "no-thumbnail"}, icon(pictureOf(event.type)));
    this.load = () => showThumbnail(event, canvas, none);
    this.element = h("li", {"data-id": event.id}, thumbnail(event, canvas, none));
    this.load();
  }
}

function thumbnail(event, canvas, none) {
  const words = `${typeWord(event.type)}, ${timeOfDay(event.time)}`;
  const button = h("button", {type: "button", class: "thumbnail", "data-action": "clip", "aria-label": `${say("playClip")}: ${words}`}, none, canvas, h("span", {class: "thumbnail-words"}, words));
  button.addEventListener("click", () => play(event, button, words));
  return button;
}

/** The clip is fetched with the token in a header, for an address is no place for it. */
async function play(event, button, words) {
  const video = h("video", {controls: true, autoplay: true, playsinline: true, "aria-label": words});
  const failed = () => { video.replaceWith(h("p", {class: "muted no-clip", role: "status"}, say("noClip"))); };
  video.muted = true;
  button.replaceWith(video);
  video.focus();
  const clip = await askForBlob(`/api/events/${encodeURIComponent(event.id)}/clip`).catch(() => null);
  if (!clip) { failed(); return; }
  video.addEventListener("error", failed, {once: true});
  if (playing) URL.revokeObjectURL(playing);
  video.src = playing = URL.createObjectURL(clip);
}
