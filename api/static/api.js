// Talks to the server: log in, ask, and a push connection that comes back by itself.

const KEPT = "vigie.token";
const FIRST_RETRY = 500;
const LAST_RETRY = 8000;
const SILENCE = 25000;
const UNAUTHORIZED = 4401;

export class Unauthorized extends Error {}
export class Failed extends Error {
  constructor(status, message, wait) { super(message); this.status = status; this.wait = wait; }
}

export const token = () => sessionStorage.getItem(KEPT);
export const forget = () => sessionStorage.removeItem(KEPT);

export async function login(username, password) {
  const answer = await fetch("/api/auth/login", {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({username, password}),
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failed(answer.status, body.error ?? "", Number(answer.headers.get("Retry-After") ?? 0));
  sessionStorage.setItem(KEPT, body.access_token);
}

export async function ask(path, signal) {
  const answer = await fetch(path, {headers: {Authorization: `Bearer ${token()}`}, signal});
  if (answer.status === 401) throw new Unauthorized();
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failed(answer.status, body.error ?? String(answer.status));
  return body;
}

/** A push connection. Calls `on.state(state, recovered)`, `on.message(message)`, `on.refused()`; opens again after every
 * loss and goes on where it was, or says `recovered: false`. */
export class Push {
  constructor(channels, on) {
    this.channels = channels;
    this.on = on;
    this.retry = FIRST_RETRY;
    this.stopped = false;
    this.open();
    this.resume = () => { if (this.waiting) { clearTimeout(this.waiting); this.open(); } };
    addEventListener("online", this.resume);
  }

  open() {
    this.waiting = null;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, "vigie.push.v1");
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({type: "auth", token: token()}));
    socket.onmessage = ({data}) => {
      this.heard = Date.now();
      const message = JSON.parse(data);
      if (message.cursor !== undefined) this.cursor = message.cursor;
      if (message.type === "ready") socket.send(JSON.stringify({type: "subscribe", channels: this.channels, cursor: this.cursor}));
      else if (message.type === "subscribed") { this.retry = FIRST_RETRY; this.watch(); this.on.state("live", message.recovered); }
      else if (message.type !== "pong" && message.type !== "heartbeat") this.on.message(message);
    };
    socket.onclose = ({code}) => this.lost(code);
  }

  lost(code) {
    clearInterval(this.watcher);
    if (this.stopped) return;
    if (code === UNAUTHORIZED) { this.on.refused(); return; }
    this.on.state("lost");
    this.waiting = setTimeout(() => this.open(), this.retry * (0.75 + Math.random() / 2));
    this.retry = Math.min(this.retry * 2, LAST_RETRY);
  }

  /** A connection that died without a word is found by asking for one. */
  watch() {
    clearInterval(this.watcher);
    const socket = this.socket;
    this.watcher = setInterval(() => {
      if (Date.now() - this.heard > SILENCE) { socket.onclose = null; socket.close(); this.lost(0); }
      else if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
    }, SILENCE / 3);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.waiting);
    clearInterval(this.watcher);
    removeEventListener("online", this.resume);
    this.socket.close();
  }
}
