// What the clients have in common: they print a line of JSON for each thing they found, and fail loudly.
export const [url, ...rest] = process.argv.slice(2);

export function say(name, value) {
  console.log(JSON.stringify({ name, value }));
}

export async function ask(method, path, { token, body, form } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(url + path, {
    method,
    headers,
    body: form ? new URLSearchParams(form) : body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const json = answer.headers.get("content-type")?.startsWith("application/json");
  return { status: answer.status, body: json ? JSON.parse(text) : text };
}

export class Socket {
  #waiting = [];
  #messages = [];

  constructor(path, headers = {}) {
    this.socket = new WebSocket(url.replace("http", "ws") + path, { headers });
    this.opened = new Promise((done, failed) => {
      this.socket.onopen = done;
      this.socket.onerror = () => failed(new Error("the connection was refused"));
    });
    this.socket.onmessage = ({ data }) => {
      const next = this.#waiting.shift();
      if (next) next(data);
      else this.#messages.push(data);
    };
  }

  next() {
    return this.#messages.length
      ? Promise.resolve(this.#messages.shift())
      : new Promise((done) => this.#waiting.push(done));
  }

  async next_of(type) {
    for (;;) {
      const message = JSON.parse(await this.next());
      if (message.type === type) return message;
    }
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  close() {
    this.socket.close();
  }
}
