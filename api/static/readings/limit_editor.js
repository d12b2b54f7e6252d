// The limits and spans of one alarm, changed below the chart of its signal: what the past would have been with them, then the deploy.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {field, select} from "../shared/dialog.js";
import {h, text} from "../shared/dom.js";
import {refusal} from "../words/refusals.js";
import {alarmName, limitName, say, span, subjectName, when} from "../words/words.js";

const PERIODS = [604800, 86400, 3600];
const LISTED = 12;
const isBound = (place) => !/(^|\.)(for|clear_for|silent|seen|escalate_after|deescalate_after)$/.test(place);

export class LimitEditor {
  /** `proposed(limits)` draws what is typed, `failed` says why the server refused, `gone` is called at the end. */
  constructor(rule, {proposed, failed, gone}) {
    const [flow, alarm] = rule.split("/");
    Object.assign(this, {flow, alarm, proposed, failed, gone, path: [flow, "limits", alarm].map(encodeURIComponent).join("/")});
    this.title = h("h3", {tabindex: "-1", id: "limits-title"}, say("limitsOf", {alarm: alarmName(alarm)}));
    this.fields = h("div", {class: "limit-fields"});
    this.error = h("div", {class: "form-error", role: "alert"});
    this.result = h("div", {class: "limit-result", role: "status"});
    this.over = select({name: "over", onchange: () => this.changed()}, PERIODS.map((seconds) => [seconds, say(`over_${seconds}`)]), PERIODS[0]);
    this.compare = h("button", {class: "secondary", "data-action": "compare", disabled: true}, say("limitsCompare"));
    this.deploy = h("button", {type: "button", class: "primary", "data-action": "deploy", disabled: true, onclick: () => this.bring()}, say("limitsDeploy"));
    this.form = h("form", {class: "form", method: "dialog"}, this.fields, this.error, this.result,
      h("div", {class: "form-buttons"}, h("label", {class: "field over"}, h("span", {}, say("limitsOver")), this.over), h("button", {type: "button", class: "secondary", onclick: () => this.close()}, say("cancel")), this.compare, this.deploy));
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.plan(); });
    this.form.addEventListener("input", () => this.changed());
    this.element = h("section", {class: "limit-editor", "aria-labelledby": "limits-title"}, this.title, this.form);
    this.element.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); this.close(); } });
  }

  /** Ask what can be changed; the focus goes to the first field. */
  async load() {
    this.planned = null;
    this.fields.replaceChildren(h("p", {class: "muted"}, say("loading")));
    this.title.focus({preventScroll: true});
    try {
      const {limits, version} = await ask(`/api/flows/${this.path}`);
      Object.assign(this, {limits, version});
      this.fields.replaceChildren(...limits.map((limit) => this.input(limit)));
      text(this.error, "");
      this.fields.querySelector("input").focus();
    } catch (error) {
      this.fields.replaceChildren();
      this.refused(error);
    }
  }

  input({place, value, unit}) {
    const input = h("input", {name: place, value, autocomplete: "off", inputmode: unit === null ? null : "decimal", placeholder: unit === null ? "2min" : null, maxlength: 40});
    return field(`${limitName(place)}${unit ? ` (${unit})` : ""}`, input, unit === null ? say("limitSpan") : null);
  }

  /** What was typed and differs, by place. A comma is the point of French numbers. */
  values() {
    const values = {};
    for (const {place, value, unit} of this.limits ?? []) {
      const typed = this.form.elements[place].value.trim(), wanted = unit === null ? typed.replaceAll(" ", "") : typed.replace(",", ".").replace("−", "-");
      if (wanted !== value && wanted) values[place] = wanted;
    }
    return values;
  }

  changed() {
    const values = this.values();
    this.planned = null;
    this.compare.disabled = !Object.keys(values).length;
    this.deploy.disabled = true;
    this.result.replaceChildren();
    text(this.error, "");
    this.proposed((this.limits ?? []).filter(({place}) => isBound(place) && Number.isFinite(Number(values[place] ?? NaN)))
      .map(({place, unit}) => ({limit: Number(values[place]), unit, label: say("limitProposed", {what: limitName(place), value: values[place], unit}).trim()})));
  }

  async plan() {
    const values = this.values(), over = Number(this.over.value);
    if (!Object.keys(values).length) return;
    text(this.error, "");
    text(this.result, say("limitsComparing"));
    this.compare.disabled = true;
    try {
      const planned = await send("POST", `/api/flows/${this.path}`, {values, over});
      if (JSON.stringify(values) !== JSON.stringify(this.values()) || over !== Number(this.over.value)) return; // somebody went on typing
      this.planned = planned;
      this.result.replaceChildren(...this.shown(planned, over));
      this.deploy.disabled = false;
    } catch (error) {
      this.result.replaceChildren();
      this.refused(error);
    } finally {
      this.compare.disabled = !Object.keys(this.values()).length;
    }
  }

  shown({before, after, differs, more, unknown}, over) {
    if (unknown !== null) return [h("p", {"data-result": "unknown"}, h("b", {}, say("limitsUnknown"))), h("p", {class: "muted"}, refusal(unknown)), h("p", {}, say("limitsAllTheSame"))];
    const head = h("p", {"data-result": "compared"}, h("b", {}, say("limitsFigures", {period: say(`over_${over}`), before, after})));
    if (!differs.length) return [head, h("p", {class: "muted"}, say("limitsSame"))];
    const kinds = [["gone", (one) => !one.after], ["more", (one) => !one.before], ["moved", (one) => one.before && one.after]];
    return [head, ...kinds.flatMap(([kind, fits]) => this.group(kind, differs.filter(fits))), more ? h("p", {class: "muted"}, say("limitsMore", {n: more})) : null].filter(Boolean);
  }

  group(kind, ones) {
    if (!ones.length) return [];
    const items = ones.slice(-LISTED).reverse().map(({alarm, subject, before, after}) => h("li", {},
      h("b", {}, subjectName(subject)), alarm === this.alarm ? "" : ` (${alarmName(alarm)})`, ` ${[before, after].filter(Boolean).map(spell).join(" → ")}`));
    return [h("h4", {}, `${say(`limits_${kind}`)} (${ones.length})`), h("ul", {class: "limit-differs", "data-kind": kind}, ...items)];
  }

  async bring() {
    this.deploy.disabled = true;
    text(this.result, say("limitsDeploying"));
    try {
      await send("PUT", `/api/flows/${encodeURIComponent(this.flow)}`, {text: this.planned.text}, {"If-Match": `"${this.planned.version}"`});
      toast(say("limitsDeployed", {flow: this.flow}));
      this.close();
    } catch (error) {
      this.result.replaceChildren(...this.shown(this.planned, Number(this.over.value)));
      this.deploy.disabled = error.status === 409;
      this.refused(error);
    }
  }

  /** Why not; after another's deploy the limits are asked for again, and where no supervisor is, the line to write is shown. */
  refused(error) {
    const why = this.failed(error);
    if (!why) return;
    const shown = why.includes("\n") ? [h("p", {}, say("limitsRefused")), h("pre", {tabindex: "0"}, why)] : [h("p", {}, why)];
    if (error.status === 409) shown.push(h("button", {type: "button", class: "secondary", onclick: () => this.load()}, say("limitsAgain")));
    if (error.status === 503) shown.push(h("p", {class: "muted"}, say("limitsLine")), h("pre", {tabindex: "0"}, `vigie deploy ${this.flow}.yaml`));
    this.error.replaceChildren(...shown);
  }

  close() {
    this.element.remove();
    this.proposed([]);
    this.gone();
  }
}

const spell = ({raised, cleared}) => `${when(raised)}, ${cleared === null ? say("limitsStill") : span(cleared - raised)}`;
