// One command for many alarms, with one reason; and what became of it.

import {toast} from "../shared/announce.js";
import {askShelve, commandsFor, give, whatOf} from "./alarm_commands.js";
import {say} from "../words/words.js";

const AT_ONCE = 4;

/** Those of the alarms that the command fits. */
export const fitting = (alarms, name) => alarms.filter((alarm) => commandsFor(alarm).includes(name));

export async function commandMany(alarms, name) {
  const fits = fitting(alarms, name);
  if (!fits.length) return;
  if (name === "shelve") askShelve(say("alarmCount", {n: fits.length}), (values) => giveMany(fits, name, values));
  else await giveMany(fits, name, {});
}

async function giveMany(alarms, name, values) {
  const waiting = [...alarms], refused = [];
  let done = 0;
  const work = async () => {
    for (let alarm = waiting.shift(); alarm; alarm = waiting.shift()) {
      try {
        if (await give(alarm, name, values)) done++;
      } catch (error) {
        refused.push(`${whatOf(alarm)}: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({length: AT_ONCE}, work));
  if (done) toast(say(`many_${name}`, {n: done}));
  if (refused.length) toast(say("manyRefused", {n: refused.length, first: refused[0]}), "bad");
}
