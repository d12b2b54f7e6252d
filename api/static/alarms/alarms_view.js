// All alarms as a table, with filters, groups, commands to many, keys, and the details of one.

import {AlarmTable} from "./alarm_table.js";
import {command, confirmAck, whatOf} from "./alarm_commands.js";
import {commandMany, fitting} from "./many_alarms.js";
import {arrange, GROUPS, KINDS, SORTS} from "./table_rows.js";
import {quietWord} from "./quiet.js";
import {PRIORITIES} from "./urgency.js";
import {connection} from "../connection/connection.js";
import {areaOf} from "../shared/areas.js";
import {toast} from "../shared/announce.js";
import {openDialog, select} from "../shared/dialog.js";
import {h, text} from "../shared/dom.js";
import {may} from "../shared/session.js";
import {keepHere} from "../shared/place.js";
import {emptyState, skeleton} from "../shared/states.js";
import {Stillness} from "../shared/stillness.js";
import {alarmName, priorityName, say, stateName} from "../words/words.js";

const KEYS = {a: "ack", s: "shelve", c: "comment"};
const FIELDS = ["kind", "q", "priority", "area", "rule", "group", "sort"];

export class AlarmsView {
  constructor({alarmStore, openAlarm, latest}, details) {
    this.alarmStore = alarmStore;
    this.details = details;
    this.chosen = {kind: "all"};
    this.collapsed = new Set();
    this.kinds = h("div", {class: "filters", role: "group"});
    this.search = h("input", {type: "search", name: "q", autocomplete: "off", spellcheck: "false"});
    this.fields = h("form", {class: "table-tools", role: "search", onsubmit: (event) => event.preventDefault()});
    this.fields.addEventListener("input", () => this.set(Object.fromEntries(new FormData(this.fields))));
    this.bar = h("div", {class: "table-bar", role: "group"});
    this.aim = new Stillness(this.bar, () => this.draw());
    this.nothing = h("div", {});
    this.table = new AlarmTable({
      open: openAlarm, latest, sort: (sort) => this.set({sort}), chosen: () => this.drawBar(),
      toggle: (group) => { if (!this.collapsed.delete(group)) this.collapsed.add(group); this.draw(false, true); },
      isAimed: () => this.aim.pointed,
      groupName: (group) => this.chosen.group === "rule" ? alarmName(group.split("/").at(-1)) : group || say("noArea"),
    });
    this.section = h("section", {"aria-labelledby": "title"}, this.kinds, this.fields, this.bar, this.table.element, this.nothing);
    for (const told of [alarmStore, connection]) told.addEventListener("change", () => this.plan());
    document.addEventListener("keydown", (event) => this.key(event));
  }

  enter([key], fresh, query) {
    const wanted = Object.fromEntries(FIELDS.map((name) => [name, query.get(name === "kind" ? "show" : name) ?? ""]));
    wanted.kind = wanted.kind in KINDS ? wanted.kind : "all";
    const other = JSON.stringify(wanted) !== JSON.stringify(this.chosen);
    this.chosen = wanted;
    if (fresh) this.drawFields();
    if (fresh || other) this.draw(false, true);
    this.toAck = query.get("ack") === "1" ? key : null;
    this.wanted = key ?? null;
    if (key) this.openWanted();
    else this.details.close();
  }

  leave() {
    this.wanted = null;
    this.details.close();
  }

  /** Choose what is shown: filters, order, groups. The address keeps it. */
  set(chosen) {
    Object.assign(this.chosen, chosen);
    const {kind, ...others} = this.chosen;
    keepHere({...others, show: kind === "all" ? "" : kind, sort: others.sort === "urgency" ? "" : others.sort});
    this.draw(false, true);
  }

  /** However many alarms change, the table is drawn once a frame. */
  plan() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; if (!this.section.hidden) this.draw(); });
  }

  /** What is asked for while rows are being arranged is drawn after them. */
  draw(anew = false, now = false) {
    this.asked = {anew: anew || this.asked?.anew, now: now || this.asked?.now};
    this.drawing ??= this.drawAsked().finally(() => { this.drawing = null; });
  }

  async drawAsked() {
    for (let asked = this.asked; asked; asked = this.asked) {
      this.asked = null;
      await this.drawOnce(asked);
    }
  }

  async drawOnce({anew, now}) {
    const all = this.alarmStore.all();
    const {kind, q, priority, area, rule, group, sort} = this.chosen;
    const entries = await arrange(all, {kind, q, priority, area, rule}, {sort: SORTS.includes((sort ?? "").replace("-", "")) ? sort : "urgency", group, collapsed: this.collapsed});
    this.table.drawHead(sort || "urgency");
    this.table.draw(entries, anew, now);
    this.table.element.hidden = !entries.length && !this.table.keys.length;
    this.drawKinds(all);
    const names = [...new Set(all.flatMap((alarm) => [areaOf(alarm), alarm.rule]))].sort().join("\n");
    if (names !== this.named && !this.fields.contains(document.activeElement)) { this.named = names; this.drawFields(); }
    this.nothing.replaceChildren(...(entries.length ? [] : [all.length ? emptyState("alarms", say("noneHere")) : this.quiet()]));
    this.openWanted();
  }

  quiet() {
    const word = quietWord(this.alarmStore);
    if (word === "loading") return skeleton(6, "lines");
    return word === "noAlarms" ? emptyState("check", say(word), say("noAlarmsHint"), "calm") : emptyState("warning", say(word), null, "bad");
  }

  /** The alarm that the address names; a notification asks to acknowledge it, too. */
  openWanted() {
    const alarm = this.wanted && this.alarmStore.get(this.wanted);
    if (!alarm) return;
    this.details.open(this.wanted);
    if (this.toAck !== this.wanted) return;
    this.toAck = null;
    keepHere({ack: ""});
    if (fitting([alarm], "ack").length) confirmAck(alarm);
  }

  drawKinds(all) {
    this.kinds.setAttribute("aria-label", say("filter"));
    if (!this.kinds.childElementCount)
      this.kinds.append(...Object.keys(KINDS).map((kind) => h("button", {type: "button", class: "chip", "data-kind": kind, onclick: () => this.set({kind})}, h("span", {}), h("b", {}))), h("span", {class: "as-of", hidden: true}), this.table.news);
    for (const button of this.kinds.querySelectorAll("[data-kind]")) {
      button.setAttribute("aria-pressed", String(button.dataset.kind === this.chosen.kind));
      text(button.firstChild, say(button.dataset.kind));
      text(button.lastChild, String(all.filter(KINDS[button.dataset.kind]).length));
    }
  }

  drawFields() {
    const all = this.alarmStore.all(), {priority, area, rule, group} = this.chosen;
    const choices = (names, word, chosen) => [["", say("all")], ...[...new Set([...names, ...(chosen ? [chosen] : [])])].filter(Boolean).sort().map((name) => [name, word(name)])];
    const field = (name, input) => h("label", {class: "field"}, h("span", {}, say(`by_${name}`)), input);
    this.search.value = this.chosen.q ?? "";
    this.fields.replaceChildren(field("q", this.search),
      field("priority", select({name: "priority"}, [["", say("all")], ...PRIORITIES.map((name) => [name, priorityName(name)])], priority)),
      field("area", select({name: "area"}, choices(all.map(areaOf), (name) => name, area), area)),
      field("rule", select({name: "rule"}, choices(all.map((alarm) => alarm.rule), (name) => name, rule), rule)),
      field("group", select({name: "group"}, [["", say("noGroup")], ...Object.keys(GROUPS).map((name) => [name, say(`by_${name}`)])], group)));
  }

  drawBar() {
    const chosen = this.table.chosenAlarms, count = chosen.length;
    const button = (name, words, act) => h("button", {type: "button", class: "action", "data-many": name, onclick: act}, words);
    const many = ["ack", "shelve", "unshelve"].filter((name) => fitting(chosen, name).length)
      .map((name) => button(name, `${say(name)} (${fitting(chosen, name).length})`, () => commandMany(this.table.chosenAlarms, name)));
    const parts = count ? [h("b", {}, say("chosenCount", {n: count})), ...many, button("none", say("chooseNone"), () => this.table.chooseAll(false))]
      : fitting(this.alarmStore.standing(), "ack").length ? [button("sight", say("ackInSight"), () => this.ackInSight())] : [];
    const known = `${count} ${parts.map((part) => part.textContent)}`;
    if (this.said === known) return;
    this.said = known;
    const held = this.bar.contains(document.activeElement);
    this.bar.setAttribute("aria-label", say("many"));
    this.bar.replaceChildren(...parts, h("button", {type: "button", class: "quiet keys", onclick: () => this.help()}, say("keysHelp")));
    if (held) this.bar.querySelector("button").focus();
  }

  ackInSight() {
    if (fitting(this.table.alarmsInSight, "ack").length) return commandMany(this.table.alarmsInSight, "ack");
    return toast(say("noneInSight"), "bad");
  }

  key(event) {
    if (this.section.hidden || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), textarea, select")) return;
    const {table} = this, many = table.chosenAlarms;
    if (event.key === "j" || event.key === "k") table.step(event.key === "j" ? 1 : -1);
    else if (event.key === "?") this.help();
    else if (event.key === "/") this.search.focus();
    else if (event.key in KEYS) {
      const name = KEYS[event.key];
      if (many.length && name !== "comment") commandMany(many, name);
      else if (!table.current) return;
      else if (fitting([table.current], name).length) command(table.current, name);
      else if (may("operator")) toast(say("keyUnfit", {action: say(name), alarm: whatOf(table.current), state: stateName(table.current.state)}), "bad");
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  help() {
    openDialog(say("keysTitle"), [h("dl", {class: "pairs"}, ...["a", "s", "c", "j", "k", "/", "?"].map((key) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, say(`key_${key === "/" ? "search" : key === "?" ? "help" : key}`)))))], {name: "keys"});
  }

  relabel() {
    if (this.section.hidden) return;
    this.said = null;
    this.kinds.replaceChildren();
    this.drawFields();
    this.draw(true);
  }
}
