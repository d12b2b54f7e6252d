// The panels of one dashboard in a grid, and how they are moved: with the pointer, or with the arrow keys.

import {announce} from "../shared/announce.js";
import {h} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {Packing} from "../shared/packing.js";
import {say} from "../words/words.js";
import {makePanel, panelName} from "./panels.js";

export const WIDEST = 3;
const STEPS = {ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1};

export class DashboardBoard {
  /** `changed()` is called when somebody moved, sized or removed a panel. */
  constructor(context, changed) {
    this.context = context;
    this.changed = changed;
    this.list = h("ul", {class: "board", tabindex: "-1"});
    this.packing = new Packing(this.list);
    this.shown = new Map();
  }

  get panels() { return [...this.shown.values()].map(({panel}) => panel); }
  get channels() { return this.panels.flatMap((panel) => panel.channels); }

  /** Show what `wanted` lists, in its order; a panel that was there stays as it is. `editing`: with its tools. */
  show(wanted, editing) {
    this.wanted = wanted;
    this.editing = editing;
    const before = this.shown;
    this.shown = new Map();
    for (const said of wanted) {
      const known = before.get(said);
      before.delete(said);
      const item = known ?? this.item(said);
      item.element.dataset.width = said.width;
      if (Boolean(item.tools.childElementCount) !== editing) item.tools.replaceChildren(...(editing ? this.tools(said) : []));
      this.shown.set(said, item);
    }
    for (const {panel, element} of before.values()) { panel.close(); element.remove(); }
    let place = this.list.firstElementChild;
    for (const {element} of this.shown.values()) {
      if (element === place) place = place.nextElementSibling;
      else this.list.insertBefore(element, place);
    }
    this.packing.follow();
  }

  item(said) {
    const panel = makePanel(said, this.context), tools = h("div", {class: "board-tools"});
    const element = h("li", {class: "panel board-panel", "data-kind": said.kind}, tools, panel.element);
    panel.load();
    return {panel, tools, element};
  }

  tools(said) {
    const name = panelName(said);
    const button = (action, picture, words, act) => h("button", {type: "button", class: "round", "data-action": action, title: say(words), "aria-label": say(`${words}Of`, {name}), onclick: act}, icon(picture));
    const handle = button("move", "move", "panelMove", () => null);
    handle.addEventListener("keydown", (event) => this.key(event, said));
    handle.addEventListener("pointerdown", (event) => this.grab(event, said, handle));
    return [handle,
      button("narrower", "minus", "panelNarrower", () => this.size(said, -1)), button("wider", "plus", "panelWider", () => this.size(said, 1)),
      button("remove", "trash", "panelRemove", () => this.remove(said))];
  }

  size(said, by) {
    said.width = Math.min(WIDEST, Math.max(1, said.width + by));
    this.change(say("panelWidth", {n: said.width, most: WIDEST}));
  }

  remove(said) {
    const place = this.wanted.indexOf(said);
    this.wanted.splice(place, 1);
    this.change(say("panelGone", {name: panelName(said)}));
    const next = this.shown.get(this.wanted[Math.min(place, this.wanted.length - 1)]);
    (next?.tools.querySelector("[data-action=remove]") ?? this.list).focus();
  }

  key(event, said) {
    const step = STEPS[event.key], from = this.wanted.indexOf(said);
    if (event.key === "Delete") { event.preventDefault(); this.remove(said); return; }
    if (!step) return;
    event.preventDefault();
    this.move(said, Math.min(this.wanted.length - 1, Math.max(0, from + step)));
    this.shown.get(said).tools.querySelector("[data-action=move]").focus();
  }

  move(said, to) {
    const from = this.wanted.indexOf(said);
    if (to === from) return;
    this.wanted.splice(from, 1);
    this.wanted.splice(to, 0, said);
    this.change(say("panelAt", {n: to + 1, of: this.wanted.length}));
  }

  change(words) {
    this.show(this.wanted, this.editing);
    announce(words);
    this.changed();
  }

  /** A panel follows the pointer to the place of the one beneath. */
  grab(event, said, handle) {
    if (event.button) return;
    event.preventDefault();
    handle.focus();
    const {element} = this.shown.get(said), ending = new AbortController(), {signal} = ending;
    element.classList.add("held");
    const end = () => { ending.abort(); element.classList.remove("held"); handle.focus(); };
    let last = null; // panels that make room must not change places with every step of the pointer
    addEventListener("pointermove", ({clientX, clientY}) => {
      const [over] = [...this.shown].find(([, {element: place}]) => holds(place.getBoundingClientRect(), clientX, clientY)) ?? [];
      if (over && over !== said && over !== last) this.move(said, this.wanted.indexOf(over));
      last = over;
    }, {signal});
    addEventListener("pointerup", end, {signal});
    addEventListener("pointercancel", end, {signal});
  }
}

const holds = ({left, right, top, bottom}, x, y) => x > left && x < right && y > top && y < bottom;
