// How English and French write numbers, times and the names of things; the words themselves are in english.js and french.js.

// Names come from devices: none of them may be one that every object has, such as "constructor".
const PAIRS = {
  __proto__: null,
  motion: {en: ["clear", "motion"], fr: ["rien", "mouvement"]}, occupancy: {en: ["empty", "occupied"], fr: ["vide", "occupé"]},
  presence: {en: ["away", "present"], fr: ["absent", "présent"]}, smoke: {en: ["clear", "smoke"], fr: ["rien", "fumée"]},
  contact: {en: ["open", "closed"], fr: ["ouvert", "fermé"]}, door: {en: ["closed", "open"], fr: ["fermée", "ouverte"]},
  window: {en: ["closed", "open"], fr: ["fermée", "ouverte"]}, opening: {en: ["closed", "open"], fr: ["fermé", "ouvert"]},
  water_leak: {en: ["dry", "leak"], fr: ["sec", "fuite"]}, availability: {en: ["offline", "online"], fr: ["absent", "en ligne"]},
  garage_door: {en: ["closed", "open"], fr: ["fermée", "ouverte"]}, lock: {en: ["locked", "unlocked"], fr: ["verrouillé", "déverrouillé"]},
  connectivity: {en: ["offline", "online"], fr: ["absent", "en ligne"]}, leak: {en: ["dry", "leak"], fr: ["sec", "fuite"]},
  switch: {en: ["off", "on"], fr: ["éteint", "allumé"]}, light: {en: ["off", "on"], fr: ["éteinte", "allumée"]},
};

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;
const KEPT = "vigie.language";
let language = localStorage.getItem(KEPT) || (navigator.language.startsWith("fr") ? "fr" : "en");
let words = await wordsOf(language); // of the chosen language alone
let skew = 0; // server clock minus this machine's, in seconds

export const currentLanguage = () => language;
export const now = () => Date.now() / 1000 + skew;
export const setServerTime = (seconds) => { skew = seconds - Date.now() / 1000; };

async function wordsOf(chosen) {
  return chosen === "fr" ? (await import("./french.js")).FRENCH : (await import("./english.js")).ENGLISH;
}

export async function setLanguage(chosen) {
  words = await wordsOf(chosen);
  language = chosen;
  localStorage.setItem(KEPT, chosen);
  applyWords();
}

/** The words of a key, with what stands in braces filled in. A `n` chooses between one and several where `key_one` exists. */
export function say(key, values = {}) {
  const one = values.n === 1 || (language === "fr" && values.n === 0);
  const text = (one ? words[`${key}_one`] : null) ?? (Object.hasOwn(words, key) ? words[key] : key);
  return String(text).replace(/\{(\w+)\}/g, (_, name) => apart(values[name] ?? ""));
}

/** A name that is written from right to left does not turn the words around it. */
function apart(value) {
  return typeof value === "string" && RIGHT_TO_LEFT.test(value) ? `\u2068${value}\u2069` : value;
}

function from(table, key) {
  return Object.hasOwn(words[table], key) ? words[table][key] : undefined;
}

/** Put the words of the chosen language into everything marked with data-say. */
export function applyWords() {
  document.documentElement.lang = language;
  for (const place of document.querySelectorAll("[data-say]")) place.textContent = say(place.dataset.say);
  for (const place of document.querySelectorAll("[data-say-placeholder]")) place.placeholder = say(place.dataset.sayPlaceholder);
  for (const place of document.querySelectorAll("[data-say-label]")) place.setAttribute("aria-label", say(place.dataset.sayLabel));
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  for (const button of document.querySelectorAll("[data-range]")) button.textContent = from("ranges", button.dataset.range);
}

/** A name as people read it: without marks that would turn what follows it; one of marks alone stays as it is. */
const spaced = (name) => { const text = name.replace(TURNING, "").replace(/[_/]+/g, " ").trim() || name || "?"; return text.charAt(0).toUpperCase() + text.slice(1); };

export const metricName = (metric) => from("metrics", metric) ?? spaced(metric);
export const subjectName = (subject) => spaced(subject.replace(/^(sensor|binary_sensor|switch|light|camera)\.(?=.)/, ""));
export const alarmName = (alarm) => spaced(alarm);
export const stateName = (state) => from("states", state) ?? spaced(state);
export const priorityName = (priority) => from("priorities", priority) ?? spaced(priority);
export const eventWord = (event) => from("changes", event) ?? spaced(event);
export const actionWord = (action) => from("actions", action) ?? spaced(action.replaceAll(".", " "));
export const typeWord = (type) => from("types", type) ?? spaced(type);
export const isTwoState = (metric) => metric in PAIRS;

/** A place such as `levels.0.above` as people say it. */
export function limitName(place) {
  const [, level, name] = /^(?:when\.|levels\.(\d+)\.)?(.+)$/.exec(place);
  const [key, ...rest] = name.split(".");
  const known = from("limits", rest[0] in {0: 1, 1: 1} ? `${key}_${rest[0]}` : key) ?? spaced(key);
  return `${level === undefined ? "" : `${say("limitLevel", {n: Number(level) + 1})} `}${known}${rest[0] === "default" ? ` ${say("limitDefault")}` : ""}`;
}

const formats = new Map();

/** One formatter for all values of a kind: to make one takes longer than to use it a hundred times. */
function format(Kind, options) {
  const key = `${language} ${Kind.name} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Kind(language, options));
  return formats.get(key);
}

export function number(value, digits) {
  const size = Math.abs(value);
  if (size >= 1e12) return format(Intl.NumberFormat, {notation: "scientific", maximumFractionDigits: 3}).format(value);
  if (size && size < 0.01 && digits === undefined) return format(Intl.NumberFormat, {maximumSignificantDigits: 2}).format(value); // what is there is not nothing
  const most = digits ?? (size >= 1000 ? 0 : size >= 10 ? 1 : 2);
  return format(Intl.NumberFormat, {maximumFractionDigits: most}).format(value);
}

/** [text, unit] of a reading, as people read it. */
export function reading(entry) {
  if (entry.quality === "bad" && (entry.value ?? null) === null) return ["—", ""];
  if ((entry.value ?? null) === null) return [entry.text ?? "—", ""];
  const pair = PAIRS[entry.metric];
  if (pair && (entry.value === 0 || entry.value === 1)) return [pair[language][entry.value], ""];
  return [number(entry.value), entry.unit ?? ""];
}

const SIZES = {W: 1, kW: 1e3, MW: 1e6, Wh: 1, kWh: 1e3, MWh: 1e6, Pa: 1, hPa: 100, kPa: 1e3, mbar: 100, bar: 1e5, mA: 1e-3, A: 1, mV: 1e-3, V: 1, kV: 1e3};
const KINDS = [["W", "kW", "MW"], ["Wh", "kWh", "MWh"], ["Pa", "hPa", "kPa", "mbar", "bar"], ["mA", "A"], ["mV", "V", "kV"]];

/** A number in another unit; null where the two units do not belong together. */
export function inUnit(value, unit, wanted) {
  if ((unit || "") === (wanted || "")) return value;
  if (unit === "°C" && wanted === "°F") return value * 1.8 + 32;
  if (unit === "°F" && wanted === "°C") return (value - 32) / 1.8;
  return KINDS.some((kind) => kind.includes(unit) && kind.includes(wanted)) ? value * SIZES[unit] / SIZES[wanted] : null;
}

export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const unit = (name) => from("units", name);
  if (s < 60) return `${s} ${unit("s")}`;
  if (s < 3600) return `${Math.floor(s / 60)} ${unit("min")}`;
  if (s < 86400) { const m = Math.floor((s % 3600) / 60); return `${Math.floor(s / 3600)} ${unit("h")}${m ? ` ${String(m).padStart(2, "0")}` : ""}`; }
  return `${Math.floor(s / 86400)} ${unit("d")}`;
}

export const age = (time) => { const s = now() - time; return s < 2 ? say("justNow") : say("ago", {t: span(s)}); };

export function clock(time, wide = false) {
  const options = wide ? {day: "numeric", month: "short", hour: "2-digit", minute: "2-digit"} : {hour: "2-digit", minute: "2-digit"};
  return format(Intl.DateTimeFormat, {...options, hour12: false}).format(time * 1000);
}

export function moment(time) {
  return clock(time, Math.abs(now() - time) > 43200);
}

/** A day and a time, for lists of what happened. */
export function when(time) {
  const old = Math.abs(now() - time) > 300 * 86400;
  return format(Intl.DateTimeFormat, {day: "numeric", month: "short", ...(old ? {year: "numeric"} : {}), hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false}).format(time * 1000);
}

/** The day of a time: today, yesterday, or its date. */
export function dayOf(time) {
  const start = (moment) => new Date(moment * 1000).setHours(0, 0, 0, 0);
  const days = Math.round((start(now()) - start(time)) / 864e5);
  if (days === 0 || days === 1) { const word = format(Intl.RelativeTimeFormat, {numeric: "auto"}).format(-days, "day"); return word.charAt(0).toUpperCase() + word.slice(1); }
  return format(Intl.DateTimeFormat, {weekday: "long", day: "numeric", month: "long"}).format(time * 1000);
}

export const timeOfDay = (time) => format(Intl.DateTimeFormat, {hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false}).format(time * 1000);

/** How many a second, or a minute where that is less than one. */
export function rate(perSecond) {
  if (perSecond > 0 && perSecond < 1) return `${number(perSecond * 60, 1)} /${from("units", "min")}`;
  return `${number(perSecond, perSecond >= 100 ? 0 : 1)} /${from("units", "s")}`;
}
