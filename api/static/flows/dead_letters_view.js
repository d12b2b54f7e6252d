// Dead letters: what could not be processed, why, and what it was.

import {ask} from "../shared/api.js";
import {select} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {emptyState, failure, skeleton} from "../shared/states.js";
import {number, say, when} from "../words/words.js";

const MOST = 100;

export class DeadLettersView {
  constructor({failed}) {
    this.failed = failed;
    this.reason = "";
    this.reasons = {};
    this.form = h("div", {class: "filters"});
    this.list = h("div", {class: "list"});
    this.section = h("section", {"aria-labelledby": "title"}, this.form, this.list);
  }

  enter(_, fresh) {
    if (fresh) this.load();
  }

  leave() {
    this.request?.abort();
  }

  async load() {
    this.request?.abort();
    const request = this.request = new AbortController();
    this.list.replaceChildren(skeleton(4, "lines"));
    const query = new URLSearchParams({limit: MOST});
    if (this.reason) query.set("reason", this.reason);
    try {
      const {letters, reasons} = await ask(`/api/dead-letters?${query}`, request.signal);
      if (!this.reason) this.reasons = reasons;
      this.letters = letters;
      this.draw();
    } catch (error) {
      const why = this.failed(error);
      if (why) this.list.replaceChildren(failure(why, () => this.load()));
    }
  }

  draw() {
    if (!this.letters) return;
    const options = [["", say("all")], ...Object.entries(this.reasons).map(([reason, n]) => [reason, `${spaced(reason)} (${n})`])];
    const choice = select({name: "reason", onchange: (event) => { this.reason = event.target.value; this.load(); }}, options, this.reason);
    this.form.replaceChildren(...(options.length > 2 ? [h("label", {class: "field"}, h("span", {}, say("letterReason")), choice)] : []));
    this.list.replaceChildren(...(this.letters.length ? this.letters.map((letter) => this.item(letter)) : [emptyState("check", say("noLetters"), say("noLettersHint"), "calm")]));
  }

  item(letter) {
    const body = h("div", {class: "letter-body"});
    const place = h("details", {class: "panel letter", "data-id": letter.id, ontoggle: () => { if (place.open) this.show(letter, body); }},
      h("summary", {}, h("b", {}, spaced(letter.reason)), h("span", {class: "pill"}, letter.flow), letter.times > 1 ? h("span", {class: "muted"}, `× ${letter.times}`) : null,
        h("time", {datetime: new Date(letter.set_aside * 1000).toISOString()}, when(letter.set_aside)), h("span", {class: "muted letter-detail"}, letter.detail)), body);
    return place;
  }

  async show(letter, body) {
    if (body.childElementCount) return;
    const rows = [[say("letterOrigin"), letter.origin], [say("letterStep"), letter.step], [say("letterReason"), letter.detail]];
    body.append(h("dl", {class: "pairs"}, ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
    try {
      const whole = await ask(`/api/dead-letters/${encodeURIComponent(letter.flow)}/${encodeURIComponent(letter.id)}`, this.request.signal);
      body.append(h("p", {class: "muted"}, `${say("letterPayload")} · ${number(letter.bytes)} B${whole.cut ? ` · ${say("letterCut")}` : ""}`), h("pre", {tabindex: "0"}, whole.text ?? whole.base64));
    } catch (error) {
      const why = this.failed(error);
      if (why) body.append(h("p", {class: "form-error", role: "alert"}, say("failed", {why})));
    }
  }

  relabel() {
    if (!this.section.hidden) this.draw();
  }
}

const spaced = (word) => { const words = word.replaceAll("_", " "); return words.charAt(0).toUpperCase() + words.slice(1); };
