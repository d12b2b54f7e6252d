// Keeps the page's own files for when the server is out of reach: they come from the server while it answers. What the api says is never kept.
// The first view's are kept from the first visit on, others once somebody has opened them. The server writes VERSION, FIRST and FILES above.

const OURS = "vigie ";
const CACHE = `${OURS}${VERSION}`;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FIRST)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => event.waitUntil(begin()));

async function begin() {
  for (const name of await caches.keys()) if (name.startsWith(OURS) && name !== CACHE) await caches.delete(name);
  await clients.claim();
}

addEventListener("fetch", (event) => {
  const {method, url} = event.request, {origin, pathname} = new URL(url);
  if (method === "GET" && origin === location.origin && FILES.includes(pathname)) event.respondWith(fromServer(event, pathname));
});

async function fromServer(event, pathname) {
  try {
    const answer = await fetch(event.request);
    if (answer.status === 200 && !FIRST.includes(pathname)) { const copy = answer.clone(); event.waitUntil(caches.open(CACHE).then((cache) => cache.put(pathname, copy))); }
    return answer;
  } catch {
    return await caches.match(pathname) ?? Response.error();
  }
}

const WORDS = {
  en: {over: "Over", flood: "Alarm flood", floodText: "{n} alarms in ten minutes. Open the list.", test: "Notifications arrive here.", ack: "Acknowledge", critical: "Critical", high: "High", medium: "Medium", low: "Low"},
  fr: {over: "Terminée", flood: "Avalanche d’alarmes", floodText: "{n} alarmes en dix minutes. Ouvrez la liste.", test: "Les notifications arrivent ici.", ack: "Acquitter", critical: "Critique", high: "Haute", medium: "Moyenne", low: "Basse"},
};
const SHAPES = {critical: "\u2B23", high: "\u25B2", medium: "\u25C6", low: "\u25CF"};
const spaced = (name) => { const words = name.replace(/^(sensor|binary_sensor|switch|light|camera)\./, "").replace(/[_/]+/g, " ").trim(); return words.charAt(0).toUpperCase() + words.slice(1); };

/** What a notification of a message is: its title, and how it is shown. A later one about the same alarm takes its place. */
function notification({site, language, key, alarm, subject, priority, change, value, text, time, flood, test}) {
  const words = WORDS[language] ?? WORDS.en, common = {icon: "/static/icons/icon-180.png", lang: language, ...(time ? {timestamp: time * 1000} : {})};
  if (test) return [site, {...common, body: words.test, tag: "test", data: {go: "#/overview"}}];
  if (flood) return [`${words.flood} \u2013 ${site}`, {...common, body: words.floodText.replace("{n}", flood), tag: "flood", data: {go: "#/alarms"}}];
  const go = `#/alarms/${encodeURIComponent(key)}`, what = `${spaced(alarm)}, ${spaced(subject)}`, body = [value, text, site].filter(Boolean).join(" \u00B7 ");
  if (change === "end") return [`\u2713 ${words.over}: ${what}`, {...common, body, tag: key, silent: true, data: {go}}];
  return [`${SHAPES[priority] ?? ""} ${words[priority] ?? priority}: ${what}`, {...common, body, tag: key, renotify: true, requireInteraction: priority === "critical", data: {go}, actions: [{action: "ack", title: words.ack}]}];
}

addEventListener("push", (event) => event.waitUntil(registration.showNotification(...notification(event.data.json()))));

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.go + (event.action === "ack" ? "?ack=1" : "")));
});

/** In the window that is there, or in a new one. */
async function open(go) {
  const [known] = await clients.matchAll({type: "window"});
  if (!known) return clients.openWindow(`/${go}`);
  known.postMessage({go});
  return known.focus().catch(() => null);
}
