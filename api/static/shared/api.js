// Asks the server. A token that has ended is renewed once on the way.

import {refusal} from "../words/refusals.js";
import {Failed, renew, token, Unauthorized} from "./session.js";

export const ask = (path, signal) => call("GET", path, undefined, signal);
export const send = (method, path, body, more) => call(method, path, body, undefined, more);

export const askForBlob = async (path) => (await good("GET", path)).blob();
export const sendForBlob = async (method, path, body) => (await good(method, path, body)).blob();

async function call(method, path, body, signal, more) {
  const answer = await good(method, path, body, signal, more);
  return answer.status === 204 ? null : answer.json();
}

async function good(method, path, body, signal, more) {
  const answer = await request(method, path, body, signal, more);
  if (!answer.ok) throw new Failed(answer.status, refusal(await reason(answer)), Number(answer.headers.get("Retry-After") ?? 0));
  return answer;
}

async function request(...asked) {
  const shown = token();
  let answer = await once(...asked);
  if (answer.status === 401 && await renew(shown)) answer = await once(...asked);
  if (answer.status === 401) throw new Unauthorized();
  return answer;
}

/** `more` are headers. */
function once(method, path, body, signal, more) {
  const headers = {Authorization: `Bearer ${token()}`, ...more};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, {method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body)});
}

async function reason(answer) {
  const body = await answer.json().catch(() => ({}));
  return body.error ?? String(answer.status);
}
