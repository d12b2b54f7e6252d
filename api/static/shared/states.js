// The states of a view without data: empty, loading, failed.

import {h} from "./dom.js";
import {icon} from "./icons.js";
import {say} from "../words/words.js";

export const emptyState = (picture, words, hint, tone) => h("div", {class: "empty-state", "data-tone": tone}, icon(picture), h("p", {class: "lead"}, words), hint ? h("p", {class: "muted"}, hint) : null);

export const failure = (why, again) => h("div", {class: "empty-state", role: "alert", "data-tone": "bad"}, icon("warning"), h("p", {class: "lead"}, say("failed", {why})),
  again ? h("button", {type: "button", class: "secondary", onclick: again}, say("retry")) : null);

export const skeleton = (lines, className = "") => h("div", {class: `skeleton ${className}`, "aria-label": say("loading"), role: "img"}, ...Array.from({length: lines}, () => h("i", {})));
