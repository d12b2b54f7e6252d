// One alarm of a page, and the form to write one.

import {onceLive} from "../connection/waiting.js";
import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {field, openDialog, openForm, select} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {number, say, subjectName, when} from "../words/words.js";

const CONDITION = /^\s*(above|below|crosses)\s*(-?[\d.]+(?:e-?\d+)?)?\s*$/i;

/** Word and level of a condition, and what else its option says; null where it is written in another way. */
function readCondition({condition, option}) {
  const found = CONDITION.exec(condition), level = found?.[2] ?? option;
  return found && level !== "" && Number.isFinite(Number(level)) ? {word: found[1].toLowerCase(), level: String(Number(level)), option: found[2] === undefined ? "" : option} : null;
}

/** "mains above 6,500", also where the level stands in the option. */
export function ruleWords(rule) {
  const read = readCondition(rule);
  return read ? [`${say(read.word)} ${number(Number(read.level), 6)}`, read.option].filter(Boolean).join(" · ") : [rule.condition, rule.option].filter(Boolean).join(" · ");
}

export class RuleRow {
  constructor(rule, page, {changed, gone, failed}) {
    const path = `/api/rules/${rule.id}`;
    const attempt = async (work) => { try { await work(); } catch (error) { const why = failed(error); if (why) toast(why, "bad"); } };
    const name = subjectName(rule.ticker);
    const button = (action, picture, words, act, extra = "") => h("button", {type: "button", class: `round ${extra}`, "data-action": action, title: words, "aria-label": `${words}: ${name}`, onclick: act}, icon(picture));
    const armed = h("button", {type: "button", role: "switch", class: "switch", "data-action": "active", "aria-checked": String(rule.active), disabled: !page.can_edit, "aria-label": `${say("active")}: ${name}`,
      onclick: () => attempt(async () => { const other = await onceLive(say("active"), name, () => send("PATCH", path, {active: !rule.active})); if (other) changed(other); })});
    const last = rule.last_triggered ? say("lastTriggered", {t: when(Date.parse(rule.last_triggered) / 1000)}) : say("neverTriggered");
    this.element = h("li", {class: rule.hit ? "rule hit" : "rule", "data-rule": rule.id, "data-active": rule.active ? "yes" : "no"},
      armed,
      h("p", {class: "rule-words"}, h("b", {}, name), " ", ruleWords(rule), h("br", {}), h("small", {class: "muted"}, last)),
      h("div", {class: "side"},
        button("history", "history", say("triggers"), () => showTriggers(rule, failed)),
        page.can_edit ? button("edit", "edit", say("editAlarm"), () => ruleForm(rule, async (values) => changed(await send("PATCH", path, values)))) : null,
        page.can_edit ? button("delete-rule", "trash", say("deleteAlarm"), () => openForm(say("deleteAlarm"), {name: "sure", button: say("delete"), danger: true, about: `${name} ${ruleWords(rule)}`, fields: []},
          async () => { await send("DELETE", path); toast(say("deleted")); gone(rule); })) : null));
  }
}

/** Write an alarm, or change `rule`: what is not changed is not sent, and a condition of other words stays as it was written. */
export function ruleForm(rule, save) {
  const read = rule ? readCondition(rule) : {word: "above", level: "", option: ""};
  const words = {maxlength: 200, autocomplete: "off", spellcheck: "false"};
  openForm(say(rule ? "editAlarm" : "newAlarm_"), {
    name: "rule", button: say("save"),
    fields: [
      field(say("ticker"), h("input", {name: "ticker", required: true, autofocus: true, ...words, value: rule?.ticker ?? ""}), say("tickerHint")),
      field(say("condition"), read ? select({name: "word"}, ["above", "below", "crosses"].map((word) => [word, say(word)]), read.word) : h("input", {name: "condition", required: true, ...words, value: rule.condition})),
      field(say("option"), read ? h("input", {name: "level", type: "number", step: "any", required: true, value: read.level, inputmode: "decimal"}) : h("input", {name: "option", ...words, value: rule.option})),
    ],
  }, async ({word, level, ...values}) => {
    if (read && !(rule && word === read.word && level === read.level)) Object.assign(values, {condition: `${word} ${level}`, option: read.option});
    await save(values);
    toast(say("saved"));
  });
}

async function showTriggers(rule, failed) {
  const place = h("div", {class: "past"}, h("p", {class: "muted"}, say("loading")));
  openDialog(`${subjectName(rule.ticker)} ${ruleWords(rule)}`, [place], {name: "triggers"});
  try {
    const triggers = await ask(`/api/rules/${rule.id}/history`);
    const items = triggers.map(({at, price, by}) => h("li", {"data-event": "activated"}, h("span", {class: "past-dot", "aria-hidden": "true"}),
      h("p", {}, h("b", {}, when(Date.parse(at) / 1000)), price === null ? "" : ` · ${say("price")} ${number(price, 6)}`, h("span", {class: "muted"}, ` · ${by.replace("user/", "")}`))));
    place.replaceChildren(h("h3", {}, say("triggers")), items.length ? h("ol", {class: "past-list"}, ...items) : h("p", {class: "muted"}, say("neverYet")));
  } catch (error) {
    place.replaceChildren(h("p", {class: "form-error", role: "alert"}, say("failed", {why: failed(error)})));
  }
}
