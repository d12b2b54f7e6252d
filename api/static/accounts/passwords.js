// Passwords: a new one, shown once, and the change of one's own.

import {toast} from "../shared/announce.js";
import {send} from "../shared/api.js";
import {field, openDialog, openForm} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {Failed, login, person as me} from "../shared/session.js";
import {say} from "../words/words.js";
import {codeField} from "./second_factor.js";

/** What every field for a new password has; the server's own bounds. */
export const PASSWORD_RULES = {minlength: 8, maxlength: 1024, autocomplete: "new-password"};

export function showPassword(username, password, title = "passwordOf") {
  const copy = h("button", {type: "button", class: "secondary", "data-action": "copy", autofocus: true, onclick: async () => { await navigator.clipboard.writeText(password); toast(say("copied")); }}, say("copy"));
  openDialog(say(title, {name: username}), [
    h("p", {class: "muted"}, say(title === "passwordOf" ? "shownOnce" : "tokenOnce")), h("pre", {class: "made-password", tabindex: "0"}, password),
    h("div", {class: "form-buttons"}, navigator.clipboard ? copy : null)], {name: "made-password"});
}

/** Make oneself an account and log in with it; then `enter`. */
export function registerOneself(enter) {
  openForm(say("register"), {
    name: "register", button: say("register"),
    fields: [
      field(say("username"), h("input", {name: "username", required: true, maxlength: 64, autofocus: true, autocomplete: "username", autocapitalize: "none", spellcheck: "false"})),
      field(say("password"), h("input", {name: "password", type: "password", required: true, ...PASSWORD_RULES}), say("badPassword")),
    ],
  }, async ({username, password}) => {
    const answer = await fetch("/api/auth/register", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({username, password})});
    if (!answer.ok) throw new Failed(answer.status, say({409: "nameTaken", 429: "tooMany"}[answer.status] ?? "badAccount", {n: answer.headers.get("Retry-After")}));
    await login(username, password);
    await enter();
  });
}

/** Who was given a password chooses another before anything else; then `enter`, or `leave` if not. */
export function choosePassword(given, failed, enter, leave) {
  const closed = () => (me().must_change ? leave() : enter());
  changeOwnPassword((work) => work(), failed, {about: say("choosePassword"), given, closed});
}

/** Change one's own password; all logins end, and this tab logs in anew. `disconnected` does something without the connection. */
export function changeOwnPassword(disconnected, failed, {withCode = false, about = say("newPasswordHint"), given = "", closed} = {}) {
  const username = me().username;
  const secret = (name, label, rules) => field(label, h("input", {name, type: "password", required: true, ...rules}));
  openForm(say("changePassword"), {
    name: "own-password", button: say("save"), about, closed,
    fields: [secret("old", say("oldPassword"), {maxlength: 1024, autocomplete: "current-password", value: given, autofocus: !given}), secret("new", say("newPassword"), {...PASSWORD_RULES, autofocus: Boolean(given)}), secret("repeated", say("repeatPassword"), PASSWORD_RULES), withCode ? codeField() : null],
  }, async ({old, new: chosen, repeated, code}) => {
    if (chosen !== repeated) throw new Failed(0, say("notTheSame"));
    try {
      await disconnected(async () => { await send("POST", "/api/auth/password", {old, new: chosen}); await login(username, chosen, code); });
    } catch (error) {
      const words = {400: say("badPassword"), 403: say("wrongOld"), 429: say("tooMany", {n: error.wait})}[error.status];
      throw new Failed(error.status, words ?? failed(error));
    }
    toast(say("passwordChanged"));
  });
}
