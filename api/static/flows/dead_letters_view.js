// Dead letters: what could not be processed, why, and what it was.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {select} from "../shared/dialog.js";
import {h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {Failed} from "../shared/session.js";
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
        letter.open ? null : h("span", {class: "pill", "data-sent": ""}, say("letterSent", {t: when(letter.replayed)})),
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
      if (letter.open) body.append(this.again(letter));
    } catch (error) {
      const why = this.failed(error);
      if (why) body.append(h("p", {class: "form-error", role: "alert"}, say("failed", {why})));
    }
  }

  /** A button that sends a letter again; where no supervisor runs, the line to write. */
  again(letter) {
    const line = `vigie dead-letters replay ${letter.flow}.yaml '${letter.id}'`;
    const why = h("p", {class: "form-error", role: "alert"}), place = h("div", {class: "letter-again"});
    const button = h("button", {type: "button", class: "action", "data-action": "again", "aria-label": `${say("letterAgain")}: ${spaced(letter.reason)}, ${letter.flow}`, onclick: () => this.sendAgain(letter, button, why, place, line)}, icon("reset"), h("span", {}, say("letterAgain")));
    place.append(button, why);
    return place;
  }

  async sendAgain(letter, button, why, place, line) {
    button.disabled = true;
    why.textContent = "";
    try {
      const {sent, kept} = await send("POST", `/api/flows/${encodeURIComponent(letter.flow)}/dead-letters/replay`, {letters: [{id: letter.id, step: letter.step}]});
      if (!sent) throw new Failed(422, kept[letter.id] ?? say("letterGone"));
      toast(say("letterDone", {flow: letter.flow}));
      await this.load();
    } catch (error) {
      const words = this.failed(error);
      why.textContent = words ? say("letterKept", {why: words}) : "";
      if (!place.querySelector("pre")) place.append(h("p", {class: "muted"}, say("letterLine")), h("pre", {tabindex: "0"}, line));
    } finally {
      button.disabled = false;
    }
  }

  relabel() {
    if (!this.section.hidden) this.draw();
  }
}

const spaced = (word) => { const words = word.replaceAll("_", " "); return words.charAt(0).toUpperCase() + words.slice(1); };
