// Whether the page is connected, and its server to the broker, for whatever shows it or waits for it.

/** Dispatches `change`. `state` is connecting, live or lost; `since` is when it was last live, in this machine's seconds; `blind` says why the server itself gets nothing. */
class Connection extends EventTarget {
  state = "connecting";
  since = null;
  blind = "";
  isFed = true;
  isPart = false;

  become(state) {
    if (state === this.state) return;
    if (this.state === "live") this.since = Date.now() / 1000;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }

  /** What the server says of its broker: whether it has read all that is there, and why it cannot. */
  feed({up, detail}) {
    const blind = up ? "" : detail;
    if (up === this.isFed && blind === this.blind) return;
    Object.assign(this, {isFed: up, blind});
    this.dispatchEvent(new Event("change"));
  }

  /** Whether some flow does not evaluate its alarms, though all else comes. */
  miss(isPart) {
    if (isPart === this.isPart) return;
    this.isPart = isPart;
    this.dispatchEvent(new Event("change"));
  }

  /** Whether what is shown is what stands now. */
  get isSure() {
    return this.state === "live" && this.isFed;
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
