// Groups of people, to share pages with.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {field, openForm} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {findAccount, accountField} from "../accounts/find_account.js";
import {may, person as me} from "../shared/session.js";
import {say} from "../words/words.js";

export class GroupsPart {
  constructor(failed) {
    this.failed = failed;
    this.groups = [];
    this.element = h("section", {class: "groups"});
  }

  async load() {
    this.groups = await ask("/api/groups");
  }

  draw() {
    this.element.setAttribute("aria-label", say("groups"));
    this.element.replaceChildren(
      h("div", {class: "groups-head"}, h("h2", {}, say("groups")), h("button", {type: "button", class: "action", "data-action": "new-group", onclick: () => this.create()}, icon("plus"), h("span", {}, say("newGroup")))),
      ...(this.groups.length ? [h("div", {class: "list"}, ...this.groups.map((group) => this.group(group)))] : [h("p", {class: "muted"}, say("noGroups"))]));
  }

  group(group) {
    const mine = may("admin") || (group.is_owner && !group.official);
    const path = `/api/groups/${group.id}`;
    return h("section", {class: "panel own-page", "data-group": group.id, "aria-label": group.name},
      h("header", {}, h("h2", {}, group.name), group.is_owner ? h("span", {class: "pill"}, say("owner")) : null,
        h("div", {class: "tools"}, mine ? h("button", {type: "button", class: "action", "data-action": "add-member", "aria-label": `${say("addMember")}: ${group.name}`, onclick: () => this.add(group)}, icon("plus"), h("span", {}, say("addMember"))) : null,
          mine ? h("button", {type: "button", class: "action danger", "data-action": "delete-group", "aria-label": `${say("delete")}: ${group.name}`, onclick: () => this.remove(group)}, icon("trash"), h("span", {}, say("delete"))) : null)),
      h("div", {class: "people", role: "group", "aria-label": say("members")}, ...group.members.map((member) => h("span", {class: "tag"}, member.username,
        mine || member.username === me().username ? h("button", {type: "button", "aria-label": `${say("unshare")}: ${member.username}`, onclick: () => this.attempt(() => send("DELETE", `${path}/members/${member.id}`))}, icon("close")) : null))));
  }

  async attempt(work) {
    try {
      await work();
      await this.load();
      this.draw();
    } catch (error) {
      const why = this.failed(error);
      if (why) toast(why, "bad");
    }
  }

  async after(work) {
    await work;
    await this.load();
    this.draw();
  }

  create() {
    openForm(say("newGroup"), {name: "group", button: say("save"), fields: [field(say("groupName"), h("input", {name: "name", required: true, maxlength: 64, autofocus: true, autocomplete: "off"}))]},
      async ({name}) => { await this.after(send("POST", "/api/groups", {name})); toast(say("groupMade", {name})); });
  }

  add(group) {
    const someone = accountField(true);
    openForm(say("addMember"), {name: "member", button: say("save"), about: group.name, fields: [someone.element]}, async ({person}) => {
      const {id} = await findAccount(person);
      await this.after(send("POST", `/api/groups/${group.id}/members/${id}`));
      toast(say("saved"));
    });
  }

  remove(group) {
    openForm(say("delete"), {name: "sure", button: say("delete"), danger: true, about: `${group.name} — ${say("sure")}`, fields: []}, async () => {
      await this.after(send("DELETE", `/api/groups/${group.id}`));
      toast(say("deleted"));
    });
  }
}
