// Dashboards that people put together: a list of those that one may see, and one of them, shown, on a wall, or being edited.

import {connection} from "../connection/connection.js";
import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {field, openForm, select} from "../shared/dialog.js";
import {h, text} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {person} from "../shared/session.js";
import {emptyState, failure, skeleton} from "../shared/states.js";
import {say, when} from "../words/words.js";
import {Wall} from "../readings/wall.js";
import {DashboardBoard} from "./dashboard_board.js";
import {openPanelForm} from "./panel_form.js";

const LIST = "#/dashboards";
const ANEW = 600_000; // milliseconds after which charts are read again, so that a wall does not gather points for days

document.head.append(h("link", {rel: "stylesheet", href: "/static/styles/dashboards.css"}));

/** What of a dashboard people edit. */
const said = ({name, panels}) => JSON.stringify([name, panels]);

export class DashboardsView {
  constructor(context) {
    this.context = context;
    this.failed = context.failed;
    this.channels = context.channels;
    this.bar = h("div", {class: "board-bar"});
    this.error = h("p", {class: "form-error", role: "alert"});
    this.board = new DashboardBoard(context, () => this.drawBar());
    this.place = h("div", {});
    this.section = h("section", {"aria-labelledby": "title"}, this.bar, this.error, this.place);
    this.wall = new Wall({list: this.board.list, measure: () => this.board.packing.measure(), plan: () => null});
    for (const told of [context.alarmStore, connection]) told.addEventListener("change", () => { if (!this.section.hidden) for (const panel of this.board.panels) panel.mark(); });
    document.addEventListener("visibilitychange", () => { if (!this.section.hidden) this.follow(!document.hidden); });
    this.drafts = new Map(); // what is being edited, by id: it stays there while somebody looks elsewhere
    addEventListener("beforeunload", (event) => { if ([...this.drafts.values()].some((draft) => draft.before !== said(draft))) event.preventDefault(); });
  }

  get draft() { return this.drafts.get(this.id) ?? null; }

  enter([id = ""], fresh, query) {
    if (this.user !== person().username) { this.drafts.clear(); this.id = null; }
    const other = id !== this.id;
    this.user = person().username;
    if (other) { this.leave(); this.clear(); this.id = id; }
    this.wall.show(query.get("wall") === "1" && Boolean(id));
    if (!fresh && !other) return;
    this.channels.add(["dashboards"]);
    this.ticking ??= setInterval(() => { for (const panel of this.board.panels) panel.tick(); }, 1000);
    this.reading ??= setInterval(() => this.readAgain(), ANEW);
    this.load();
  }

  leave() {
    this.wall.show(false);
    clearInterval(this.ticking);
    clearInterval(this.reading);
    this.ticking = this.reading = null;
    this.follow(false);
    this.channels.remove(["dashboards"]);
  }

  clear() {
    this.one = null;
    this.board.show([], false);
    text(this.error, "");
    this.bar.replaceChildren();
    this.place.replaceChildren(skeleton(3, "tiles"));
  }

  readAgain() {
    for (const panel of this.board.panels) panel.load();
  }

  resume() {
    this.load();
    this.readAgain();
  }

  /** Pictures are made only for those who look. */
  follow(look) {
    if (look) this.channels.add(this.board.channels); else this.channels.remove(this.board.channels);
  }

  async load() {
    const {id} = this;
    try {
      if (id) { await this.loadOne(id); return; }
      const [dashboards, pages] = await Promise.all([ask("/api/dashboards"), ask("/api/pages")]);
      if (this.id === id) this.drawList(dashboards, pages.filter((page) => page.can_edit));
    } catch (error) {
      const why = this.failed(error);
      if (!why || this.id !== id) return;
      if (this.draft) { text(this.error, why); return; }
      this.clear();
      this.bar.replaceChildren(this.back());
      this.place.replaceChildren(failure(why, () => this.load()));
    }
  }

  /** What somebody edits stays as it is; the server says when another version is there. */
  async loadOne(id) {
    const one = await ask(`/api/dashboards/${encodeURIComponent(id)}`);
    if (this.id !== id) return;
    if (!one.can_edit) this.drafts.delete(id);
    if (this.one && said(this.one) === said(one)) one.panels = this.one.panels;
    this.one = one;
    this.drawBar();
    this.showPanels();
  }

  showPanels() {
    const {panels} = this.draft ?? this.one, before = this.board.channels;
    this.board.show(panels, Boolean(this.draft));
    this.channels.remove(before.filter((name) => !this.board.channels.includes(name)));
    this.follow(!document.hidden);
    this.place.replaceChildren(panels.length ? this.board.list : emptyState("dashboards", say("noPanels"), this.one.can_edit ? say("noPanelsHint") : ""));
    this.wall.fit();
  }

  receive({type, channel, data}) {
    if (this.section.hidden) return;
    if (type === "rights") { this.load(); return; }
    if (channel === "readings") { if (type === "event") for (const panel of this.board.panels) panel.take(data); else setTimeout(() => { for (const panel of this.board.panels) panel.mark(); }, 500); return; }
    if (type !== "event") return;
    if (channel === "dashboards") { if (!this.id || data.id === this.id) this.load(); return; }
    for (const panel of this.board.panels) if (panel.channels.includes(channel)) panel.frame(data);
  }

  back() {
    return h("a", {class: "quiet board-back", href: LIST}, icon("left"), h("span", {}, say("allDashboards")));
  }

  drawList(dashboards, pages) {
    this.bar.replaceChildren(h("button", {type: "button", class: "secondary", "data-action": "new-dashboard", onclick: () => this.create(pages)}, icon("plus"), h("span", {}, say("newDashboard"))));
    const item = ({id, name, page, changed, changed_by: by, can_edit: mayEdit}) => h("li", {class: "panel board-link", "data-id": id},
      h("h2", {}, h("a", {href: `${LIST}/${id}`}, name)), h("p", {class: "muted"}, `${page} · ${say(mayEdit ? "mayEdit" : "mayView")}`), h("p", {class: "muted"}, say("changedBy", {t: when(Date.parse(changed) / 1000), who: by})));
    this.place.replaceChildren(dashboards.length ? h("ul", {class: "board-list"}, ...dashboards.map(item)) : emptyState("dashboards", say("noDashboards"), say("noDashboardsHint")));
  }

  create(pages) {
    openForm(say("newDashboard"), {
      name: "dashboard", button: say("save"), about: say("noDashboardsHint"),
      fields: [field(say("dashboardName"), h("input", {name: "name", required: true, maxlength: 200, autofocus: true, autocomplete: "off"})),
        field(say("dashboardPage"), select({name: "page"}, [...pages.map(({id, name}) => [id, name]), ["", say("newPage")]]), say("dashboardPageHint"))],
    }, async ({name, page}) => {
      const on = page || (await send("POST", "/api/pages", {name})).id;
      const made = await send("POST", `/api/pages/${on}/dashboards`, {name});
      this.editNext = made.id;
      location.hash = `${LIST}/${made.id}`;
    });
  }

  drawBar() {
    if (this.editNext === this.id && this.one) { this.editNext = null; this.edit(); return; }
    const {one, draft} = this;
    const button = (action, picture, words, act, more = "secondary") => h("button", {type: "button", class: more, "data-action": action, onclick: act}, icon(picture), h("span", {}, say(words)));
    const known = `${one.id} ${one.name} ${one.page} ${one.can_edit} ${Boolean(draft)}`;
    if (this.bar.dataset.shown === known && this.bar.childElementCount) return; // what has the focus keeps it
    this.bar.dataset.shown = known;
    if (!draft) {
      this.bar.replaceChildren(this.back(), h("h2", {tabindex: "-1"}, one.name), h("span", {class: "pill"}, one.page), h("div", {class: "side"},
        h("button", {type: "button", class: "round", "data-action": "wall", "aria-label": say("wall"), title: say("wall"), onclick: () => this.wall.ask(true)}, icon("wall")),
        one.can_edit ? button("edit", "edit", "edit", () => this.edit()) : null));
      return;
    }
    this.bar.replaceChildren(
      field(say("dashboardName"), h("input", {name: "dashboard-name", value: draft.name, maxlength: 200, autocomplete: "off", oninput: ({target}) => { draft.name = target.value; }})),
      h("div", {class: "side"}, button("add-panel", "plus", "addPanel", () => this.addPanel()), button("save", "check", "save", () => this.save(), "primary"),
        button("cancel", "close", "cancel", () => this.stopEditing()), button("delete", "trash", "deleteDashboard", () => this.delete(), "secondary danger")),
      h("h2", {class: "hidden"}, one.name), h("p", {class: "muted board-how"}, say("boardHow")));
  }

  edit() {
    const {version, name, panels} = this.one;
    this.drafts.set(this.id, {version, name, panels: panels.map((panel) => ({...panel})), before: said(this.one)});
    this.drawBar();
    this.showPanels();
    this.bar.querySelector("[data-action=add-panel]").focus();
  }

  stopEditing() {
    this.drafts.delete(this.id);
    text(this.error, "");
    this.drawBar();
    this.showPanels();
    this.load();
    this.bar.querySelector("[data-action=edit]")?.focus();
  }

  addPanel() {
    openPanelForm(this.context, (panel) => { this.draft.panels.push(panel); this.showPanels(); });
  }

  async save() {
    const {name, panels, version} = this.draft;
    text(this.error, "");
    try {
      const saved = await send("PUT", `/api/dashboards/${this.id}`, {name, panels, version});
      this.one = {...saved, panels};
      this.stopEditing();
      toast(say("saved"));
    } catch (error) {
      text(this.error, this.failed(error));
      if (error.status === 409) this.error.append(" ", h("button", {type: "button", class: "action", "data-action": "theirs", onclick: () => this.stopEditing()}, say("dashboardTheirs")));
    }
  }

  delete() {
    openForm(say("deleteDashboard"), {name: "sure", button: say("delete"), danger: true, about: `${this.one.name} — ${say("sure")}`, fields: []}, async () => {
      await send("DELETE", `/api/dashboards/${this.id}`);
      this.drafts.delete(this.id);
      location.hash = LIST;
      toast(say("deleted"));
    });
  }

  relabel() {
    if (this.section.hidden) return;
    if (this.id && this.one) { this.bar.replaceChildren(); this.drawBar(); const {panels} = this.draft ?? this.one; this.board.show([], false); this.board.show(panels, Boolean(this.draft)); } else this.load();
  }
}
