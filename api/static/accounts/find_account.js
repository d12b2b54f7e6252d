// Find another account by its name.

import {ask} from "../shared/api.js";
import {field} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {Failed} from "../shared/session.js";
import {say} from "../words/words.js";

/** The account of a name; the error is for the person who typed it. */
export async function findAccount(name) {
  try {
    return await ask(`/api/users/named/${encodeURIComponent(name.trim())}`);
  } catch (error) {
    if (error.status === 404) throw new Failed(404, say("nobody", {name}));
    throw error;
  }
}

/** A field for a name. */
export function accountField(autofocus = false) {
  const input = h("input", {name: "person", required: true, maxlength: 64, autocomplete: "off", autocapitalize: "none", spellcheck: "false", autofocus});
  return {input, element: field(say("user"), input, say("personHint"))};
}
