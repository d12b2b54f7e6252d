// Notifications of alarms to this browser, also while the page is closed; and one's other browsers that get them.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {h, text} from "../shared/dom.js";
import {person as me} from "../shared/session.js";
import {PRIORITIES} from "../alarms/urgency.js";
import {currentLanguage, priorityName, say, when} from "../words/words.js";
import {Access} from "./own_access.js";

const KEPT = "vigie.push"; // whose browser this is for the server, and what it is told of
const FIRST = ["critical", "high"];

const kept = () => { const known = JSON.parse(localStorage.getItem(KEPT) ?? "null"); return known?.user === me().username ? known : null; };
const canTell = () => isSecureContext && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

/** Have the server tell this browser of alarms of these priorities. */
async function subscribe(key, priorities) {
  const {pushManager} = await navigator.serviceWorker.ready;
  const old = await pushManager.getSubscription();
  if (old?.options.applicationServerKey && String(new Uint8Array(old.options.applicationServerKey)) !== String(bytes(key))) await old.unsubscribe(); // of a key that the site has lost
  const {endpoint, keys} = (await pushManager.subscribe({userVisibleOnly: true, applicationServerKey: bytes(key)})).toJSON();
  const {id} = await send("PUT", "/api/push", {endpoint, keys, priorities, language: currentLanguage()});
  localStorage.setItem(KEPT, JSON.stringify({user: me().username, id, priorities}));
}

/** After each login: notifications last as long as a login, and addresses of browsers change. */
export async function keepNotifications() {
  const known = kept();
  if (known && canTell() && Notification.permission === "granted") await subscribe((await ask("/api/push")).key, known.priorities);
}

export class OwnNotifications extends Access {
  constructor() {
    super("notifications", "/api/push", "endNotifications", ({id, agent, priorities, created}) => (
      {name: `${agent || id}${kept()?.id === id ? ` (${say("thisBrowser")})` : ""}`, about: [PRIORITIES.filter((name) => priorities.includes(name)).map(priorityName).join(", "), say("sinceTime", {t: when(created)})]}));
  }

  async load() {
    const {key, browsers} = await ask(this.path);
    Object.assign(this, {key, entries: browsers});
    if (kept() && !browsers.some(({id}) => id === kept().id)) localStorage.removeItem(KEPT);
  }

  more() {
    if (!canTell()) return [h("p", {class: "muted"}, say("cannotNotify"))];
    const chosen = kept()?.priorities ?? FIRST, error = h("p", {class: "form-error", role: "alert"});
    const boxes = h("fieldset", {class: "priorities"}, h("legend", {}, say("notifyOf")), ...PRIORITIES.map((name) =>
      h("label", {class: "check"}, h("input", {type: "checkbox", name: "priority", value: name, checked: chosen.includes(name)}), h("span", {}, priorityName(name)))));
    const act = (action, words, work) => {
      const button = h("button", {type: "button", class: "action", "data-action": action, onclick: async () => {
        button.disabled = true;
        error.remove();
        try { await work(); } catch (failure) { text(error, failure.message || say("serverGone")); boxes.after(error); } finally { button.disabled = false; }
      }}, words);
      return button;
    };
    const turnOn = act("notify", say(kept() ? "notifySave" : "notifyHere"), async () => {
      const priorities = [...boxes.querySelectorAll(":checked")].map(({value}) => value);
      if (!priorities.length) throw new Error(say("notifyNone"));
      if (await Notification.requestPermission() !== "granted") throw new Error(say("notifyDenied"));
      await subscribe(this.key, priorities);
      toast(say("saved"));
      await this.anew();
    });
    const test = kept() && act("test-notification", say("notifyTest"), async () => {
      const {result} = await send("POST", `${this.path}/${kept().id}/test`);
      if (result !== "sent") throw new Error(say(`notify_${result}`));
      toast(say("notifySent"));
      if (result === "gone") await this.anew();
    });
    return [h("p", {class: "muted"}, say("notifyHint")), boxes, h("div", {class: "side"}, ...[turnOn, test].filter(Boolean))];
  }
}
