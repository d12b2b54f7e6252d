// English and French, and how both write numbers, times and the names of things.

const ENGLISH = {
  skip: "Skip to the sensors", tagline: "Watch over your sites.", username: "User name", password: "Password",
  login: "Log in", logout: "Log out", search: "Search a sensor", history: "History", range: "Period",
  close: "Close the history", sensors: "Sensors", alarms: "Alarms", noAlarms: "All is quiet.",
  live: "Live", connecting: "Connecting…", lost: "Connection lost — trying again",
  wrongPassword: "Wrong user name or password.", tooMany: "Too many attempts. Try again in {n} s.",
  serverGone: "The server does not answer.", sessionEnded: "Your session has ended. Please log in again.",
  noCards: "No reading has arrived yet.", noMatch: "No sensor has that name.", showHistory: "show history of {metric}",
  loading: "Loading…", noHistory: "No readings in this period.", historyDown: "The history cannot be read: {why}",
  mean: "Mean", low: "Lowest", high: "Highest", now: "Now", limit: "limit", since: "since {t}", ago: "{t} ago",
  justNow: "just now", response: "What to do", until: "until {t}", bad: "no data", stale: "old value", good: "",
  newAlarm: "New alarm: {alarm}, {subject}", chartLabel: "{metric} of {subject}: lowest {low}, highest {high}, last {last}",
  units: {s: "s", min: "min", h: "h", d: "d"}, ranges: {3600: "1 h", 86400: "24 h", 604800: "7 d"},
  states: {unacked: "Unacknowledged", acked: "Acknowledged", returned: "Returned, unseen", shelved: "Shelved",
    suppressed: "Suppressed", out_of_service: "Out of service", latched: "Latched", normal: "Normal"},
  priorities: {critical: "Critical", high: "High", medium: "Medium", low: "Low"},
  metrics: {co2: "CO₂", pm25: "PM2.5", linkquality: "Link quality", illuminance: "Light", contact: "Opening"},
};

const FRENCH = {
  skip: "Aller aux capteurs", tagline: "Veillez sur vos sites.", username: "Nom d’utilisateur", password: "Mot de passe",
  login: "Se connecter", logout: "Se déconnecter", search: "Chercher un capteur", history: "Historique", range: "Période",
  close: "Fermer l’historique", sensors: "Capteurs", alarms: "Alarmes", noAlarms: "Tout est calme.",
  live: "En direct", connecting: "Connexion…", lost: "Connexion perdue — nouvel essai",
  wrongPassword: "Nom d’utilisateur ou mot de passe erroné.", tooMany: "Trop d’essais. Réessayez dans {n} s.",
  serverGone: "Le serveur ne répond pas.", sessionEnded: "Votre session est terminée. Reconnectez-vous.",
  noCards: "Aucune mesure n’est encore arrivée.", noMatch: "Aucun capteur ne porte ce nom.",
  showHistory: "afficher l’historique : {metric}", loading: "Chargement…", noHistory: "Aucune mesure dans cette période.",
  historyDown: "L’historique est illisible : {why}", mean: "Moyenne", low: "Minimum", high: "Maximum", now: "Maintenant",
  limit: "seuil", since: "depuis {t}", ago: "il y a {t}", justNow: "à l’instant", response: "Que faire", until: "jusqu’à {t}",
  bad: "aucune donnée", stale: "valeur ancienne", good: "", newAlarm: "Nouvelle alarme : {alarm}, {subject}",
  chartLabel: "{metric} de {subject} : minimum {low}, maximum {high}, dernière {last}",
  units: {s: "s", min: "min", h: "h", d: "j"}, ranges: {3600: "1 h", 86400: "24 h", 604800: "7 j"},
  states: {unacked: "Non acquittée", acked: "Acquittée", returned: "Disparue, non vue", shelved: "Mise en attente",
    suppressed: "Inhibée", out_of_service: "Hors service", latched: "Mémorisée", normal: "Normale"},
  priorities: {critical: "Critique", high: "Haute", medium: "Moyenne", low: "Basse"},
  metrics: {temperature: "Température", humidity: "Humidité", motion: "Mouvement", power: "Puissance", energy: "Énergie",
    pressure: "Pression", voltage: "Tension", current: "Courant", battery: "Batterie", illuminance: "Lumière",
    linkquality: "Qualité du lien", contact: "Ouverture", presence: "Présence", occupancy: "Présence", price: "Prix",
    surplus: "Excédent", door: "Porte", window: "Fenêtre", smoke: "Fumée", water_leak: "Fuite d’eau", availability: "Disponibilité",
    co2: "CO₂", pm25: "PM2.5", noise: "Bruit", speed: "Vitesse", switch: "Interrupteur", state: "État"},
};

const PAIRS = {
  motion: {en: ["clear", "motion"], fr: ["rien", "mouvement"]}, occupancy: {en: ["empty", "occupied"], fr: ["vide", "occupé"]},
  presence: {en: ["away", "present"], fr: ["absent", "présent"]}, smoke: {en: ["clear", "smoke"], fr: ["rien", "fumée"]},
  contact: {en: ["open", "closed"], fr: ["ouvert", "fermé"]}, door: {en: ["closed", "open"], fr: ["fermée", "ouverte"]},
  window: {en: ["closed", "open"], fr: ["fermée", "ouverte"]}, opening: {en: ["closed", "open"], fr: ["fermé", "ouvert"]},
  water_leak: {en: ["dry", "leak"], fr: ["sec", "fuite"]}, availability: {en: ["offline", "online"], fr: ["absent", "en ligne"]},
  garage_door: {en: ["closed", "open"], fr: ["fermée", "ouverte"]}, lock: {en: ["locked", "unlocked"], fr: ["verrouillé", "déverrouillé"]},
  connectivity: {en: ["offline", "online"], fr: ["absent", "en ligne"]}, leak: {en: ["dry", "leak"], fr: ["sec", "fuite"]},
  switch: {en: ["off", "on"], fr: ["éteint", "allumé"]}, light: {en: ["off", "on"], fr: ["éteinte", "allumée"]},
};

const KEPT = "vigie.language";
let language = localStorage.getItem(KEPT) || (navigator.language.startsWith("fr") ? "fr" : "en");
let skew = 0; // server clock minus this machine's, in seconds

export const currentLanguage = () => language;
export const now = () => Date.now() / 1000 + skew;
export const setServerTime = (seconds) => { skew = seconds - Date.now() / 1000; };

export function setLanguage(chosen) {
  language = chosen;
  localStorage.setItem(KEPT, chosen);
  applyWords();
}

export function say(key, values = {}) {
  const text = (language === "fr" ? FRENCH : ENGLISH)[key] ?? ENGLISH[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

function from(table, key) {
  return (language === "fr" ? FRENCH : ENGLISH)[table][key] ?? ENGLISH[table][key];
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

const spaced = (name) => { const text = name.replace(/[_/]+/g, " ").trim(); return text.charAt(0).toUpperCase() + text.slice(1); };

export const metricName = (metric) => from("metrics", metric) ?? spaced(metric);
export const subjectName = (subject) => spaced(subject.replace(/^(sensor|binary_sensor|switch|light|camera)\./, ""));
export const alarmName = (alarm) => spaced(alarm);
export const stateName = (state) => from("states", state) ?? spaced(state);
export const priorityName = (priority) => from("priorities", priority) ?? spaced(priority);
export const isTwoState = (metric) => metric in PAIRS;

export function number(value, digits) {
  const size = Math.abs(value);
  const most = digits ?? (size >= 1000 ? 0 : size >= 10 ? 1 : 2);
  return new Intl.NumberFormat(language, {maximumFractionDigits: most}).format(value);
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
  return new Intl.DateTimeFormat(language, {...options, hour12: false}).format(time * 1000);
}

export function moment(time) {
  return clock(time, Math.abs(now() - time) > 43200);
}
