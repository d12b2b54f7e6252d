// One's own account: the password, the second factor, and what else gets in.

import {ask} from "../shared/api.js";
import {openDialog} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {go} from "../shared/openid.js";
import {failure} from "../shared/states.js";
import {person as me} from "../shared/session.js";
import {say} from "../words/words.js";
import {OwnTokens, ownDevices, ownLogins} from "./own_access.js";
import {OwnNotifications} from "./notifications.js";
import {changeOwnPassword} from "./passwords.js";
import {SecondFactor} from "./second_factor.js";

/** Show what belongs to one's own account. `disconnected` does something without the connection. */
export function openOwnAccount(disconnected, failed) {
  const parts = [new SecondFactor(), ownLogins(), ownDevices(), new OwnNotifications(), new OwnTokens()];
  const place = h("div", {class: "own-account"});
  const password = h("button", {type: "button", class: "secondary", "data-action": "own-password", autofocus: true, onclick: async () => {
    const factor = await ask("/api/auth/second-factor").catch(() => ({}));
    changeOwnPassword(disconnected, failed, {withCode: factor.enabled});
  }}, say("changePassword"));
  const connect = h("button", {type: "button", class: "secondary", "data-action": "connect-openid", hidden: true});
  offerConnection(connect, failed, place);
  openDialog(me().username, [h("p", {class: "muted"}, say(`role_${me().role}`)), h("div", {class: "form-buttons"}, password, connect), place], {sheet: true, name: "own-account"});
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

/** Where the site has a provider, the account can be one that a login there gets. */
async function offerConnection(button, failed, place) {
  const {openid} = await ask("/api/auth").catch(() => ({}));
  if (!openid) return;
  button.replaceChildren(say("connectWith", {name: openid}));
  button.hidden = false;
  button.onclick = () => go(openid, false).catch((error) => place.prepend(failure(failed(error))));
}
