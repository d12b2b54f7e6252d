// Accounts, for admins: who may log in and what they may do, their groups, and the log of who did what.

import {AccountList} from "./account_list.js";
import {AuditLog} from "./audit_log.js";
import {h} from "../shared/dom.js";
import {GroupsPart} from "../pages/groups.js";
import {failure, skeleton} from "../shared/states.js";
import {say} from "../words/words.js";

export class AccountsView {
  constructor({failed}) {
    this.failed = failed;
    this.parts = {people: new AccountList(failed), groups: new GroupsPart(failed), log: new AuditLog(failed)};
    this.chosen = "people";
    this.tabs = h("nav", {class: "filters"});
    this.place = h("div", {});
    this.section = h("section", {"aria-labelledby": "title"}, this.tabs, this.place);
  }

  enter([chosen]) {
    this.chosen = chosen in this.parts ? chosen : "people";
    this.drawTabs();
    this.load();
  }

  resume() {
    this.load();
  }

  async load() {
    const part = this.parts[this.chosen];
    if (!this.place.contains(part.element)) this.place.replaceChildren(skeleton(3, "lines"));
    try {
      await part.load();
      if (part !== this.parts[this.chosen]) return;
      part.draw();
      this.place.replaceChildren(part.element);
    } catch (error) {
      const why = this.failed(error);
      if (why) this.place.replaceChildren(failure(why, () => this.load()));
    }
  }

  drawTabs() {
    this.tabs.setAttribute("aria-label", say("filter"));
    this.tabs.replaceChildren(...Object.keys(this.parts).map((name) => h("a", {class: "chip", href: `#/accounts/${name}`, "data-part": name, "aria-current": name === this.chosen ? "true" : null}, say(`part_${name}`))));
  }

  relabel() {
    if (this.section.hidden) return;
    this.drawTabs();
    this.parts[this.chosen].draw();
  }
}
