// Pictures that events carry, with boxes over what was seen on them.

import {openDialog} from "./dialog.js";
import {h, svg} from "./dom.js";
import {number, say, subjectName, typeWord, when} from "../words/words.js";

const FIELDS = ["picture", "thumbnail", "snapshot", "image", "jpeg"];
const DECODED = 3000; // milliseconds that a picture may take
const BEGINNINGS = [["/9j/", "image/jpeg"], ["iVBOR", "image/png"], ["UklGR", "image/webp"]];

/** The picture in an event, as a Blob; null where there is none. It is there in base64, or as a `data:` address. */
export function pictureIn(event) {
  for (const field of FIELDS) {
    const value = event.data?.[field];
    if (typeof value !== "string") continue;
    const base64 = value.replace(/^data:image\/[\w.+-]+;base64,/, "");
    const kind = BEGINNINGS.find(([beginning]) => base64.startsWith(beginning))?.[1];
    if (kind) return toBlob(base64, kind);
  }
  return null;
}

export const hasPicture = (event) => FIELDS.some((field) => typeof event.data?.[field] === "string" && event.data[field].length > 40);

export const toBlob = (base64, type) => new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], {type});

/** The boxes of an event, as fractions of the picture: `{box: [left, top, width, height], what, score}`. */
export function boxesOf(event) {
  const found = event.data?.box ? [{box: event.data.box, what: event.type, score: event.data.score}] : [];
  return found.filter(({box}) => Array.isArray(box) && box.length === 4 && box.every(Number.isFinite));
}

/** How sure a detector was, with a space before it; nothing where it did not say. */
export const scoreOf = (score) => Number.isFinite(score) ? ` ${number(score * 100, 0)} %` : "";

/** Paint a picture on a canvas; the page needs no other address for it. A browser may never get round to decoding one. */
export async function paint(canvas, blob) {
  const picture = await within(DECODED, createImageBitmap(blob), (late) => late.close());
  Object.assign(canvas, {width: picture.width, height: picture.height});
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
}

/** What a promise brings; an error when it takes longer, and `late` gets what comes after all. */
function within(ms, promise, late) {
  return new Promise((done, failed) => {
    let over = false;
    const timer = setTimeout(() => { over = true; failed(new Error("too late")); }, ms);
    promise.then((value) => { clearTimeout(timer); if (over) late(value); else done(value); }, failed);
  });
}

/** Boxes over a picture of this ratio; like it, they keep it, whatever place there is. */
export function drawBoxes(boxes, ratio = 16 / 9) {
  const width = 1000, height = width / ratio;
  const parts = boxes.flatMap(({box: [left, top, wide, tall], what, score}) => {
    const x = left * width, y = top * height, words = typeWord(what) + scoreOf(score), long = words.length * 15 + 20;
    const above = y > 40, begin = Math.max(0, Math.min(x, width - long));
    return [svg("rect", {class: "box", x, y, width: wide * width, height: tall * height, rx: 6}),
      svg("rect", {class: "box-label", x: begin, y: above ? y - 38 : y, width: long, height: 36, rx: 6}),
      svg("text", {class: "box-text", x: begin + 10, y: above ? y - 12 : y + 26}, words)];
  });
  return svg("svg", {class: "boxes", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true"}, ...parts);
}

export async function openPicture(event) {
  const canvas = h("canvas", {role: "img", "aria-label": say("picture", {camera: subjectName(event.subject)})});
  const place = h("div", {class: "media"}, h("figure", {class: "picture"}, canvas));
  openDialog(`${typeWord(event.type)} · ${subjectName(event.subject)}`, [h("p", {class: "muted"}, when(event.time)), place], {name: "picture"});
  try {
    await paint(canvas, pictureIn(event));
    canvas.after(drawBoxes(boxesOf(event), canvas.width / canvas.height));
  } catch {
    place.replaceChildren(h("p", {class: "form-error", role: "alert"}, say("badPicture")));
  }
}
