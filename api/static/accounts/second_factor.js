// The second factor of one's own account: begun, confirmed by a code of the app, and removed.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {field, openDialog, openForm} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {Failed} from "../shared/session.js";
import {say} from "../words/words.js";

const PATH = "/api/auth/second-factor";

/** A field for a code. */
export const codeField = (autofocus = false) => field(say("code"), h("input", {name: "code", required: true, maxlength: 64, autofocus, autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false"}), say("codeHint"));

export class SecondFactor {
  constructor() {
    this.element = h("section", {class: "own-part", "data-part": "second-factor"});
  }

  async load() {
    this.state = await ask(PATH);
  }

  draw() {
    const {enabled, recovery_codes: left} = this.state;
    const button = (action, words, act) => h("button", {type: "button", class: "action", "data-action": action, onclick: act}, words);
    this.element.replaceChildren(
      h("h3", {}, say("secondFactor")),
      h("p", {class: "muted"}, enabled ? say("secondFactorOn", {n: left}) : say("secondFactorOff")),
      h("div", {class: "side"}, ...(enabled
        ? [button("new-codes", say("newCodes"), () => this.withPassword("newCodes", "/recovery-codes", (answer) => showCodes(answer.recovery_codes))), button("remove-factor", say("removeFactor"), () => this.withPassword("removeFactor", "/remove"))]
        : [button("begin-factor", say("beginFactor"), () => this.withPassword("beginFactor", "", (offer) => this.confirm(offer)))])));
  }

  /** Ask for the password, send it, and go on with the answer. */
  withPassword(title, path, then = () => toast(say("saved"))) {
    openForm(say(title), {name: "password-again", button: say("goOn"), fields: [field(say("oldPassword"), h("input", {name: "password", type: "password", required: true, maxlength: 1024, autofocus: true, autocomplete: "current-password"}))]}, async ({password}) => {
      const answer = await told(() => send("POST", `${PATH}${path}`, {password}), "wrongOld");
      await this.anew();
      then(answer);
    });
  }

  confirm({secret, address}) {
    const fields = [
      h("p", {}, h("a", {href: address}, say("openApp"))), h("pre", {class: "made-password", tabindex: "0"}, secret.match(/.{1,4}/g).join(" ")), codeField(true)];
    openForm(say("secondFactor"), {name: "confirm-factor", button: say("confirmFactor"), about: say("factorHint"), fields}, async ({code}) => {
      const {recovery_codes: codes} = await told(() => send("POST", `${PATH}/confirm`, {code}), "wrongCode");
      await this.anew();
      showCodes(codes);
    });
  }

  async anew() {
    await this.load();
    this.draw();
  }
}

async function told(work, refused) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failed && error.status === 403) throw new Failed(403, say(refused));
    throw error;
  }
}

function showCodes(codes) {
  openDialog(say("recoveryCodes"), [h("p", {class: "muted"}, say("recoveryHint")), h("pre", {class: "made-password", tabindex: "0", autofocus: true}, codes.join("\n"))], {name: "recovery-codes"});
}
