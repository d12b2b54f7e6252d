// Whether the page is connected, for whatever shows it or waits for it.

/** Dispatches `change`. `state` is connecting, live or lost; `since` is when it was last live, in this machine's seconds. */
class Connection extends EventTarget {
  state = "connecting";
  since = null;

  become(state) {
    if (state === this.state) return;
    if (this.state === "live") this.since = Date.now() / 1000;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }

  /** Wait until the connection is back; false if the page was left before. */
  live() {
    if (this.state === "live") return Promise.resolve(true);
    return new Promise((done) => {
      const changed = () => {
        if (this.state === "lost") return;
        this.removeEventListener("change", changed);
        done(this.state === "live");
      };
      this.addEventListener("change", changed);
    });
  }
}

export const connection = new Connection();
