// One alarm in full: its state, its response, its commands and its history.

import {ask} from "../shared/api.js";
import {actionButton, commandsFor} from "./alarm_commands.js";
import {steadyButtons} from "./alarm_list.js";
import {saidOf, saidWords} from "./lasting_changes.js";
import {keyOf} from "./urgency.js";
import {AlarmValues, measured} from "./alarm_values.js";
import {openDialog} from "../shared/dialog.js";
import {h, text} from "../shared/dom.js";
import {icon, shape} from "../shared/icons.js";
import {alarmName, eventWord, metricName, priorityName, say, stateName, subjectName, when} from "../words/words.js";

const DAYS = 30;

export class AlarmDetails {
  /** `gone` is called when the details are closed; `chart` opens the history of a signal; `latest` is its newest reading. */
  constructor(alarmStore, {gone, chart, latest}) {
    this.alarmStore = alarmStore;
    this.gone = gone;
    this.chart = chart;
    this.latest = latest;
    this.key = null;
    alarmStore.addEventListener("change", () => this.draw());
    setInterval(() => { if (this.shown && this.dialog) this.values.update(latest(this.shown.subject, this.shown.metric)); }, 1000);
  }

  open(key) {
    if (this.key === key) return;
    this.close();
    const alarm = this.alarmStore.get(key);
    if (!alarm) return;
    this.key = key;
    this.shown = null;
    this.body = h("div", {class: "details"});
    this.past = h("section", {class: "past", "aria-busy": "true"});
    this.dialog = openDialog(alarmName(alarm.alarm), [this.body, this.past], {
      sheet: true, name: "alarm",
      closed: () => { const was = this.key; this.key = null; this.dialog = null; if (was) this.gone(); },
    });
    this.draw();
    this.load(alarm);
  }

  close() {
    if (!this.dialog) return;
    this.key = null;
    this.dialog.close();
  }

  draw(anew = false) {
    const alarm = this.key && this.alarmStore.get(this.key);
    if (!alarm || (this.shown === alarm && !anew)) return;
    const first = this.shown === null;
    this.shown = alarm;
    const action = this.body.contains(document.activeElement) ? document.activeElement.dataset.action : null;
    this.values = new AlarmValues(alarm, this.latest(alarm.subject, alarm.metric));
    const rows = [
      [say("where"), subjectName(alarm.subject)],
      [say("measured"), h("span", {class: "values"}, alarm.metric ? metricName(alarm.metric) : "", " ", this.values.element)],
      alarm.since ? [eventWord("activated"), when(alarm.since)] : null,
      [say("since_"), when(alarm.time)],
      [say("rule"), alarm.rule],
      alarm.until ? [eventWord("shelved"), say("until", {t: when(alarm.until)})] : null,
      alarm.lasting?.acked ? [eventWord("acked"), [alarm.lasting.acked.user, when(alarm.lasting.acked.time)].filter(Boolean).join(" · ")] : null,
      suppressedBy(alarm) ? [eventWord("suppressed"), suppressedBy(alarm)] : null,
      ...saidOf(alarm).map((said) => [said.kind === "commented" ? eventWord("commented") : `${eventWord("commented")} (${eventWord(said.kind)})`, saidWords(said)]),
      alarm.page && !alarm.page.startsWith("~") ? [say("page"), alarm.page] : null,
      ...Object.entries(alarm.labels ?? {}),
    ].filter((row) => row?.[1]);
    this.body.replaceChildren(
      h("div", {class: "alarm-head", "data-priority": alarm.priority, "data-isa": alarm.isa}, h("span", {class: "alarm-shape"}, shape(alarm.priority)),
        h("span", {class: "pill state"}, stateName(alarm.state)), h("span", {class: "pill priority"}, priorityName(alarm.priority))),
      alarm.message ? h("p", {class: "lead"}, alarm.message) : "",
      alarm.response ? h("div", {class: "todo"}, icon("info"), h("div", {}, h("h3", {}, say("response")), h("p", {}, alarm.response))) : "",
      this.actions(alarm),
      h("dl", {class: "pairs"}, ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
    if (action) (this.body.querySelector(`[data-action="${action}"]`) ?? this.body.querySelector("button"))?.focus();
    if (!first) this.load(alarm);
  }

  /** Above what may grow; the buttons keep their places while somebody points at them. */
  actions(alarm) {
    const place = this.body.querySelector(".alarm-actions"), chart = () => { this.close(); this.chart(alarm.subject, alarm.metric); };
    const make = (name) => name === "chart" ? h("button", {type: "button", class: "action", "data-action": "chart", onclick: chart}, icon("overview"), h("span", {}, say("showChart"))) : actionButton(alarm, name);
    const buttons = steadyButtons(place?.matches(":hover") ? place.children : [], [...commandsFor(alarm), ...(alarm.metric ? ["chart"] : [])], make);
    const actions = h("div", {class: "alarm-actions"}, ...buttons);
    if (buttons.some((button) => button.dataset.spent)) actions.addEventListener("pointerleave", () => this.draw(true), {once: true});
    return actions;
  }

  async load(alarm) {
    const key = this.key;
    let page;
    try {
      const query = new URLSearchParams({rule: alarm.rule, subject: alarm.subject, from: Date.now() / 1000 - DAYS * 86400, limit: 100});
      page = await ask(`/api/alarms/history?${query}`);
    } catch (error) {
      if (this.key === key) this.past.replaceChildren(h("h3", {}, say("history")), h("p", {class: "muted"}, error.status === 404 ? say("noPast") : say("historyDown", {why: error.message})));
      return;
    } finally {
      this.past.removeAttribute("aria-busy");
    }
    if (this.key === key) this.showPast(page.transitions);
  }

  showPast(changes) {
    const items = changes.map((change) => h("li", {"data-isa": change.isa, "data-event": change.event},
      h("span", {class: "past-dot", "aria-hidden": "true"}),
      h("div", {}, h("p", {}, h("b", {}, eventWord(change.event)), change.user ? ` · ${change.user}` : "", measured({...change, first_value: undefined}) ? h("span", {class: "muted"}, ` · ${measured({...change, first_value: undefined})}`) : ""),
        change.comment ? h("p", {class: "past-comment"}, change.comment) : "",
        h("time", {class: "muted", datetime: new Date(change.time * 1000).toISOString()}, when(change.time)))));
    this.past.replaceChildren(h("h3", {}, say("history")), items.length ? h("ol", {class: "past-list"}, ...items) : h("p", {class: "muted"}, say("noPast")));
  }
}

/** Why an alarm is suppressed: a person, another alarm, or that it is not armed. */
function suppressedBy({isa, lasting}) {
  const was = lasting?.suppressed;
  if (isa !== "F" || !was) return "";
  const hider = was.reason?.match(/^inhibit:(?:.*\/)?(.+)$/)?.[1];
  if (!hider) return was.user ?? "";
  return hider === "schedule" || hider === "while" ? say(`unarmed_${hider}`) : alarmName(hider);
}

/** The address of an alarm's details, over the list as it is filtered. */
export const detailsHash = (alarm) => `#/alarms/${encodeURIComponent(keyOf(alarm))}${location.hash.startsWith("#/alarms") ? location.hash.match(/\?.*|$/)[0] : ""}`;
