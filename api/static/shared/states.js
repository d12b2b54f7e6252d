// The states of a view without data: empty, loading, failed.

import {h} from "./dom.js";
import {icon} from "./icons.js";
import {may} from "./session.js";
import {say} from "../words/words.js";

/** For admins: the line that brings what is missing. */
const LINES = {
  cards: "vigie discover --mqtt mqtt://HOST -o devices.yaml",
  flows: "vigie up FOLDER",
  cameras: "tables: {cameras: cameras.csv}   # name,url\nsources: {video: {rtsp: {each: cameras, url: \"{url}\"}}}",
  events: "sinks:\n  events: {from: STREAM, topic: site.events}",
};
export const toWrite = (name) => may("admin") && LINES[name] ? h("div", {class: "to-write"}, h("p", {class: "muted"}, say(`write_${name}`)), h("pre", {tabindex: "0"}, LINES[name])) : null;

/** `missing` names the line to write. */
export const emptyState = (picture, words, hint, tone, missing) => h("div", {class: "empty-state", "data-tone": tone}, icon(picture), h("p", {class: "lead"}, words), hint ? h("p", {class: "muted"}, hint) : null, missing ? toWrite(missing) : null);

export const failure = (why, again) => h("div", {class: "empty-state", role: "alert", "data-tone": "bad"}, icon("warning"), h("p", {class: "lead"}, say("failed", {why})),
  again ? h("button", {type: "button", class: "secondary", onclick: again}, say("retry")) : null);

export const skeleton = (lines, className = "") => h("div", {class: `skeleton ${className}`, "aria-label": say("loading"), role: "img"}, ...Array.from({length: lines}, () => h("i", {})));
