// An account of a provider of OpenID Connect: the browser goes there, and comes back with a code.

import {refusal} from "../words/refusals.js";
import {say} from "../words/words.js";
import {send} from "./api.js";
import {openDialog} from "./dialog.js";
import {h} from "./dom.js";
import {asked, begin, Failed} from "./session.js";

const LEFT = "vigie.openid"; // what to go on with after coming back

/** Send the browser to the provider. Throws `Failed`. */
export async function go(name, stay) {
  const {address} = await asked("/api/auth/openid", {});
  sessionStorage.setItem(LEFT, JSON.stringify({name, stay, hash: location.hash}));
  location.assign(address);
}

/** What the provider says in the address, which is from then on the one that was left. */
export function cameBack() {
  const back = Object.fromEntries(new URLSearchParams(location.search));
  const {name = "", stay = false, hash = ""} = JSON.parse(sessionStorage.getItem(LEFT) ?? "{}");
  sessionStorage.removeItem(LEFT);
  history.replaceState(null, "", `/${hash}`);
  return {...back, name, stay};
}

/** Log in with what came back. Throws `Failed`. */
export async function finish(back) {
  begin(await asked("/api/auth/openid/login", answer(back)), back.stay);
}

/** Whoever is logged in comes by the provider from now on; says whether that is so. */
export async function connectAccount(back, failed) {
  let told = say("connected", {name: back.name});
  try {
    await send("POST", "/api/auth/openid/connect", answer(back));
  } catch (error) {
    told = failed(error);
  }
  if (told) openDialog(back.name, [h("p", {}, told)], {name: "openid"});
}

function answer({code, state = "", error, error_description: why}) {
  if (!code) throw new Failed(401, refusal(why ?? error ?? ""));
  return {code, state};
}
