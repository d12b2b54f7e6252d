// The page: log in, then live cards and alarms; a clicked row opens its history.

import {Alarms} from "./alarms.js";
import {ask, Failed, forget, login, Push, token, Unauthorized} from "./api.js";
import {Cards} from "./cards.js";
import {Chart} from "./chart.js";
import {get, text} from "./dom.js";
import {applyWords, say, setLanguage, setServerTime} from "./words.js";

let push = null;
let state = "connecting";

const cards = new Cards(open);
const chart = new Chart({latest: (subject, metric) => cards.entry(subject, metric), refused: () => leave("sessionEnded"), closed: (subject, metric) => {
  cards.select(null, null);
  cards.cards.get(subject)?.rows.get(metric)?.element.focus();
}});
const alarms = new Alarms((standing) => {
  const worst = new Map();
  for (const alarm of standing) if ("BCD".includes(alarm.isa) && !worst.has(alarm.subject)) worst.set(alarm.subject, alarm.priority);
  cards.mark(worst);
  if (chart.isOpen) chart.setLimits(limits(chart.subject, chart.metric));
});

function limits(subject, metric) {
  const found = alarms.standing().filter((a) => a.subject === subject && a.metric === metric && typeof a.limit === "number");
  return found.map((a) => ({limit: a.limit, unit: a.unit ?? ""}));
}

function open(subject, metric) {
  cards.select(subject, metric);
  chart.open(subject, metric, limits(subject, metric));
}

function showConnection(next) {
  state = next;
  const place = get("connection");
  place.dataset.state = state;
  text(place.querySelector("span"), say(state));
  document.body.classList.toggle("cut", state === "lost");
}

async function refresh() {
  try {
    const latest = await ask("/api/latest");
    setServerTime(latest.time);
    text(get("site"), latest.site);
    for (const {course, ...entry} of latest.readings) cards.take(entry, course);
    cards.draw();
  } catch (error) {
    if (error instanceof Unauthorized) leave("sessionEnded");
    else if (!(error instanceof Failed) && !(error instanceof TypeError)) throw error;
  }
}

function hear(message) {
  if (message.type === "event" && message.channel === "readings") { cards.take(message.data); chart.take(message.data); }
  else if (message.type === "event" && message.channel === "alarms") alarms.take(message.data);
  else if (message.type === "snapshot" && message.channel === "readings") for (const entry of message.data) cards.take(entry);
  else if (message.type === "snapshot" && message.channel === "alarms") alarms.start(message.data);
}

async function enter() {
  get("login").hidden = true;
  get("main").hidden = false;
  showConnection("connecting");
  await refresh();
  if (!token()) return;
  let live = false;
  push = new Push(["readings", "alarms"], {
    state: (next, recovered) => {
      showConnection(next);
      if (next === "live" && live && !recovered) { refresh(); if (chart.isOpen) chart.load(); }
      live ||= next === "live";
    },
    message: hear,
    refused: () => leave("sessionEnded"),
  });
}

function leave(why) {
  push?.stop();
  push = null;
  forget();
  chart.close();
  cards.clear();
  alarms.start([]);
  get("main").hidden = true;
  get("login").hidden = false;
  text(get("login-error"), why ? say(why) : "");
  get("login-form").elements.username.focus();
}

get("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  text(get("login-error"), "");
  try {
    await login(form.elements.username.value, form.elements.password.value);
    form.elements.password.value = "";
    await enter();
  } catch (error) {
    const why = error instanceof Failed ? (error.status === 429 ? say("tooMany", {n: error.wait}) : error.status === 401 ? say("wrongPassword") : error.message) : say("serverGone");
    text(get("login-error"), why);
    form.elements.password.select();
  } finally {
    button.disabled = false;
  }
});

get("logout").addEventListener("click", () => leave());
get("search").addEventListener("input", (event) => cards.seek(event.target.value));
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input") && !get("main").hidden) { event.preventDefault(); get("search").focus(); }
});
for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => { setLanguage(button.dataset.language); cards.relabel(); alarms.draw(); chart.relabel(); showConnection(state); });

applyWords();
if (token()) enter();
else leave();
