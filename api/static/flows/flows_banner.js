// A banner on every view while alarms of some flow are not evaluated, or its sinks are behind.

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
  }

  async load() {
    if (!token()) return;
    try {
      this.troubled = (await ask("/api/flows")).flows.filter((flow) => flow.status in TROUBLE);
    } catch {
      return; // that the server is gone is said elsewhere
    }
    if (this.timer) this.show();
  }

  show() {
    const place = get("flows-trouble");
    const words = this.troubled.map((flow) => `${flow.flow ?? flow.address}: ${say(TROUBLE[flow.status])}`).join(" · ");
    if (words && words !== this.said) place.replaceChildren(icon("warning"), h("span", {}, words), h("a", {href: "#/flows"}, say("toFlows")));
    this.said = words;
    place.hidden = !words;
  }
}
