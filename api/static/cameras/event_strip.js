// The recent events of a camera as small pictures; the clip of one plays in its place.

import {askForBlob} from "../shared/api.js";
import {h} from "../shared/dom.js";
import {pictureOf} from "../events/event_item.js";
import {icon} from "../shared/icons.js";
import {showThumbnail} from "../events/thumbnail.js";
import {say, timeOfDay, typeWord} from "../words/words.js";

let playing = null; // the address of the clip that plays; one at a time is held in memory

export function eventStrip(events) {
  return h("ul", {class: "strip"}, ...events.map((event) => h("li", {"data-id": event.id}, thumbnail(event))));
}

function thumbnail(event) {
  const canvas = h("canvas", {hidden: true});
  const none = h("span", {class: "no-thumbnail"}, icon(pictureOf(event.type)));
  const words = `${typeWord(event.type)}, ${timeOfDay(event.time)}`;
  const button = h("button", {type: "button", class: "thumbnail", "data-action": "clip", "aria-label": `${say("playClip")}: ${words}`}, none, canvas, h("span", {class: "thumbnail-words"}, words));
  button.addEventListener("click", () => play(event, button, words));
  showThumbnail(event, canvas, none);
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
