// Who is logged in: one login for all tabs, renewed before it ends, and given back at the end.

const KEPT = "vigie.session";
const ANSWER = 400; // milliseconds in which another tab answers
const EARLY = 60; // seconds before the end of a token at which it is renewed
const shared = new BroadcastChannel("vigie.session");

let session = JSON.parse(sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT) ?? "null");
let others = {entered() {}, left() {}};
let timer = 0;
let renewing = null;

export class Unauthorized extends Error {}
export class Failed extends Error {
  constructor(status, message, wait, needs) { super(message); this.status = status; this.wait = wait; this.needs = needs; }
}

export const token = () => session?.access ?? null;
export const person = () => session?.user ?? {username: "", role: "viewer"};
export const may = (role) => ["viewer", "operator", "admin"].indexOf(person().role) >= ["viewer", "operator", "admin"].indexOf(role);

/** What to do when another tab logs in, or out. */
export function withOtherTabs(on) { others = on; }

// All tabs have one login: a new tab asks for it, and what is renewed, begun or ended in one is so in all.
shared.onmessage = ({data}) => {
  if (data.ask && session) shared.postMessage({answer: session});
  else if (data.used && data.used === session?.refresh) keep(data.session);
  else if (data.left && data.left === session?.access) others.left();
  else if (data.entered && data.entered.user.username === session?.user.username) keep(data.entered);
  else if ((data.answer ?? data.entered) && !session) { keep(data.answer ?? data.entered); others.entered(); }
};

/** Whether this tab or another one is logged in. */
export async function findLogin() {
  if (session) return true;
  shared.postMessage({ask: true});
  for (const end = Date.now() + ANSWER; !session && Date.now() < end;) await new Promise((done) => setTimeout(done, 20));
  return Boolean(session);
}

/** With `stay`, the login outlives the browser's window. Throws `Failed`, which `needs` a code where the account has a second factor. */
export async function login(username, password, code = "", stay = session?.stay ?? false) {
  begin(await asked("/api/auth/login", {username, password, refresh: true, ...(code ? {code} : {})}), stay);
}

/** Ask the server something without a login. Throws `Failed`. */
export async function asked(path, question) {
  const answer = await post(path, question);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failed(answer.status, body.error ?? "", Number(answer.headers.get("Retry-After") ?? 0), body.needs);
  return body;
}

/** Take the answer to a login. */
export function begin(body, stay = false) {
  keep({access: body.access_token, refresh: body.refresh_token ?? null, user: body.user, came: Date.now() / 1000, ...(stay ? {stay} : {})});
  shared.postMessage({entered: session});
}

/** The account as the server has it now; whether it is another than was known. */
export function takePerson(user) {
  if (!session || (user.role === session.user.role && user.must_change === session.user.must_change)) return false;
  keep({...session, user});
  return true;
}

export function forget() {
  clearTimeout(timer);
  session = null;
  sessionStorage.removeItem(KEPT);
  localStorage.removeItem(KEPT);
}

/** Tell the server that this login is over, and forget it here whether or not it hears. */
export async function logout() {
  const access = token();
  forget();
  shared.postMessage({left: access});
  if (access) await fetch("/api/auth/logout", {method: "POST", headers: {Authorization: `Bearer ${access}`}}).catch(() => null);
}

/** Get the next tokens; false if the login is over. Throws `TypeError` while the server does not answer. `refused` is the token that the server did not take. */
export function renew(refused) {
  renewing ??= navigator.locks.request("vigie.renew", () => takeNext(refused)).finally(() => { renewing = null; });
  return renewing;
}

async function takeNext(refused) {
  if (!session?.refresh) return false;
  if (refused ? refused !== session.access : left() > EARLY) return true; // a copy of this tab was faster
  const used = session.refresh;
  const answer = await post("/api/auth/refresh", {refresh_token: used});
  if (answer.status >= 500 || answer.status === 429) throw new TypeError("the server cannot renew the login now");
  if (!answer.ok) return false;
  const body = await answer.json();
  if (session?.refresh !== used) return Boolean(session);
  keep({...session, access: body.access_token, refresh: body.refresh_token ?? null, user: body.user ?? session.user, came: Date.now() / 1000});
  shared.postMessage({used, session});
  return true;
}

function keep(next) {
  session = next;
  (session.stay ? localStorage : sessionStorage).setItem(KEPT, JSON.stringify(session));
  plan();
}

/** Renew before the end. A machine that slept catches up when it wakes. */
export function plan() {
  clearTimeout(timer);
  const wait = Math.max(5, left() - EARLY);
  if (session?.refresh && Number.isFinite(wait))
    timer = setTimeout(() => { if (left() <= EARLY) renew().catch(() => null).then(plan); else plan(); }, Math.min(wait, 86_400) * 1000);
}

/** Seconds until the token ends, by how long ago it came: this machine's clock may be wrong. */
function left() {
  try {
    const {iat, exp} = JSON.parse(atob(token().split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return exp - iat - (Date.now() / 1000 - (session.came ?? iat));
  } catch {
    return Infinity;
  }
}

const post = (path, body) => fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
