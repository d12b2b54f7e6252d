// The accounts, and what an admin does with one.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {field, openForm, select} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {PASSWORD_RULES, showPassword} from "./passwords.js";
import {Failed, person as me} from "../shared/session.js";
import {say, when} from "../words/words.js";

const ROLES = ["viewer", "operator", "admin"];

export class AccountList {
  constructor(failed) {
    this.failed = failed;
    this.accounts = [];
    this.element = h("div", {});
  }

  async load() {
    this.accounts = await ask("/api/users");
  }

  draw() {
    this.element.replaceChildren(
      h("div", {class: "filters"}, h("button", {type: "button", class: "secondary", "data-action": "new-account", onclick: () => this.create()}, icon("plus"), h("span", {}, say("newAccount")))),
      h("ul", {class: "list"}, ...this.accounts.map((account) => this.account(account))));
  }

  account(account) {
    const path = `/api/users/${account.id}`;
    const button = (action, picture, words, act, extra = "") => h("button", {type: "button", class: `action ${extra}`, "data-action": action, "aria-label": `${words}: ${account.username}`, onclick: act}, icon(picture), h("span", {}, words));
    const seen = account.connections ? say("connectedNow", {n: account.connections}) : account.last_login ? say("lastLogin", {t: when(account.last_login)}) : say("noLogin");
    return h("li", {class: "panel account", "data-account": account.username, "data-enabled": account.enabled ? "yes" : "no"},
      h("div", {class: "account-who"}, h("h2", {}, account.username), h("span", {class: "pill"}, say(`role_${account.role}`)),
        account.id === me().id ? h("span", {class: "pill"}, say("yourself")) : null,
        account.enabled ? null : h("span", {class: "pill state"}, say("accountOff")),
        h("span", {class: "muted"}, seen)),
      h("div", {class: "side"},
        button("role", "edit", say("role"), () => this.role(account, path)),
        button("password", "key", say("newPassword"), () => this.password(account, path)),
        button("log-out", "logout", say("endLogins"), () => this.logOut(account, path)),
        account.enabled ? button("disable", "stop", say("disable"), () => this.enable(account, path, false), "danger") : button("enable", "play", say("enable"), () => this.enable(account, path, true))));
  }

  /** Do what was asked in a dialog and show the accounts as they are then; the server's refusals in the reader's language. */
  async change(work, refusals = {}) {
    let answer;
    try {
      answer = await work();
    } catch (error) {
      if (error instanceof Failed && refusals[error.status]) throw new Failed(error.status, say(refusals[error.status]));
      throw error;
    }
    await this.load();
    this.draw();
    return answer;
  }

  create() {
    openForm(say("newAccount"), {
      name: "account", button: say("save"),
      fields: [
        field(say("username"), h("input", {name: "username", required: true, maxlength: 64, autofocus: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false"})),
        field(say("role"), select({name: "role"}, roles(), "viewer")),
        chosenPassword(),
      ],
    }, async ({username, role, password}) => {
      const made = await this.change(() => send("POST", "/api/users", {username, role, ...(password ? {password} : {})}), {400: "badAccount", 409: "nameTaken"});
      if (made.password) showPassword(username, made.password);
      else toast(say("accountMade", {name: username}));
    });
  }

  role(account, path) {
    openForm(say("role"), {name: "role", button: say("save"), about: account.username, fields: [field(say("role"), select({name: "role", autofocus: true}, roles(), account.role), say("roleHint"))]}, async ({role}) => {
      await this.change(() => send("PATCH", path, {role}), {409: "lastAdmin"});
      toast(say("saved"));
    });
  }

  password(account, path) {
    openForm(say("newPassword"), {name: "password", button: say("newPassword"), about: `${account.username} — ${say("newPasswordHint")}`, fields: [chosenPassword()]}, async ({password}) => {
      const made = await this.change(() => password ? send("PATCH", path, {password}) : send("POST", `${path}/password`), {400: "badPassword"});
      if (password) toast(say("saved"));
      else showPassword(account.username, made.password);
    });
  }

  logOut(account, path) {
    openForm(say("endLogins"), {name: "sure", button: say("endLogins"), danger: true, about: `${account.username} — ${say("endLoginsHint")}`, fields: []}, async () => {
      await this.change(() => send("POST", `${path}/logout`));
      toast(say("loggedOut", {name: account.username}));
    });
  }

  enable(account, path, enabled) {
    openForm(say(enabled ? "enable" : "disable"), {name: "sure", button: say(enabled ? "enable" : "disable"), danger: !enabled, about: `${account.username} — ${say(enabled ? "enableHint" : "disableHint")}`, fields: []}, async () => {
      await this.change(() => send("PATCH", path, {enabled}), {409: "lastAdmin"});
      toast(say("saved"));
    });
  }
}

const roles = () => ROLES.map((role) => [role, say(`role_${role}`)]);
const chosenPassword = () => field(say("password"), h("input", {name: "password", type: "password", ...PASSWORD_RULES}), say("randomHint"));
