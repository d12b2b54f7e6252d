// A push connection that reconnects by itself and resumes where it was.

import {renew, token} from "./session.js";

const FIRST_RETRY = 500;
const LAST_RETRY = 8000;
const SILENCE = 25000;
const UNAUTHORIZED = 4401;

/** Calls `on.state(state, recovered)`, `on.message(message)`, and `on.refused()` when the login is over. */
export class Push {
  constructor(channels, on) {
    this.channels = new Set(channels);
    this.on = on;
    this.retry = FIRST_RETRY;
    this.stopped = false;
    this.open();
    this.resume = () => { if (this.waiting) { clearTimeout(this.waiting); this.open(); } };
    addEventListener("online", this.resume);
  }

  open() {
    this.waiting = null;
    this.live = this.subscribing = false;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, "vigie.push.v1");
    this.socket = socket;
    this.shown = token();
    socket.onopen = () => socket.send(JSON.stringify({type: "auth", token: this.shown}));
    socket.onmessage = ({data}) => {
      this.lastMessage = Date.now();
      const message = JSON.parse(data);
      if (message.cursor !== undefined) this.cursor = message.cursor;
      if (message.type === "ready") this.subscribe();
      else if (message.type === "subscribed" && !this.live) { this.live = true; this.retry = FIRST_RETRY; this.watch(); this.on.state("live", message.recovered); }
      else if (!["pong", "heartbeat", "subscribed", "unsubscribed"].includes(message.type)) this.on.message(message);
    };
    socket.onclose = ({code}) => this.lost(code);
  }

  /** From here on a channel more or less is said at once, though the answer to this is still under way. */
  subscribe() {
    this.subscribing = true;
    this.socket.send(JSON.stringify({type: "subscribe", channels: [...this.channels], cursor: this.cursor}));
  }

  /** Subscribe to these channels as well. */
  add(channels) {
    const fresh = channels.filter((channel) => !this.channels.has(channel));
    for (const channel of fresh) this.channels.add(channel);
    if (fresh.length && this.subscribing) this.socket.send(JSON.stringify({type: "subscribe", channels: fresh}));
  }

  remove(channels) {
    const known = channels.filter((channel) => this.channels.delete(channel));
    if (known.length && this.subscribing) this.socket.send(JSON.stringify({type: "unsubscribe", channels: known}));
  }

  async lost(code) {
    clearInterval(this.watcher);
    this.live = this.subscribing = false;
    if (this.stopped) return;
    if (code === UNAUTHORIZED && !await this.authorized()) { if (!this.stopped) this.on.refused(); return; }
    if (this.stopped) return;
    if (code !== UNAUTHORIZED) this.on.state("lost");
    this.waiting = setTimeout(() => this.open(), this.retry * (0.75 + Math.random() / 2));
    this.retry = Math.min(this.retry * 2, LAST_RETRY);
  }

  /** Whether there is a token to try that the server has not seen yet, or one can be had. */
  async authorized() {
    if (token() && token() !== this.shown) return true;
    try {
      return await renew() && token() !== this.shown;
    } catch {
      return true; // the server is away: try again with what there is
    }
  }

  /** A connection that died without a word is found by asking for one. */
  watch() {
    clearInterval(this.watcher);
    const socket = this.socket;
    this.watcher = setInterval(() => {
      if (Date.now() - this.lastMessage > SILENCE) { socket.onclose = null; socket.close(); this.lost(0); }
      else if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
    }, SILENCE / 3);
  }

  stop() {
    this.stopped = true;
    this.live = this.subscribing = false;
    clearTimeout(this.waiting);
    clearInterval(this.watcher);
    removeEventListener("online", this.resume);
    this.socket.close();
  }
}
