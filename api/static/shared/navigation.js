// Which view is shown: the address says it (`#/alarms`), the links change the address.

import {closeDialogs} from "./dialog.js";
import {get, h, text} from "./dom.js";
import {icon} from "./icons.js";
import {connection} from "../connection/connection.js";
import {here, scrollBack} from "./place.js";
import {may} from "./session.js";
import {failure} from "./states.js";
import {applyWords, say} from "../words/words.js";

const FIRST = "overview";
const NEEDS = {letters: "operator", accounts: "admin"}; // the least role that a view is for
const ON_PHONES = ["overview", "alarms", "cameras", "events"]; // the others are behind "more"

/** Views, or what loads one when it is opened first. They have `section`, `enter(rest, fresh, query)`, `leave()`, `relabel()`, `receive(message)` and `resume()`; all but the first are optional. */
export class Navigation {
  constructor(views) {
    this.loaders = views;
    this.views = {};
    this.gone = h("div", {hidden: true});
    get("view").append(this.gone);
    this.current = null;
    this.running = false;
    this.badges = new Map();
    addEventListener("hashchange", () => this.follow());
    connection.addEventListener("change", () => this.label());
    document.addEventListener("keydown", (event) => this.key(event));
    for (const [name, view] of Object.entries(views)) if (typeof view !== "function") this.hold(name, view);
  }

  hold(name, view) {
    this.views[name] = view;
    view.section.dataset.view = name;
    view.section.hidden = true;
    if (!view.section.isConnected) get("view").append(view.section);
  }

  async load(name, focus) {
    try {
      const view = await this.loaders[name]();
      if (!this.views[name]) this.hold(name, view);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.gone.replaceChildren(failure(say("serverGone"), () => location.reload()));
      this.gone.hidden = this.current !== name;
      return;
    }
    if (this.current === name) this.follow(focus);
  }

  /** Show what the address names. */
  start() {
    this.running = true;
    this.drawLinks();
    this.follow(false);
  }

  stop() {
    this.running = false;
    this.shownView = null;
    this.hide();
    this.current = null;
  }

  hide() {
    const view = this.views[this.current];
    if (view && !view.section.hidden) { view.leave?.(); view.section.hidden = true; }
    this.gone.hidden = true;
  }

  go(hash) {
    if (location.hash === hash) this.follow();
    else location.hash = hash;
  }

  names() {
    return Object.keys(this.loaders).filter((name) => may(NEEDS[name] ?? "viewer"));
  }

  follow(focus = true) {
    if (!this.running) return;
    const {view: wanted, rest, query} = here();
    const name = this.names().includes(wanted) ? wanted : FIRST;
    if (name !== this.current) {
      if (this.current) closeDialogs(); // Back led elsewhere: what asks about one view does not stay over another
      this.hide();
      this.current = name;
      document.body.dataset.shown = name;
      this.label();
    }
    const moves = name !== this.shownView;
    const view = this.views[name];
    if (!view) { this.load(name, focus); return; }
    const fresh = view.section.hidden;
    view.section.hidden = false;
    this.shownView = name;
    if (moves) scrollTo(0, 0);
    view.enter?.(rest, fresh, query);
    if (moves) scrollBack();
    if (fresh && focus && !document.querySelector("dialog[open]")) get("title").focus({preventScroll: true});
    this.closeMore();
  }

  receive(message) {
    for (const view of Object.values(this.views)) view.receive?.(message);
  }

  resume() {
    this.views[this.current]?.resume?.();
  }

  relabel() {
    this.drawLinks();
    this.label();
    for (const view of Object.values(this.views)) view.relabel?.();
    applyWords();
  }

  label() {
    if (!this.current) return;
    text(get("title"), say(this.current));
    for (const link of get("links").querySelectorAll("a")) {
      if (link.dataset.to === this.current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    get("links").querySelector(".more")?.classList.toggle("holds", !ON_PHONES.includes(this.current));
    const unseen = this.badges.get("alarms");
    document.title = (connection.state === "lost" || connection.blind ? `⚠ ${say(connection.blind ? "blindShort" : "lostShort")} · ` : "") + (unseen ? `(${unseen}) ` : "") + (this.current === FIRST ? "Vigie" : `${say(this.current)} · Vigie`);
  }

  drawLinks() {
    const links = this.names().map((name) => {
      const link = h("a", {href: `#/${name}`, "data-to": name}, icon(name), h("span", {}, say(name)), h("b", {class: "badge", hidden: true}));
      return h("li", {class: ON_PHONES.includes(name) ? "" : "rest"}, link);
    });
    const more = h("li", {class: "more"}, h("button", {type: "button", "aria-expanded": "false", onclick: () => this.toggleMore()}, icon("more"), h("span", {}, say("more"))));
    get("links").replaceChildren(...links, more);
    for (const [name, n] of this.badges) this.badge(name, n);
    this.label();
  }

  badge(name, n) {
    this.badges.set(name, n);
    const place = get("links").querySelector(`[data-to="${name}"] .badge`);
    if (!place) return;
    place.hidden = !n;
    place.replaceChildren(n > 99 ? "99+" : String(n), h("span", {class: "hidden"}, ` ${say("toAcknowledge")}`));
    this.label();
  }

  toggleMore() {
    const open = get("nav").classList.toggle("opened");
    get("links").querySelector(".more button").setAttribute("aria-expanded", String(open));
    if (open) get("links").querySelector(".rest a")?.focus();
  }

  closeMore() {
    if (get("nav").classList.contains("opened")) this.toggleMore();
  }

  key(event) {
    if (!this.running || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && get("nav").classList.contains("opened")) { this.closeMore(); get("links").querySelector(".more button").focus(); return; }
    if (event.target.closest("input, textarea, select")) return;
    const number = Number(event.key);
    if (event.key === "/") { event.preventDefault(); this.go("#/overview"); setTimeout(() => get("search").focus()); }
    else if (number >= 1 && number <= this.names().length) this.go(`#/${this.names()[number - 1]}`);
  }
}
