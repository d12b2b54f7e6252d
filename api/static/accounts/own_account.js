// One's own account: the password, the second factor, and what else gets in.

import {ask} from "../shared/api.js";
import {openDialog} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {failure} from "../shared/states.js";
import {person as me} from "../shared/session.js";
import {say} from "../words/words.js";
import {OwnTokens, ownDevices, ownLogins} from "./own_access.js";
import {changeOwnPassword} from "./passwords.js";
import {SecondFactor} from "./second_factor.js";

/** Show what belongs to one's own account. `disconnected` does something without the connection. */
export function openOwnAccount(disconnected, failed) {
  const parts = [new SecondFactor(), ownLogins(), ownDevices(), new OwnTokens()];
  const place = h("div", {class: "own-account"});
  const password = h("button", {type: "button", class: "secondary", "data-action": "own-password", autofocus: true, onclick: async () => {
    const factor = await ask("/api/auth/second-factor").catch(() => ({}));
    changeOwnPassword(disconnected, failed, {withCode: factor.enabled});
  }}, say("changePassword"));
  openDialog(me().username, [h("p", {class: "muted"}, say(`role_${me().role}`)), password, place], {sheet: true, name: "own-account"});
  const show = async () => {
    try {
      await Promise.all(parts.map((part) => part.load()));
      parts.forEach((part) => part.draw());
      place.replaceChildren(...parts.map((part) => part.element));
    } catch (error) {
      const why = failed(error);
      if (why) place.replaceChildren(failure(why, show));
    }
  };
  show();
}
