// Asks from when until when a history is to be shown.

import {field, openForm} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {say} from "../words/words.js";

/** Seconds as a field of the browser's own has them: its local time. */
const local = (time) => { const date = new Date(time * 1000); return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16); };

/** Ask for a period, beginning with the one that is shown; `show` gets its start and end in seconds. */
export function askPeriod([start, end], show) {
  const input = (name, time) => h("input", {type: "datetime-local", name, value: local(time), required: true, autofocus: name === "from"});
  openForm(say("ownPeriod"), {name: "period", button: say("showPeriod"), fields: [field(say("periodFrom"), input("from", start)), field(say("periodTo"), input("to", end))]}, ({from, to}) => {
    const period = [from, to].map((time) => new Date(time) / 1000);
    if (!(period[0] < period[1])) throw new Error(say("periodTurned"));
    show(period);
  });
}
