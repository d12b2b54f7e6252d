// What gets into one's own account: logins, known devices and tokens of programs, each ended or made here.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {field, openForm, select} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {person as me} from "../shared/session.js";
import {say, when} from "../words/words.js";
import {showPassword} from "./passwords.js";

const ROLES = ["viewer", "operator", "admin"];

/** A list with a button at the end of each entry. `of` gives an entry's name, what is said of it, and whether it may be ended. */
export class Access {
  constructor(part, path, end, of) {
    Object.assign(this, {part, path, end, of, entries: []});
    this.element = h("section", {class: "own-part", "data-part": part});
  }

  async load() {
    this.entries = await ask(this.path);
  }

  draw() {
    const items = this.entries.map((entry) => this.item(entry));
    this.element.replaceChildren(h("h3", {}, say(this.part)),
      items.length ? h("ul", {class: "list"}, ...items) : h("p", {class: "muted"}, say("nothingYet")), ...this.more());
  }

  item(entry) {
    const {name, about, kept} = this.of(entry);
    const words = say(this.end);
    const button = h("button", {type: "button", class: "action danger", "data-action": this.end, "aria-label": `${words}: ${name}`, onclick: () => this.ask(entry, name)}, icon("close"), h("span", {}, words));
    return h("li", {"data-id": entry.id}, h("span", {}, name), h("small", {class: "muted"}, about.filter(Boolean).join(" · ")), kept ? h("span", {class: "pill"}, kept) : button);
  }

  ask(entry, name) {
    openForm(say(this.end), {name: "sure", button: say(this.end), danger: true, about: name, fields: []}, async () => {
      await send("DELETE", `${this.path}/${encodeURIComponent(entry.id)}`);
      await this.anew();
      toast(say("saved"));
    });
  }

  async anew() {
    await this.load();
    this.draw();
  }

  more() { return []; }
}

export const ownLogins = () => new Access("ownLogins", "/api/auth/sessions", "endLogin", ({agent, address, created, last_used: used, current}) => (
  {name: agent || address, about: [agent ? address : "", say("lastLogin", {t: when(created)}), used ? say("lastUse", {t: when(used)}) : ""], kept: current ? say("thisLogin") : null}));

export const ownDevices = () => new Access("ownDevices", "/api/auth/devices", "forgetDevice", ({id, agent, last_login: last}) => (
  {name: agent || id, about: [say("lastLogin", {t: when(last)})]}));

export class OwnTokens extends Access {
  constructor() {
    super("ownTokens", "/api/tokens", "revokeToken", ({name, role, pages, expires, last_used: used}) => (
      {name, about: [say(`role_${role}`), pages ? say("onPages", {pages: pages.join(", ")}) : "", used ? say("lastUse", {t: when(used)}) : say("neverUsed"), expires ? say("untilDay", {t: when(expires)}) : ""]}));
  }

  more() {
    return [h("div", {class: "side"}, h("button", {type: "button", class: "action", "data-action": "new-token", onclick: () => this.make()}, say("newToken")))];
  }

  make() {
    const roles = ROLES.slice(0, ROLES.indexOf(me().role) + 1).map((role) => [role, say(`role_${role}`)]);
    openForm(say("newToken"), {
      name: "token", button: say("save"), about: say("tokenHint"),
      fields: [
        field(say("tokenName"), h("input", {name: "name", required: true, maxlength: 64, autofocus: true, autocomplete: "off", spellcheck: "false"})),
        field(say("role"), select({name: "role"}, roles, "viewer")),
        field(say("tokenDays"), h("input", {name: "days", type: "number", min: 1, max: 3650}), say("tokenDaysHint")),
      ],
    }, async ({name, role, days}) => {
      const made = await send("POST", this.path, {name, role, ...(days ? {expires_in: Number(days) * 86_400} : {})});
      await this.anew();
      showPassword(name, made.token, "tokenOf");
    });
  }
}
