// One event of the site, as a line of a timeline: what, where, when, and what came with it.

import {toast} from "../shared/announce.js";
import {send} from "../shared/api.js";
import {onceLive} from "../connection/waiting.js";
import {h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {hasPicture, openPicture} from "../shared/media.js";
import {may} from "../shared/session.js";
import {showThumbnail} from "./thumbnail.js";
import {age, number, say, subjectName, timeOfDay, typeWord} from "../words/words.js";

const PICTURES = [[/person|people|intru/, "person"], [/motion|presence|pir/, "motion"], [/car|truck|vehicle|bus/, "vehicle"], [/door|window|contact|gate/, "door"], [/button|press/, "button"], [/agree|correl/, "link"]];
const HIDDEN = ["box", "frame", "track", "picture", "thumbnail", "snapshot", "image", "jpeg", "key", "class", "camera", "event_id", "original_timestamp", "mqtt_topic", "phase"];
const LONGEST = 60;

export const pictureOf = (type) => PICTURES.find(([pattern]) => pattern.test(type))?.[1] ?? "dot";

/** The event's data in a few words. */
export function facts(event) {
  const found = [];
  const note = (name, value) => {
    if (HIDDEN.includes(name) || value === null || value === "" || found.length >= 5) return;
    if (typeof value === "number") found.push(`${name.replaceAll("_", " ")} ${name === "score" ? `${number(value * 100, 0)} %` : number(value)}`);
    else if (typeof value === "boolean") found.push(`${name.replaceAll("_", " ")} ${say(value ? "yes" : "noWord").toLowerCase()}`);
    else if (typeof value === "string") found.push(`${name.replaceAll("_", " ")} ${value.slice(0, LONGEST)}`);
    else if (Array.isArray(value) && value.every((part) => typeof part === "string")) found.push(`${name.replaceAll("_", " ")} ${value.join(", ").slice(0, LONGEST)}`);
  };
  for (const [name, value] of Object.entries(event.data ?? {})) {
    if (value && typeof value === "object" && !Array.isArray(value)) for (const [inner, part] of Object.entries(value)) note(inner, part);
    else note(name, value);
  }
  return found;
}

const nameOf = ({type, subject}) => `${typeWord(type)}, ${subjectName(subject)}`;
const pictured = (event) => hasPicture(event) || (event.evidence ?? []).length > 0;

/** Its picture, fetched once it is in sight; else what stands for its kind. */
function picture(event) {
  const none = h("span", {class: "event-icon"}, icon(pictureOf(event.type)));
  if (!pictured(event)) return none;
  const canvas = h("canvas", {hidden: true}), place = h("span", {class: "event-picture"}, none, canvas);
  const watcher = new IntersectionObserver(([{isIntersecting}]) => { if (isIntersecting) { watcher.disconnect(); showThumbnail(event, canvas, none); } });
  watcher.observe(place);
  return place;
}

/** Whether the person may mark an event as seen. */
export const canMark = (event) => !event.acknowledged && may("operator");

/** `changed(event)` is called once it is another, `choose(event, chosen)` when its box is ticked; `isChosen(event)`. */
export function eventItem(event, {changed, choose, isChosen}) {
  const said = facts(event), name = nameOf(event);
  const box = choose && may("operator") ? h("input", {type: "checkbox", disabled: !canMark(event), checked: isChosen(event), "aria-label": `${say("choose")}: ${name}`, onclick: ({target}) => choose(event, target.checked)}) : null;
  return h("li", {class: "event", "data-id": event.id, "data-type": event.type, "data-acknowledged": event.acknowledged ? "yes" : null},
    box && h("label", {class: "event-choice"}, box), picture(event),
    h("div", {class: "event-body"},
      h("p", {class: "event-title"}, h("b", {}, typeWord(event.type)), h("span", {}, subjectName(event.subject)), event.labels?.area && event.labels.area !== event.subject ? h("span", {class: "muted"}, event.labels.area) : null),
      said.length ? h("p", {class: "event-facts muted"}, said.join(" · ")) : null,
      event.acknowledged ? h("p", {class: "event-seen"}, icon("check"), h("span", {}, say("ackedBy", {who: event.acknowledged.by, t: age(event.acknowledged.at)}), event.acknowledged.comment ? ` — ${event.acknowledged.comment}` : "")) : null),
    h("div", {class: "event-side"},
      h("time", {datetime: new Date(event.time * 1000).toISOString()}, timeOfDay(event.time)),
      hasPicture(event) ? h("button", {type: "button", class: "action soft", "data-action": "picture", onclick: () => openPicture(event)}, icon("cameras"), h("span", {}, say("snapshot"))) : null,
      event.evidence?.length && may("operator") ? h("button", {type: "button", class: "action soft", "data-action": "pin", "aria-pressed": String(Boolean(event.pinned)), onclick: () => pin(event, changed)}, icon("key"), h("span", {}, say(event.pinned ? "kept" : "keep"))) : null,
      canMark(event) ? h("button", {type: "button", class: "action soft", "data-action": "ack", "aria-label": `${say("ackEvent")}: ${name}`,
        onclick: () => acknowledge(event, changed)}, icon("check"), h("span", {}, say("ackEvent"))) : null));
}

/** Mark an event as seen; throws what the server refuses. */
export async function mark(event) {
  event.acknowledged = await onceLive(say("ackEvent"), nameOf(event), () => send("POST", `/api/events/${encodeURIComponent(event.id)}/acknowledge`, {}));
}

async function acknowledge(event, changed) {
  try {
    await mark(event);
    toast(say("done_event"));
    changed(event);
  } catch (error) {
    toast(error.message || say("serverGone"), "bad");
  }
}

/** Its pictures and clips are kept, whatever the site's rules say; or no longer. */
async function pin(event, changed) {
  try {
    const answer = await onceLive(say("keep"), nameOf(event), () => send("PUT", `/api/events/${encodeURIComponent(event.id)}/pin`, {pinned: !event.pinned}));
    if (!answer) return;
    event.pinned = answer.pinned;
    toast(say(event.pinned ? "keptNow" : "keptNoMore"));
    changed(event);
  } catch (error) {
    toast(error.message || say("serverGone"), "bad");
  }
}

/** An event of the channel `events` as the REST interface has it; null for what is none. */
export function fromChannel(data) {
  if (data.kind !== "occurrence" && data.kind !== "detection") return null;
  const inner = data.kind === "occurrence" ? data.data ?? {} : Object.fromEntries(Object.entries(data).filter(([name]) => !["kind", "id", "time", "subject", "labels", "type", "source"].includes(name)));
  return {id: data.id, time: data.time, kind: data.kind, subject: data.subject, type: data.type ?? data.class, data: inner, labels: data.labels ?? {}, source: data.source ?? null, acknowledged: null};
}
