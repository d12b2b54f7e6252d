// Two clients of the alarm server, written from its list of addresses and messages.
import { Socket, ask, say as tell } from "./steps.mjs";

const found = {};

function say(name, value) {
  found[name] = value;
}

async function someone(username) {
  const password = "correct horse battery";
  const registered = await ask("POST", "/register", { body: { username, password } });
  const { body } = registered;
  const login = await ask("POST", "/login", { form: { username, password } });
  return { id: body.id, registered, login, token: login.body.access_token };
}

async function connected(who) {
  const socket = new Socket(`/ws?token=${who.token}`);
  await socket.opened;
  return { socket, start: JSON.parse(await socket.next()) };
}

async function asked(socket, type, payload) {
  socket.send({ type, payload });
  for (;;) {
    const message = JSON.parse(await socket.next());
    if (message.type === "success" || message.type === "error") return message;
  }
}

async function heard(socket, action) {
  for (;;) {
    const message = JSON.parse(await socket.next());
    if (message.type === "alarm_update" && message.payload.action === action) return message;
  }
}

const john = await someone("john");
const marie = await someone("marie");
say("registered", john.registered);
say("login", john.login);
say("renewed", await ask("POST", "/api/auth/refresh", { token: john.token, body: {} }));
say("me", await ask("GET", "/me", { token: john.token }));
const group = await ask("POST", "/groups", { token: john.token, body: { name: "desk" } });
say("member", await ask("POST", `/groups/${group.body.id}/members/${marie.id}`, { token: john.token }));
const page = (await ask("POST", "/pages", { token: john.token, body: { name: "EUR/USD" } })).body;
say("pages", await ask("GET", "/pages", { token: john.token }));
say("before", await ask("GET", "/pages", { token: marie.token }));

const his = await connected(john);
const hers = await connected(marie);
say("start", his.start);
const share = { page_id: page.id, subject_type: "group", subject_id: group.body.id, can_view: true, can_edit: false };
say("shared", await asked(his.socket, "share_page", share));
say("after", await ask("GET", "/pages", { token: marie.token }));

const wanted = { page_id: page.id, ticker: "EUR/USD", option: "", condition: "above 1.08" };
const made = await asked(his.socket, "create_alarm", wanted);
const alarm = made.payload.data;
say("made", made);
say("told", JSON.parse(await hers.socket.next()));
say("denied", await asked(hers.socket, "update_alarm", { alarm_id: alarm.id, condition: "below 1" }));
say("not_shared", await asked(hers.socket, "share_page", { ...share, can_edit: true }));

tell("ready", alarm.id);
say("triggered", JSON.parse(await hers.socket.next()));
say("by_hand", await asked(hers.socket, "trigger_alarm", { alarm_id: alarm.id, price: 1.1 }));
const third = await connected(marie);
say("again", third.start);
third.socket.close();
say("history", await ask("GET", `/api/rules/${alarm.id}/history`, { token: marie.token }));

say("changed", await asked(his.socket, "update_alarm", { alarm_id: alarm.id, active: false }));
const quiet = await asked(his.socket, "create_alarm", wanted);
say("quiet", quiet);
await asked(his.socket, "delete_alarm", { alarm_id: quiet.payload.data.id });
say("gone", await heard(hers.socket, "deleted"));
say("taken", await asked(his.socket, "share_page", { ...share, can_view: false }));
say("deleted", await asked(his.socket, "delete_alarm", { alarm_id: alarm.id }));
say("page", await asked(his.socket, "create_page", { name: "mine" }));
say("hers", await asked(hers.socket, "trigger_alarm", { alarm_id: alarm.id, price: 2 }));
say("health", (await ask("GET", "/health")).status);
say("docs", (await ask("GET", "/docs")).status);
tell("found", found);
for (const socket of [his.socket, hers.socket]) socket.close();
