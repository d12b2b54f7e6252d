// The dialog in which zones and lines are drawn on a camera's live picture, with the mouse or the keyboard.

import {field, openForm} from "../shared/dialog.js";
import {h, svg} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {modeWord} from "../shared/mode.js";
import {LivePicture} from "./live_picture.js";
import {asRow, placesOf, shape, WIDE} from "./places.js";
import {say, subjectName} from "../words/words.js";

const STEP = 0.01, FAR = 0.05, NEAR = 0.03;
const MOVES = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
const NAME = "(?=.*[A-Za-z])[A-Za-z0-9_\\-]{1,64}";

export class PlaceEditor {
  /** `modes` are those of the site; `save` gets `{zones, lines}`. */
  constructor(camera, modes, save, closed) {
    this.camera = camera;
    this.modes = modes;
    this.places = placesOf(camera);
    this.chosen = this.places[0] ?? null;
    this.cursor = [0.5, 0.5];
    this.live = new LivePicture(camera.name);
    this.sheet = svg("svg", {class: "places sheet", viewBox: "0 0 1000 562", tabindex: "0", role: "application", "aria-label": say("drawHere"), "aria-describedby": "draw-how"});
    this.live.element.append(this.sheet);
    this.live.mark(null, say("noPicture"));
    this.list = h("ul", {class: "place-list"});
    this.sheet.addEventListener("pointerdown", (event) => this.press(event));
    this.sheet.addEventListener("pointermove", (event) => this.drag(event));
    this.sheet.addEventListener("pointerup", () => { this.held = null; });
    this.sheet.addEventListener("keydown", (event) => this.key(event));
    const button = (kind, words) => h("button", {type: "button", class: "secondary", "data-action": `new-${kind}`, onclick: () => this.begin(kind)}, icon("plus"), h("span", {}, words));
    openForm(`${say("zones")}: ${subjectName(camera.name)}`, {
      name: "places", button: say("save"), closed,
      fields: [this.live.element, this.live.none, h("p", {class: "muted", id: "draw-how"}, say("drawHow")), h("div", {class: "trial-buttons"}, button("zone", say("newZone")), button("line", say("newLine"))), this.list],
    }, () => save(asRow(this.named())));
    this.draw();
  }

  /** A live picture came. */
  async frame(data) {
    await this.live.frame(data);
    if (this.tall === this.height()) return;
    this.live.element.style.aspectRatio = String(WIDE / this.height()); // what is clicked is a place of the picture
    this.draw();
  }

  height = () => WIDE * this.live.canvas.height / this.live.canvas.width;

  /** The places that are drawn to their end. Two of one name would be one of them. */
  named() {
    const finished = this.places.filter(({kind, points}) => points.length >= (kind === "line" ? 2 : 3));
    const twice = finished.find(({name}, index) => finished.findIndex((one) => one.name === name) < index);
    if (twice) throw new Error(say("nameTwice", {name: twice.name}));
    return finished;
  }

  begin(kind) {
    const taken = new Set(this.places.map(({name}) => name));
    let n = 1;
    while (taken.has(`${kind}_${n}`)) n += 1;
    this.chosen = {kind, name: `${kind}_${n}`, points: [], isOpen: true};
    this.places.push(this.chosen);
    this.draw();
    this.sheet.focus();
  }

  /** Where on the picture a pointer is, as fractions. */
  at({clientX, clientY}) {
    const {left, top, width, height} = this.sheet.getBoundingClientRect();
    return [inside((clientX - left) / width), inside((clientY - top) / height)];
  }

  press(event) {
    event.preventDefault();
    this.sheet.focus();
    const point = this.at(event), near = this.nearest(point);
    if (this.chosen?.isOpen) { if (near?.index === 0 && this.chosen.points.length > 2) this.close(); else this.add(point); return; }
    this.held = near;
    if (near) this.sheet.setPointerCapture(event.pointerId);
  }

  drag(event) {
    if (this.held) this.move(this.held.place, this.held.index, this.at(event));
  }

  nearest([x, y]) {
    const own = (place) => place.points.map(([px, py], index) => ({place, index, away: Math.hypot(px - x, (py - y) * this.tall / WIDE)}));
    const all = (this.chosen?.isOpen ? [this.chosen] : this.places).flatMap(own).sort((a, b) => a.away - b.away);
    return all[0]?.away < NEAR ? all[0] : null;
  }

  add(point) {
    this.chosen.points.push(point);
    if (this.chosen.kind === "line" && this.chosen.points.length === 2) this.close(); else this.draw();
  }

  close() {
    this.chosen.isOpen = false;
    this.draw();
  }

  move(place, index, point) {
    this.chosen = place;
    place.points[index] = point;
    this.draw();
  }

  /** Arrows move the cross, Enter sets a corner there, or takes up the one that is there and lets it go; Backspace takes the last away. */
  key(event) {
    const by = MOVES[event.key];
    if (by) {
      const far = event.shiftKey ? FAR : STEP;
      this.cursor = [inside(this.cursor[0] + by[0] * far), inside(this.cursor[1] + by[1] * far)];
      if (this.lifted) this.move(this.lifted.place, this.lifted.index, this.cursor); else this.draw();
    } else if (event.key === "Enter" || event.key === " ") {
      const near = this.nearest(this.cursor);
      if (this.lifted) this.lifted = null;
      else if (this.chosen?.isOpen) { if (near?.index === 0 && this.chosen.points.length > 2) this.close(); else this.add([...this.cursor]); }
      else this.lifted = near;
    } else if (event.key === "Backspace" && this.chosen?.isOpen) {
      this.chosen.points.pop();
      this.draw();
    } else return;
    event.preventDefault();
  }

  draw() {
    const tall = this.tall = this.height();
    const corners = (this.chosen?.points ?? []).map(([x, y]) => svg("circle", {class: "corner", cx: x * WIDE, cy: y * tall, r: 9}));
    const [x, y] = [this.cursor[0] * WIDE, this.cursor[1] * tall];
    this.sheet.setAttribute("viewBox", `0 0 ${WIDE} ${tall}`);
    this.sheet.replaceChildren(...this.places.map((place) => shape(place, tall, place === this.chosen)), ...corners, svg("path", {class: "cross", d: `M${x - 16} ${y}h32M${x} ${y - 16}v32`}));
    if (this.listed !== this.places.length || this.marked !== this.chosen) this.drawList();
  }

  drawList() {
    this.listed = this.places.length;
    this.marked = this.chosen;
    this.list.replaceChildren(...this.places.map((place) => h("li", {"data-chosen": place === this.chosen ? "yes" : null},
      field(say(place.kind), h("input", {value: place.name, required: true, maxlength: 64, pattern: NAME, autocomplete: "off", spellcheck: "false", "data-place": place.name, oninput: (event) => { place.name = event.target.value; this.draw(); }})),
      ...(place.kind === "zone" ? this.zoneParts(place) : []),
      h("button", {type: "button", class: "quiet", "data-action": "drop", "aria-label": `${say("remove")}: ${place.name}`, onclick: () => this.drop(place)}, icon("trash")))));
  }

  /** When a zone counts, and whether it is private: one that is covers its part always. */
  zoneParts(zone) {
    const {hours, modes = [], privacy} = zone;
    const box = (mode) => h("label", {class: "check"}, h("input", {type: "checkbox", value: mode, checked: modes.includes(mode), onchange: (event) => { zone.modes = all.filter((one) => one === mode ? event.target.checked : zone.modes?.includes(one)); }}), h("span", {}, modeWord(mode)));
    const all = [...new Set([...this.modes, ...modes])];
    const when = h("fieldset", {class: "when", disabled: privacy},
      field(say("hours"), h("input", {value: hours, maxlength: 14, pattern: "(\\d{2}:\\d{2}|sunrise|sunset)-(\\d{2}:\\d{2}|sunrise|sunset)", placeholder: "sunset-06:00", autocomplete: "off", oninput: (event) => { zone.hours = event.target.value; }})),
      all.length ? h("div", {class: "in-modes", role: "group", "aria-label": say("inModes")}, h("span", {}, say("inModes")), ...all.map(box)) : null);
    return [when, h("label", {class: "check"}, h("input", {type: "checkbox", checked: privacy, onchange: (event) => { zone.privacy = when.disabled = event.target.checked; this.draw(); }}), h("span", {}, say("privacy")))];
  }

  drop(place) {
    this.places = this.places.filter((one) => one !== place);
    if (this.chosen === place) this.chosen = this.places[0] ?? null;
    this.draw();
    this.sheet.focus();
  }
}

const inside = (part) => Math.round(Math.min(1, Math.max(0, part)) * 1000) / 1000;
