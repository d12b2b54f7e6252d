// The form that adds a panel to a dashboard.

import {PRIORITIES} from "../alarms/urgency.js";
import {byRank} from "../readings/card.js";
import {ask} from "../shared/api.js";
import {areaOf} from "../shared/areas.js";
import {field, openForm, select} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {metricName, priorityName, say, subjectName} from "../words/words.js";

const OFFERED = 50;
const RANGES = [3600, 86400, 604800];

/** Ask for a panel; `add` gets it. */
export async function openPanelForm({readings}, add) {
  const {cameras} = await ask("/api/cameras").catch(() => ({cameras: []}));
  const subjects = [...readings.subjects.keys()].sort();
  const areas = [...new Set([...readings.subjects.values()].flatMap((signals) => [...signals.values()].map(({entry}) => areaOf(entry))))].filter(Boolean).sort();
  const offers = h("datalist", {id: "panel-subjects"});
  const subject = h("input", {name: "subject", list: "panel-subjects", required: true, autocomplete: "off", spellcheck: "false", maxlength: 200, oninput: () => offer()});
  const metric = select({name: "metric", required: true}, []), found = () => subjects.includes(subject.value) ? subject.value : subjects.find((one) => subjectName(one).toLowerCase() === subject.value.trim().toLowerCase());
  const offer = () => {
    const sought = subject.value.toLowerCase(), fits = subjects.filter((one) => one.toLowerCase().includes(sought) || subjectName(one).toLowerCase().includes(sought));
    offers.replaceChildren(...fits.slice(0, OFFERED).map((one) => h("option", {value: one}, subjectName(one))));
    metric.replaceChildren(...[...readings.subjects.get(found())?.values() ?? []].sort(byRank).map((signal) => h("option", {value: signal.metric}, metricName(signal.metric))));
  };
  const parts = {
    subject: h("div", {}, field(say("panelSubject"), subject, say("panelSubjectHint")), offers),
    metric: field(say("panelMetric"), metric),
    range: field(say("range"), select({name: "range"}, RANGES.map((range) => [range, say(`over_${range}`)]), 86400)),
    camera: field(say("panelCamera"), select({name: "camera", required: true}, cameras.map(({name}) => [name, subjectName(name)]))),
    area: field(say("panelArea"), select({name: "area"}, [["", say("all")], ...areas.map((area) => [area, subjectName(area)])])),
    priority: field(say("panelPriority"), select({name: "priority"}, [...PRIORITIES].reverse().map((name) => [name, priorityName(name)]), "low")),
  };
  const fields = {card: ["subject"], chart: ["subject", "metric", "range"], camera: ["camera"], alarms: ["area", "priority"]};
  const kinds = Object.keys(fields).filter((kind) => kind !== "camera" || cameras.length).map((kind) => [kind, say(`panel_${kind}`)]);
  const kind = select({name: "kind", autofocus: true, onchange: () => choose()}, kinds);
  const choose = () => {
    for (const [name, part] of Object.entries(parts)) {
      part.hidden = !fields[kind.value].includes(name);
      for (const input of part.querySelectorAll("input, select")) input.disabled = part.hidden;
    }
  };
  offer();
  choose();
  openForm(say("addPanel"), {name: "panel", button: say("add"), fields: [field(say("panelKind"), kind), ...Object.values(parts)]}, async (values) => {
    if (values.subject !== undefined) {
      values.subject = found();
      if (!values.subject) throw new Error(say("noMatch"));
    }
    if (values.range) values.range = Number(values.range);
    add({...values, width: values.kind === "chart" ? 2 : 1});
  });
}
