// A push connection that reconnects by itself and resumes where it was.

import {ask} from "../shared/api.js";
import {Unauthorized, token} from "../shared/session.js";
import {Socket} from "./socket.js";

const FIRST_RETRY = 500;
const LAST_RETRY = 8000;
const TICK = 2000;
const QUIET = 3; // ticks without a word, though asked for one, after which a connection counts as lost
const ASLEEP = 60_000;
const OPENING = 20_000;
const UNAUTHORIZED = 4401;
const FORBIDDEN = 4403;
const PROTOCOL = "vigie.push.v1";

/** Calls `on.state(state, recovered)`, `on.message(message)`, and `on.refused()` when the login is over. */
export class Push {
  constructor(channels, on) {
    this.channels = new Set(channels);
    this.on = on;
    this.retry = FIRST_RETRY;
    this.heard = Date.now();
    this.stopped = false;
    this.open();
    this.resume = () => { if (this.waiting) { clearTimeout(this.waiting); this.open(); } };
    addEventListener("online", this.resume);
    this.wake = () => { if (!document.hidden) this.look(); };
    document.addEventListener("visibilitychange", this.wake);
  }

  /** The token goes with the request itself, so that nothing has to be in time. */
  open() {
    this.waiting = null;
    this.live = this.subscribing = false;
    this.shown = token();
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
    this.opening = setTimeout(() => this.abandon(), OPENING);
    this.socket = new Socket(address, [PROTOCOL, `bearer.${this.shown}`], {
      message: (message) => { this.quiet = 0; this.heard = Date.now(); this.take(message); },
      close: (code) => this.lost(code),
    });
  }

  take(message) {
    if (message.cursor !== undefined) this.cursor = message.cursor;
    if (message.type === "ready") this.subscribe();
    else if (message.type === "subscribed" && !this.live) { this.live = true; this.retry = FIRST_RETRY; this.watch(); this.on.state("live", message.recovered); }
    else if (!["pong", "heartbeat", "subscribed", "unsubscribed"].includes(message.type)) this.on.message(message);
  }

  /** From here on a channel more or less is said at once, though the answer to this is still under way. */
  subscribe() {
    clearTimeout(this.opening);
    this.subscribing = true;
    this.socket.send({type: "subscribe", channels: [...this.channels], cursor: this.cursor});
  }

  /** Subscribe to these channels as well. */
  add(channels) {
    const fresh = channels.filter((channel) => !this.channels.has(channel));
    for (const channel of fresh) this.channels.add(channel);
    if (fresh.length && this.subscribing) this.socket.send({type: "subscribe", channels: fresh});
  }

  remove(channels) {
    const known = channels.filter((channel) => this.channels.delete(channel));
    if (known.length && this.subscribing) this.socket.send({type: "unsubscribe", channels: known});
  }

  async lost(code) {
    clearInterval(this.watcher);
    clearTimeout(this.opening);
    this.live = this.subscribing = false;
    if (this.stopped) return;
    if (code === FORBIDDEN) { this.on.refused(); return; }
    if (code === UNAUTHORIZED && !await this.authorized()) { if (!this.stopped) this.on.refused(); return; }
    if (this.stopped) return;
    if (code !== UNAUTHORIZED) this.on.state("lost");
    this.waiting = setTimeout(() => this.open(), this.retry * (0.75 + Math.random() / 2));
    this.retry = Math.min(this.retry * 2, LAST_RETRY);
  }

  /** Whether the login still holds: only the server knows, and a token may have to be renewed. */
  async authorized() {
    if (token() && token() !== this.shown) return true;
    try {
      await ask("/api/auth/me");
    } catch (error) {
      return !(error instanceof Unauthorized); // anything else says nothing about the login: try again
    }
    return true;
  }

  /** A connection that died without a word is found by asking for one. Ticks that the page was too busy for do not count. */
  watch() {
    clearInterval(this.watcher);
    const socket = this.socket;
    this.quiet = 0;
    this.watcher = setInterval(() => {
      if (this.quiet++ >= QUIET) this.abandon();
      else if (socket.open) socket.send({type: "ping"});
    }, TICK);
  }

  /** Somebody looks again, perhaps at a phone that slept: a connection that said nothing meanwhile is not waited for. */
  look() {
    if (this.waiting) this.resume();
    else if (this.live && Date.now() - this.heard > ASLEEP) this.abandon();
  }

  abandon() {
    this.socket.abandon();
    this.lost(0);
  }

  stop() {
    this.stopped = true;
    this.live = this.subscribing = false;
    clearTimeout(this.waiting);
    clearTimeout(this.opening);
    clearInterval(this.watcher);
    removeEventListener("online", this.resume);
    document.removeEventListener("visibilitychange", this.wake);
    this.socket.abandon();
  }
}
