// One's own pages: alarms that people write themselves, shared with people and groups.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {field, openForm} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {GroupsPart} from "./groups.js";
import {icon} from "../shared/icons.js";
import {RuleRow, ruleForm} from "./page_rules.js";
import {openSharing} from "./sharing.js";
import {emptyState, failure, skeleton} from "../shared/states.js";
import {say} from "../words/words.js";

export class PagesView {
  constructor({failed, channels}) {
    this.failed = failed;
    this.channels = channels;
    this.pages = [];
    this.tools = h("div", {class: "filters"});
    this.list = h("div", {class: "list"});
    this.groups = new GroupsPart(failed);
    this.section = h("section", {"aria-labelledby": "title"}, this.tools, this.list, this.groups.element);
  }

  enter(_, fresh) {
    if (!fresh) return;
    this.channels.add(["rules"]);
    this.list.replaceChildren(skeleton(2, "lines"));
    this.load();
  }

  leave() {
    this.channels.remove(["rules"]);
  }

  resume() {
    this.load();
  }

  async load() {
    try {
      const pages = await ask("/api/pages");
      this.pages = await Promise.all(pages.map(async (page) => ({...page, rules: await ask(`/api/pages/${page.id}/rules`)})));
      await this.groups.load();
      this.draw();
    } catch (error) {
      const why = this.failed(error);
      if (why) this.list.replaceChildren(failure(why, () => this.load()));
    }
  }

  /** What happened to an alarm of a page: created, updated, deleted, triggered; or other pages may be seen. */
  receive({type, channel, data}) {
    if (type === "rights" && !this.section.hidden) this.load();
    if (channel !== "rules" || type !== "event" || this.section.hidden) return;
    const page = this.pages.find((one) => one.id === data.page_id);
    if (!page) { this.load(); return; }
    const known = page.rules.findIndex((rule) => rule.id === data.alarm_id);
    if (data.action === "deleted") { if (known >= 0) page.rules.splice(known, 1); }
    else if (known >= 0) page.rules[known] = {...page.rules[known], ...data.data, hit: data.action === "triggered"};
    else page.rules.push(data.data);
    this.draw();
    if (data.action === "triggered") toast(say("triggered", {alarm: data.data.ticker}));
  }

  draw() {
    const focused = this.section.contains(document.activeElement) ? document.activeElement : null;
    const keep = focused && [focused.closest("[data-page]")?.dataset.page, focused.closest("[data-rule]")?.dataset.rule, focused.dataset.action];
    this.tools.replaceChildren(h("button", {type: "button", class: "secondary", "data-action": "new-page", onclick: () => this.newPage()}, icon("plus"), h("span", {}, say("newPage"))));
    this.list.replaceChildren(...(this.pages.length ? this.pages.map((page) => this.page(page)) : [emptyState("pages", say("noPages"), say("noPagesHint"))]));
    this.groups.draw();
    if (keep?.[0]) {
      const page = this.list.querySelector(`[data-page="${keep[0]}"]`);
      const place = keep[1] ? page?.querySelector(`[data-rule="${keep[1]}"]`) : page;
      (place?.querySelector(`[data-action="${keep[2]}"]`) ?? page?.querySelector("button"))?.focus({preventScroll: true});
    }
  }

  page(page) {
    const changed = (rule) => { const at = page.rules.findIndex((one) => one.id === rule.id); if (at < 0) page.rules.push(rule); else page.rules[at] = rule; this.draw(); };
    const gone = (rule) => { page.rules = page.rules.filter((one) => one.id !== rule.id); this.draw(); };
    const rights = page.is_owner ? say("owner") : `${say("sharedWithMe")}, ${say(page.can_edit ? "mayEdit" : "mayView")}`;
    const button = (action, picture, words, act, extra = "") => h("button", {type: "button", class: `action ${extra}`, "data-action": action, "aria-label": `${words}: ${page.name}`, onclick: act}, icon(picture), h("span", {}, words));
    return h("section", {class: "panel own-page", "data-page": page.id, "aria-labelledby": `page-${page.id}`},
      h("header", {}, h("h2", {id: `page-${page.id}`}, page.name), h("span", {class: "pill"}, rights),
        h("div", {class: "tools"},
          page.can_edit ? button("add", "plus", say("newAlarm_"), () => ruleForm(null, async (values) => changed(await send("POST", `/api/pages/${page.id}/rules`, values)))) : null,
          page.is_owner ? button("share", "share", say("share"), () => openSharing(page, this.groups.groups, this.failed)) : null,
          page.is_owner && !page.declared ? button("delete", "trash", say("delete"), () => this.deletePage(page), "danger") : null)),
      page.rules.length ? h("ul", {class: "rules"}, ...page.rules.map((rule) => new RuleRow(rule, page, {changed, gone, failed: this.failed}).element)) : h("p", {class: "muted rules"}, say("noPageAlarms")));
  }

  newPage() {
    openForm(say("newPage"), {
      name: "page", button: say("save"), about: say("noPagesHint"),
      fields: [field(say("pageName"), h("input", {name: "name", required: true, maxlength: 200, autofocus: true, autocomplete: "off"}))],
    }, async ({name}) => {
      await send("POST", "/api/pages", {name});
      toast(say("pageMade", {name}));
      await this.load();
    });
  }

  deletePage(page) {
    openForm(say("deletePage"), {name: "sure", button: say("delete"), danger: true, about: `${page.name} — ${say("sure")}`, fields: []}, async () => {
      for (const rule of page.rules) await send("DELETE", `/api/rules/${rule.id}`);
      await send("DELETE", `/api/pages/${page.id}`);
      toast(say("deleted"));
      await this.load();
    });
  }

  relabel() {
    if (!this.section.hidden) this.draw();
  }
}
