// The page: log in, follow live updates, and show the view that the address names.

import {announce} from "./shared/announce.js";
import {AlarmStore} from "./alarms/alarm_store.js";
import {AlarmDetails, detailsHash} from "./alarms/alarm_details.js";
import {ask} from "./shared/api.js";
import {closeDialogs} from "./shared/dialog.js";
import {get, text} from "./shared/dom.js";
import {FloodBanner} from "./alarms/flood.js";
import {FlowsBanner} from "./flows/flows_banner.js";
import {connection} from "./connection/connection.js";
import {showConnection} from "./connection/lost_banner.js";
import {Mode} from "./shared/mode.js";
import {Navigation} from "./shared/navigation.js";
import {Overview} from "./readings/overview.js";
import {Readings} from "./readings/readings.js";
import {Push} from "./connection/push.js";
import {Failed, findLogin, forget, login, logout, person, plan, takePerson, token, Unauthorized, withOtherTabs} from "./shared/session.js";
import {Sound} from "./shared/sound.js";
import {refusal} from "./words/refusals.js";
import {alarmName, applyWords, say, setLanguage, setServerTime, subjectName} from "./words/words.js";

const CHANNELS = ["readings", "alarms", "events", "evidence", "cameras", "mode"];

let push = null;
let wasCut = false;
const readings = new Readings();
const alarmStore = new AlarmStore();
const sound = new Sound();
const mode = new Mode();
const flood = new FloodBanner(alarmStore);
const flowsTrouble = new FlowsBanner();
const latest = (subject, metric) => readings.latest(subject, metric);
const openAlarm = (key) => { location.hash = detailsHash(alarmStore.get(key)); };
const details = new AlarmDetails(alarmStore, {
  gone: () => { if (location.hash.startsWith("#/alarms/")) navigation.go(`#/alarms${location.hash.match(/\?.*|$/)[0]}`); },
  chart: (subject, metric) => navigation.go(`#/overview?${new URLSearchParams({subject, metric})}`),
  latest,
});
const context = {alarmStore, readings, latest, openAlarm, failed, channels: {add: (names) => push?.add(names), remove: (names) => push?.remove(names)}};
const overview = new Overview(context);
const navigation = new Navigation({
  overview,
  alarms: async () => new (await import("./alarms/alarms_view.js")).AlarmsView(context, details),
  cameras: async () => new (await import("./cameras/cameras_view.js")).CamerasView(context),
  events: async () => new (await import("./events/events_view.js")).EventsView(context),
  flows: async () => new (await import("./flows/flows_view.js")).FlowsView(context),
  pages: async () => new (await import("./pages/pages_view.js")).PagesView(context),
  dashboards: async () => new (await import("./dashboards/dashboards_view.js")).DashboardsView(context),
  letters: async () => new (await import("./flows/dead_letters_view.js")).DeadLettersView(context),
  accounts: async () => new (await import("./accounts/accounts_view.js")).AccountsView(context),
});

alarmStore.addEventListener("change", () => { navigation.badge("alarms", alarmStore.unseen()); sound.waits(alarmStore.waiting()); });
alarmStore.addEventListener("alarm", ({detail: alarm}) => {
  announce(say("newAlarm", {alarm: alarmName(alarm.alarm), subject: subjectName(alarm.subject)}));
  sound.alarm(alarm.priority);
});

connection.addEventListener("change", () => {
  showConnection();
  const isCut = connection.state === "lost" || connection.blind !== "";
  if (isCut && !wasCut) sound.play("lost");
  wasCut = isCut;
});

function showPerson() {
  text(get("person").querySelector("span"), person().username);
  get("person").title = `${say(`role_${person().role}`)} · ${say("ownAccount")}`;
  get("person").setAttribute("aria-label", `${person().username}, ${say(`role_${person().role}`)}: ${say("ownAccount")}`);
}

/** What a view does with an error of the server: the end of the session is the page's; the rest it shows itself. */
function failed(error) {
  if (error.name === "AbortError") return "";
  if (error instanceof Unauthorized) { leave("sessionEnded"); return ""; }
  if (error instanceof Failed) return error.message;
  if (error instanceof TypeError) return say("serverGone");
  throw error;
}

/** Whose page it is, and the server's clock. */
async function loadSite() {
  const {site, time} = await ask("/api/latest?course=0&subject=-");
  setServerTime(time);
  text(get("site"), site);
}

function receive(message) {
  const {type, channel, data} = message;
  if (channel === "alarms" && type === "event") alarmStore.take(data);
  else if (channel === "alarms" && type === "snapshot") alarmStore.start(data);
  if (channel === "mode" && type === "event") mode.take(data);
  if (type === "rights") rightsChanged().catch(failed);
  navigation.receive(message);
}

/** An admin may have changed one's role: other views and buttons are there then. */
async function rightsChanged() {
  if (!takePerson(await ask("/api/auth/me"))) return;
  showPerson();
  navigation.relabel();
  navigation.follow(false);
  details.draw(true);
}

function connectionChanged(next) {
  const back = next === "live" && connection.state === "lost";
  connection.become(next);
  if (!back) return;
  loadSite().catch(failed); // this machine's clock may have been set meanwhile
  navigation.resume();
}

/** `given` is the password that was typed, for those who must choose another first. */
async function enter(given = "") {
  if (person().must_change) {
    get("login").hidden = false;
    (await import("./accounts/passwords.js")).choosePassword(given, failed, enter, leave);
    return;
  }
  get("login").hidden = true;
  get("main").hidden = false;
  connection.become("connecting");
  showConnection();
  plan();
  showPerson();
  loadSite().catch(failed);
  if (!token()) return;
  connect();
  mode.load().catch(failed);
  navigation.start();
  flowsTrouble.start();
  if (localStorage.getItem("vigie.push")) import("./accounts/notifications.js").then(({keepNotifications}) => keepNotifications()).catch(failed);
}

function connect(channels = CHANNELS) {
  push = new Push(channels, {
    state: connectionChanged,
    message: receive,
    refused: () => leave("sessionEnded"),
  });
}

/** Do what ends this login and begins another, without anybody saying that the session has ended. */
async function disconnected(work) {
  const channels = [...push.channels];
  push.stop();
  try {
    await work();
  } finally {
    connect(channels);
  }
}

/** `why` is said on the form; without one somebody asked to log out. */
function leave(why) {
  push?.stop();
  push = null;
  connection.become("connecting");
  sound.silence();
  closeDialogs(why !== undefined);
  if (why === undefined) logout(); else forget();
  navigation.stop();
  flowsTrouble.stop();
  overview.clear();
  alarmStore.clear();
  mode.clear();
  get("main").hidden = true;
  get("login").hidden = false;
  text(get("login-error"), why ? say(why) : "");
  askForCode(false);
  document.title = "Vigie";
  get("login-form").elements.username.focus();
  showDoors();
}

/** The other ways in: a provider's account, and an account of one's own making. */
async function showDoors() {
  const answer = await fetch("/api/auth").catch(() => null);
  const {registration = false, openid = null} = answer?.ok ? await answer.json() : {};
  get("register").hidden = !registration;
  get("openid").hidden = !openid;
  get("openid").dataset.name = openid ?? "";
  text(get("openid"), openid ? say("logInBy", {name: openid}) : "");
}

/** Why a login failed; the server's own words where there is no better. */
function whyRefused(error, refused) {
  if (!(error instanceof Failed)) return say("serverGone");
  return error.status === 429 ? say("tooMany", {n: error.wait}) : refused?.[error.status] ?? refusal(error.message);
}

/** What the provider put into the address when it sent the browser back is used up, and taken out. */
async function comeBack() {
  const {cameBack, connectAccount, finish} = await import("./shared/openid.js");
  const back = cameBack();
  if (await findLogin()) {
    if (!push) enter();
    connectAccount(back, failed);
    return;
  }
  try {
    await finish(back);
    enter();
  } catch (error) {
    leave(null);
    text(get("login-error"), whyRefused(error));
  }
}

get("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  text(get("login-error"), "");
  try {
    const {username, password, code, stay} = form.elements;
    await login(username.value, password.value, code.value, stay.checked);
    const given = password.value;
    password.value = "";
    askForCode(false);
    enter(given);
  } catch (error) {
    if (error instanceof Failed && error.needs === "code") {
      text(get("login-error"), form.elements.code.value ? say("wrongCode") : say("codeNeeded"));
      askForCode(true);
      return;
    }
    text(get("login-error"), whyRefused(error, {401: say("wrongPassword")}));
    form.elements.password.select();
  } finally {
    button.disabled = false;
  }
});

/** The field for a code of the second factor is there for those who have one. */
function askForCode(asked) {
  const code = get("login-form").elements.code;
  get("login-code").hidden = !asked;
  code.value = "";
  code.required = asked;
  if (asked) code.focus();
}

get("openid").addEventListener("click", async () => {
  text(get("login-error"), "");
  const {go} = await import("./shared/openid.js");
  await go(get("openid").dataset.name, get("login-form").elements.stay.checked).catch((error) => text(get("login-error"), whyRefused(error)));
});
get("register").addEventListener("click", async () => (await import("./accounts/passwords.js")).registerOneself(enter));
get("person").addEventListener("click", async () => (await import("./accounts/own_account.js")).openOwnAccount(disconnected, failed));
get("logout").addEventListener("click", () => leave());
for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", async () => {
    await setLanguage(button.dataset.language);
    navigation.relabel();
    details.draw(true);
    mode.show();
    showPerson();
    sound.show();
    flood.show();
    flowsTrouble.show();
    showConnection();
  });

navigator.serviceWorker?.register("/sw.js").catch(() => null); // without one the page needs the server to begin
navigator.serviceWorker?.addEventListener("message", ({data}) => { if (data.go) location.hash = data.go; });
withOtherTabs({entered: () => { if (!push) enter(); }, left: () => leave("")});
applyWords();
if (/[?&](code|error)=/.test(location.search)) await comeBack();
else if (await findLogin()) { if (!push) enter(); } else leave(null);
