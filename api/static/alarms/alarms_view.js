// All alarms that stand, with filters, and the details of one.

import {isUnseen} from "./alarm_store.js";
import {AlarmList} from "./alarm_list.js";
import {h, text} from "../shared/dom.js";
import {emptyState} from "../shared/states.js";
import {say} from "../words/words.js";

const KINDS = {
  all: () => true,
  unseen_: isUnseen,
  open_: (alarm) => "BC".includes(alarm.isa),
  shelved_: (alarm) => "EFG".includes(alarm.isa),
};

export class AlarmsView {
  constructor({alarmStore, openAlarm}, details) {
    this.alarmStore = alarmStore;
    this.details = details;
    this.kind = "all";
    this.filters = h("div", {class: "filters", role: "group"});
    this.items = h("ol", {class: "alarms", tabindex: "-1"});
    this.nothing = h("div", {});
    this.section = h("section", {"aria-labelledby": "title"}, this.filters, this.items, this.nothing);
    this.list = new AlarmList(this.items, openAlarm);
    alarmStore.addEventListener("change", () => { if (!this.section.hidden) this.draw(); });
  }

  enter([key], fresh) {
    if (fresh) this.draw();
    if (key) this.details.open(key);
    else this.details.close();
    this.wanted = key ?? null;
  }

  leave() {
    this.wanted = null;
    this.details.close();
    this.list.draw([]);
  }

  draw(anew) {
    const standing = this.alarmStore.standing();
    const shown = standing.filter(KINDS[this.kind]);
    this.list.draw(shown, anew);
    this.drawFilters(standing);
    if (!shown.length) this.nothing.replaceChildren(standing.length ? emptyState("alarms", say("noneHere")) : emptyState("check", say("noAlarms"), say("noAlarmsHint"), "calm"));
    else this.nothing.replaceChildren();
    if (this.wanted && this.alarmStore.get(this.wanted)) this.details.open(this.wanted);
  }

  drawFilters(standing) {
    this.filters.setAttribute("aria-label", say("filter"));
    if (!this.filters.childElementCount)
      this.filters.append(...Object.keys(KINDS).map((kind) => h("button", {type: "button", class: "chip", "data-kind": kind, onclick: () => { this.kind = kind; this.draw(); }}, h("span", {}), h("b", {}))));
    for (const button of this.filters.children) {
      button.setAttribute("aria-pressed", String(button.dataset.kind === this.kind));
      text(button.firstChild, say(button.dataset.kind));
      text(button.lastChild, String(standing.filter(KINDS[button.dataset.kind]).length));
    }
  }

  relabel() {
    if (!this.section.hidden) this.draw(true);
  }
}
