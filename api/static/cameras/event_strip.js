// The recent events of a camera as small pictures; the clip of one plays in its place.

import {askForBlob} from "../shared/api.js";
import {h} from "../shared/dom.js";
import {pictureOf} from "../events/event_item.js";
import {icon} from "../shared/icons.js";
import {hasPicture, paint, pictureIn} from "../shared/media.js";
import {say, timeOfDay, typeWord} from "../words/words.js";

const known = new Map(); // small pictures by the event's id; null where there is none
const MOST = 200;
let playing = null; // the address of the clip that plays; one at a time is held in memory

/** There may be a picture now where there was none. */
export function forgetPicture(id) {
  if (known.get(id) === null) known.delete(id);
}

export function eventStrip(events) {
  return h("ul", {class: "strip"}, ...events.map((event) => h("li", {"data-id": event.id}, thumbnail(event))));
}

function thumbnail(event) {
  const canvas = h("canvas", {hidden: true});
  const none = h("span", {class: "no-thumbnail"}, icon(pictureOf(event.type)));
  const words = `${typeWord(event.type)}, ${timeOfDay(event.time)}`;
  const button = h("button", {type: "button", class: "thumbnail", "data-action": "clip", "aria-label": `${say("playClip")}: ${words}`}, none, canvas, h("span", {class: "thumbnail-words"}, words));
  button.addEventListener("click", () => play(event, button, words));
  show(event, canvas, none);
  return button;
}

async function show(event, canvas, none) {
  const blob = await smallPicture(event);
  if (!blob) return;
  try {
    await paint(canvas, blob);
    canvas.hidden = false;
    none.hidden = true;
  } catch {
    known.set(event.id, null);
  }
}

async function smallPicture(event) {
  if (hasPicture(event)) return pictureIn(event);
  if (!known.has(event.id)) {
    if (known.size >= MOST) known.delete(known.keys().next().value);
    known.set(event.id, await askForBlob(`/api/events/${encodeURIComponent(event.id)}/thumbnail`).catch(() => null));
  }
  return known.get(event.id);
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
