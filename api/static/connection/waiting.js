// What somebody presses while the server is away waits for it, and says so at once.

import {toast} from "../shared/announce.js";
import {say} from "../words/words.js";
import {connection} from "./connection.js";

const SLOW = 2000; // milliseconds after which somebody is told that an action waits

/** Do something once the server is there; null if the page was left before. `action` and `what` name it. */
export async function onceLive(action, what, act) {
  const waits = () => toast(say("actionWaits", {action, alarm: what}), "bad");
  if (connection.state === "lost") { waits(); if (!await connection.live()) return null; }
  const slow = setTimeout(waits, SLOW);
  try {
    return await act();
  } finally {
    clearTimeout(slow);
  }
}
