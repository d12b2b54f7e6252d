// A WebSocket for JSON that a worker holds, so that large messages take the page no time at once.

export class Socket {
  /** Calls `on.message(message)` with values, in their order, and `on.close(code)`, until it is abandoned. */
  constructor(url, protocols, on) {
    this.on = on;
    this.worker = new Worker("/static/connection/socket_worker.js");
    this.worker.onmessage = ({data}) => this.take(data);
    this.worker.onerror = () => this.on?.close(0); // without its file there is no connection
    this.worker.postMessage({open: url, protocols});
  }

  take({opened, text, head, part, end, code}) {
    if (opened) this.open = true;
    else if (text !== undefined) this.on?.message(JSON.parse(text));
    else if (head) this.whole = {...JSON.parse(head), data: []};
    else if (part) this.whole.data.push(...JSON.parse(part));
    else if (end) this.on?.message(this.whole);
    else this.on?.close(code);
  }

  send(message) {
    this.worker.postMessage({send: JSON.stringify(message)});
  }

  /** Close it and hear no more of it. */
  abandon() {
    this.on = null;
    this.worker.postMessage({close: true});
  }
}
