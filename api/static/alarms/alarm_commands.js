// Commands to alarms: which of them fit a state, the questions that some need, and the words of refusals.

import {send} from "../shared/api.js";
import {toast} from "../shared/announce.js";
import {field, openForm, select} from "../shared/dialog.js";
import {onceLive} from "../connection/waiting.js";
import {h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {may} from "../shared/session.js";
import {alarmName, say, subjectName} from "../words/words.js";

const ICONS = {ack: "check", reset: "reset", shelve: "shelve", unshelve: "history", comment: "comment", out_of_service: "tool", in_service: "play", unsuppress: "play", clear: "check", retire: "close"};
const WITH_REASON = ["comment", "out_of_service", "clear", "retire"];
const SHELVE_FOR = ["10m", "30m", "1h", "2h", "4h", "8h"];

/** The name of an alarm, and whose it is. */
export const whatOf = (alarm) => `${alarmName(alarm.alarm)}, ${subjectName(alarm.subject)}`;
export const commandPath = (alarm, command) => `/api/alarms/${encodeURIComponent(alarm.rule)}/${encodeURIComponent(alarm.subject)}/${command}`;

/** The commands that this account may give to an alarm in its present state, the most likely first. */
export function commandsFor(alarm) {
  if (!may("operator")) return [];
  const flags = alarm.flags ?? [];
  const latched = flags.includes("latched") && !flags.includes("active");
  const shelved = flags.some((flag) => flag.startsWith("shelved")) || alarm.isa === "E";
  const fits = [];
  if (alarm.isa === "G") fits.push("in_service");
  else if (shelved) fits.push("unshelve");
  if (flags.includes("unacked") || alarm.isa === "B" || (alarm.isa === "D" && !latched)) fits.push("ack");
  else if (latched) fits.push("reset");
  if (alarm.isa !== "G" && !shelved) fits.push("shelve");
  fits.push("comment");
  if (flags.includes("active")) fits.push("clear");
  if (alarm.isa !== "G") fits.push("out_of_service");
  fits.push("retire");
  return fits;
}

/** Carry a command out, after asking what it needs. */
export async function command(alarm, name) {
  if (name === "shelve") return askShelve(whatOf(alarm), async (values) => {
    await give(alarm, name, values);
    toast(say("done_shelve", {alarm: whatOf(alarm)}));
  });
  if (WITH_REASON.includes(name)) return askReason(alarm, name);
  try {
    await give(alarm, name, {});
    return toast(say(`done_${name}`, {alarm: whatOf(alarm)}));
  } catch (error) {
    return toast(error.message, "bad");
  }
}

/** Ask before an alarm is acknowledged: who comes from a notification pressed something else. */
export function confirmAck(alarm) {
  openForm(say("ack"), {name: "ack", button: say("ack"), about: whatOf(alarm), fields: []}, () => command(alarm, "ack"));
}

/** Send a command; null if the page was left before. */
export async function give(alarm, name, body) {
  try {
    return await onceLive(say(name), whatOf(alarm), async () => { await send("POST", commandPath(alarm, name), {...body, occurrence: alarm.occ}); return true; });
  } catch (error) {
    throw new Error(error.status ? commandRefusal(error) : say("serverGone"), {cause: error});
  }
}

/** Ask for how long, and why; `act` gets both. */
export function askShelve(about, act) {
  const reason = h("textarea", {name: "comment", rows: 2, maxlength: 200, required: true, autofocus: true});
  const length = select({name: "duration"}, SHELVE_FOR.map((time) => [time, say(`for_${time}`)]), "30m");
  openForm(say("shelve"), {
    name: "shelve", about, button: say("shelve"),
    fields: [field(say("shelveFor"), length, say("shelveHint")), field(say("reason"), reason)],
  }, act);
}

function askReason(alarm, name) {
  const words = h("textarea", {name: "comment", rows: 3, maxlength: 1000, required: true, autofocus: true});
  openForm(say(name), {
    name, about: whatOf(alarm), button: say(name === "comment" ? "save" : name),
    fields: [field(say(name === "comment" ? "comment" : "reason"), words)],
  }, async (values) => {
    await give(alarm, name, values);
    toast(say(`done_${name}`, {alarm: whatOf(alarm)}));
  });
}

/** Why a command was refused, in words. */
function commandRefusal(error) {
  const known = say(`refused_${error.message.match(/[a-z]+(?:_[a-z]+)+/)?.[0]}`);
  return known.startsWith("refused_") ? error.message : known;
}

/** A button for one command; the first thing to do is the loudest. */
export function actionButton(alarm, name) {
  const strong = (name === "ack" || name === "reset") && !"EFG".includes(alarm.isa);
  const button = h("button", {type: "button", class: strong ? "action strong" : "action", "data-action": name,
    "aria-label": `${say(name)}: ${whatOf(alarm)}`}, icon(ICONS[name]), h("span", {}, say(name)));
  button.addEventListener("keydown", (event) => { if (event.repeat && event.key !== "Tab") event.preventDefault(); });
  button.addEventListener("click", async ({detail}) => {
    if (detail > 1 || button.hasAttribute("aria-busy")) return; // the second half of a double click was meant for what stood here before
    button.setAttribute("aria-busy", "true");
    try {
      await command(alarm, name);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
  return button;
}
