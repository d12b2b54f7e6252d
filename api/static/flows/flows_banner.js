// Whether what comes can be believed: a banner on every view while alarms of some flow are not evaluated, or its sinks are behind; and whether the server has its broker.

import {connection} from "../connection/connection.js";
import {ask} from "../shared/api.js";
import {get, h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {token} from "../shared/session.js";
import {say} from "../words/words.js";

const EVERY = 10_000;
const TROUBLE = {gone: "flowGone", down: "unreachable", blind: "blind", behind: "behind"};

export class FlowsBanner {
  constructor() {
    this.troubled = [];
  }

  start() {
    if (this.timer) return;
    this.timer = setInterval(() => { if (!document.hidden) this.load(); }, EVERY);
    this.load();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    get("flows-trouble").hidden = true;
    connection.feed({up: true});
    connection.miss(false);
  }

  async load() {
    if (!token()) return;
    this.loadFeed();
    try {
      this.troubled = (await ask("/api/flows")).flows.filter((flow) => flow.status in TROUBLE);
    } catch {
      return; // that the server is gone is said elsewhere
    }
    if (this.timer) this.show();
  }

  /** What is not said, such as behind a proxy that hides it, is taken for well. */
  async loadFeed() {
    const {dependencies} = await fetch("/ready").then((answer) => answer.json()).catch(() => ({}));
    if (this.timer && dependencies?.broker) connection.feed(dependencies.broker);
  }

  show() {
    const place = get("flows-trouble");
    const words = this.troubled.map((flow) => `${flow.flow ?? flow.address}: ${say(TROUBLE[flow.status])}`).join(" · ");
    if (words && words !== this.said) place.replaceChildren(icon("warning"), h("span", {}, words), h("a", {href: "#/flows"}, say("toFlows")));
    this.said = words;
    place.hidden = !words;
    connection.miss(this.troubled.some(({status}) => status !== "behind"));
  }
}
