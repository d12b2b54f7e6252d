// Pictures and clips of events, which need a token to be fetched; boxes are drawn over pictures.

import {fetchMedia} from "./api.js";
import {openDialog} from "./dialog.js";
import {h, svg} from "./dom.js";
import {number, say, subjectName, typeWord, when} from "./words.js";

/** What is kept of an event: a list of `{kind: "snapshot" | "clip", path}`. */
export function mediaOf(event) {
  const media = event.media ?? {};
  return [["snapshot", media.snapshot ?? media.picture], ["clip", media.clip]].filter(([, path]) => path).map(([kind, path]) => ({kind, path}));
}

/** The boxes of an event, as fractions of the picture: `{box: [left, top, width, height], what, score}`. */
export function boxesOf(event) {
  const found = event.data?.box ? [{box: event.data.box, what: event.type, score: event.data.score}] : [];
  return found.filter(({box}) => Array.isArray(box) && box.length === 4 && box.every(Number.isFinite));
}

/** A picture with boxes over it. The picture is painted, so that no other address than ours is ever needed for it. */
export async function paintPicture(blob, boxes, label) {
  const picture = await createImageBitmap(blob);
  const canvas = h("canvas", {width: picture.width, height: picture.height, role: "img", "aria-label": label});
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
  return h("figure", {class: "picture"}, canvas, drawBoxes(boxes, canvas.width / canvas.height));
}

export function drawBoxes(boxes, ratio = 16 / 9) {
  const width = 1000, height = width / ratio;
  const parts = boxes.flatMap(({box: [left, top, wide, tall], what, score}) => {
    const x = left * width, y = top * height, words = `${typeWord(what)}${Number.isFinite(score) ? ` ${number(score * 100, 0)} %` : ""}`;
    const above = y > 40;
    return [svg("rect", {class: "box", x, y, width: wide * width, height: tall * height, rx: 6}),
      svg("rect", {class: "box-label", x, y: above ? y - 38 : y, width: words.length * 15 + 20, height: 36, rx: 6}),
      svg("text", {class: "box-text", x: x + 10, y: above ? y - 12 : y + 26}, words)];
  });
  return svg("svg", {class: "boxes", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true"}, ...parts);
}

export async function openMedia(event, {kind, path}) {
  const place = h("div", {class: "media", "aria-busy": "true"}, h("p", {class: "muted"}, say("loading")));
  const title = `${typeWord(event.type)} · ${subjectName(event.subject)}`;
  let address = null;
  openDialog(title, [h("p", {class: "muted"}, when(event.time)), place], {name: kind, closed: () => { if (address) URL.revokeObjectURL(address); }});
  try {
    const blob = await fetchMedia(path);
    if (!blob) place.replaceChildren(h("p", {class: "muted"}, say("mediaGone")));
    else if (kind === "snapshot") place.replaceChildren(await paintPicture(blob, boxesOf(event), say("picture", {camera: subjectName(event.subject)})));
    else { address = URL.createObjectURL(blob); place.replaceChildren(h("video", {src: address, controls: true, autoplay: true, muted: true})); }
  } catch (error) {
    place.replaceChildren(h("p", {class: "form-error", role: "alert"}, say("failed", {why: error.message})));
  } finally {
    place.removeAttribute("aria-busy");
  }
}
