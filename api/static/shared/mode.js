// The mode of the site, such as surveillance or active, and who may change it.

import {onceLive} from "../connection/waiting.js";
import {toast} from "./announce.js";
import {ask, send} from "./api.js";
import {get, h} from "./dom.js";
import {may} from "./session.js";
import {age, say} from "../words/words.js";

/** What a mode is called in the person's language. */
export const modeWord = (mode) => { const known = say(`mode_${mode}`); return known.startsWith("mode_") ? mode : known; };

export class Mode {
  async load() {
    try {
      this.view = await ask("/api/mode");
    } catch (error) {
      if (error.status !== 404) throw error;
      this.view = null;
    }
    this.show();
  }

  clear() {
    this.view = null;
    this.show();
  }

  take({mode, by, time}) {
    if (!this.view || !this.view.modes.includes(mode)) return;
    Object.assign(this.view, {mode, by, since: time});
    this.show();
  }

  show() {
    const place = get("mode"), view = this.view;
    place.hidden = !view;
    if (!view) return;
    place.title = view.since ? say("modeBy", {t: age(view.since), who: view.by}) : "";
    const focused = place.contains(document.activeElement);
    place.replaceChildren(...view.modes.map((mode) => h("button", {type: "button", "data-mode": mode, "aria-pressed": String(mode === view.mode), disabled: !may("operator"), onclick: () => this.choose(mode)}, modeWord(mode))));
    if (focused) place.querySelector("[aria-pressed=true]").focus();
  }

  async choose(mode) {
    if (mode === this.view.mode) return;
    try {
      const view = await onceLive(say("mode"), modeWord(mode), () => send("PUT", "/api/mode", {mode}));
      if (!view) return;
      this.view = view;
      toast(say("modeSet", {mode: modeWord(mode)}));
    } catch (error) {
      toast(error.message || say("serverGone"), "bad");
    }
    this.show();
  }
}
