// All alarms that stand, with filters, and the details of one.

import {isSuppressed, isUnseen} from "./urgency.js";
import {AlarmList} from "./alarm_list.js";
import {h, text} from "../shared/dom.js";
import {keepHere} from "../shared/place.js";
import {emptyState} from "../shared/states.js";
import {say} from "../words/words.js";

const KINDS = {
  all: (alarm) => !isSuppressed(alarm),
  unseen_: isUnseen,
  open_: (alarm) => "BC".includes(alarm.isa),
  shelved_: (alarm) => alarm.isa === "E",
  suppressed_: isSuppressed,
};

export class AlarmsView {
  constructor({alarmStore, openAlarm, latest}, details) {
    this.alarmStore = alarmStore;
    this.details = details;
    this.kind = "all";
    this.filters = h("div", {class: "filters", role: "group"});
    this.items = h("ol", {class: "alarms", tabindex: "-1"});
    this.nothing = h("div", {});
    const news = h("button", {type: "button", class: "news", hidden: true});
    this.section = h("section", {"aria-labelledby": "title"}, this.filters, h("div", {class: "news-place"}, h("span", {class: "as-of", hidden: true}), news), this.items, this.nothing);
    this.list = new AlarmList(this.items, {open: openAlarm, latest, news});
    alarmStore.addEventListener("change", () => { if (!this.section.hidden) this.draw(); });
  }

  enter([key], fresh, query) {
    const kind = query.get("show") in KINDS ? query.get("show") : "all";
    const other = kind !== this.kind;
    this.kind = kind;
    if (fresh || other) this.draw();
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
    const standing = this.alarmStore.all();
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
      this.filters.append(...Object.keys(KINDS).map((kind) => h("button", {type: "button", class: "chip", "data-kind": kind, onclick: () => { this.kind = kind; keepHere({show: kind === "all" ? "" : kind}); this.draw(); }}, h("span", {}), h("b", {}))));
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
