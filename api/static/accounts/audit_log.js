// The audit log: logins, refused ones, changes of accounts, pages and shares, commands.

import {ask} from "../shared/api.js";
import {field, select} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {emptyState, failure} from "../shared/states.js";
import {actionWord, say, when} from "../words/words.js";

const PAGE = 50;
const KINDS = ["login", "login_refused", "logout", "add_account", "change_role", "change_password", "disable_account", "end_logins", "share_page", "add_member", "mode"];

export class AuditLog {
  constructor(failed) {
    this.failed = failed;
    this.filter = {username: "", action: ""};
    this.entries = [];
    this.form = h("form", {class: "filters fields", onsubmit: (event) => { event.preventDefault(); this.anew(); }, onchange: () => this.anew()});
    this.rows = h("ol", {class: "panel events"});
    this.foot = h("div", {class: "foot"});
    this.element = h("div", {}, this.form, this.rows, this.foot);
  }

  async load() {
    this.entries = await ask(this.query());
    this.more = this.entries.length === PAGE;
  }

  async anew() {
    Object.assign(this.filter, Object.fromEntries(new FormData(this.form)));
    try {
      await this.load();
      this.drawRows();
    } catch (error) {
      const why = this.failed(error);
      if (why) this.foot.replaceChildren(failure(why, () => this.anew()));
    }
  }

  query(before) {
    const query = new URLSearchParams({limit: PAGE, ...(before ? {before} : {})});
    for (const [name, value] of Object.entries(this.filter)) if (value.trim()) query.set(name, value.trim());
    return `/api/audit?${query}`;
  }

  async older() {
    try {
      const next = await ask(this.query(this.entries.at(-1).id));
      const first = this.entries.length;
      this.entries.push(...next);
      this.more = next.length === PAGE;
      this.drawRows();
      this.rows.children[first]?.focus();
    } catch (error) {
      const why = this.failed(error);
      if (why) this.foot.replaceChildren(failure(why, () => this.older()));
    }
  }

  draw() {
    this.form.replaceChildren(
      field(say("username"), h("input", {name: "username", type: "search", maxlength: 64, autocomplete: "off", autocapitalize: "none", spellcheck: "false", value: this.filter.username})),
      field(say("action"), select({name: "action"}, [["", say("all")], ...KINDS.map((kind) => [kind, actionWord(kind)])], this.filter.action)));
    this.drawRows();
  }

  drawRows() {
    this.rows.hidden = !this.entries.length;
    this.rows.replaceChildren(...this.entries.map((entry) => this.entry(entry)));
    const more = h("button", {type: "button", class: "secondary", "data-action": "older", onclick: () => this.older()}, say("loadMore"));
    this.foot.replaceChildren(...(this.entries.length ? [] : [emptyState("check", say("noEntries"))]), ...(this.more ? [more] : []));
  }

  entry({id, at, username, address, action, object, detail}) {
    return h("li", {class: "event", tabindex: "-1", "data-id": id, "data-done": action},
      h("div", {class: "event-body"}, h("p", {class: "event-title"}, h("b", {}, username), " ", h("span", {}, actionWord(action)), " ", h("span", {class: "muted"}, object)),
        detail || address ? h("p", {class: "event-facts muted"}, [detail, address].filter(Boolean).join(" · ")) : null),
      h("div", {class: "event-side"}, h("time", {datetime: at}, when(Date.parse(at) / 1000))));
  }
}
