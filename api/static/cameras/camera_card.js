// The card of one camera: its picture, its state, what it saw lately. It stays the same element, so that no click is lost.

import {eventItem} from "../events/event_item.js";
import {EventStrip} from "./event_strip.js";
import {LivePicture} from "./live_picture.js";
import {placesOf} from "./places.js";
import {TimeLine} from "./time_line.js";
import {h, text, trail} from "../shared/dom.js";
import {icon} from "../shared/icons.js";
import {Stillness} from "../shared/stillness.js";
import {age, currentLanguage, say, subjectName, typeWord} from "../words/words.js";

const AT_ONCE = 4;

export class CameraCard {
  /** `on` has `edit(camera)`, `places(camera)` and `toggle(camera)`, `mayChange()`, and `failed(error)`. */
  constructor(name, on, picture = new LivePicture(name)) {
    this.on = on;
    this.picture = picture;
    this.state = h("span", {});
    this.tools = h("div", {class: "camera-tools", hidden: true});
    this.trouble = h("div", {});
    this.facts = h("p", {class: "muted camera-facts"});
    this.strip = new EventStrip();
    this.summary = h("summary", {});
    this.line = h("div", {});
    this.list = h("ol", {class: "events"});
    this.link = h("a", {class: "more-link", href: `#/events/${encodeURIComponent(name)}`});
    this.details = h("details", {class: "camera-events", ontoggle: () => this.showEvents()}, this.summary, this.line, this.list, this.link);
    this.stillness = new Stillness(this.list, () => this.showEvents());
    this.element = h("li", {class: "panel camera", "data-camera": name}, this.picture.element,
      h("div", {class: "camera-head"}, h("h2", {}, subjectName(name)), h("span", {class: "pill state"}, h("i", {"aria-hidden": "true"}), this.state)),
      this.tools, this.trouble, this.facts, this.strip.element, this.details);
  }

  /** Show the camera as it is: `state` is running, cameraDown, stopped or unknown. */
  show(camera, state) {
    this.camera = camera;
    this.element.dataset.state = state;
    this.picture.place(camera.places ??= placesOf(camera));
    this.picture.mark(camera.events[0], say(state === "running" || state === "unknown" ? "noPicture" : state));
    text(this.state, say(state));
    this.showTools();
    const trouble = state === "stopped" ? "" : camera.trouble ?? "";
    if (trouble !== this.trouble.textContent) this.trouble.replaceChildren(...(trouble ? [h("p", {class: "camera-trouble"}, trouble)] : []));
    this.strip.element.hidden = this.details.hidden = !camera.events.length;
    text(this.summary, summaryOf(camera.events));
    text(this.link, say("showEvents"));
    this.showEvents();
    this.tick();
  }

  showTools() {
    const {camera, on} = this, known = `${currentLanguage()} ${camera.status} ${on.mayChange(camera)}`;
    if (this.tools.dataset.shown === known) return;
    this.tools.dataset.shown = known;
    this.tools.hidden = !on.mayChange(camera);
    const running = camera.status === "running", held = this.tools.contains(document.activeElement) ? document.activeElement.dataset.action : null;
    const button = (action, picture, words, act, long = words) => h("button", {type: "button", class: "action", "data-action": action, "aria-label": `${say(long)}: ${camera.name}`, onclick: () => act(this.camera)}, icon(picture), h("span", {}, say(words)));
    this.tools.replaceChildren(...(this.tools.hidden ? [] : [
      button("edit", "edit", "edit", on.edit, "editCamera"), button("places", "motion", "zones", on.places),
      button("toggle", running ? "stop" : "play", running ? "stop" : "start", on.toggle)]));
    if (held) this.tools.querySelector(`[data-action=${held}]`)?.focus({preventScroll: true});
  }

  /** All that it saw lately, once somebody wants it; else the newest. */
  showEvents() {
    const {open} = this.details, {events} = this.camera;
    this.strip.show(open ? events : events.slice(0, AT_ONCE));
    if (!open || this.stillness.still) return;
    this.timeLine ??= new TimeLine(this.camera.name, this.on.failed);
    if (!this.line.childElementCount) this.line.append(this.timeLine.element);
    this.timeLine.take(events);
    const focused = this.list.contains(document.activeElement) ? trail(document.activeElement) : "";
    this.list.replaceChildren(...events.map((event) => this.item(event)));
    if (focused) this.list.querySelector(focused)?.focus({preventScroll: true});
  }

  item(event) {
    const item = eventItem(event, {changed: () => {
      const other = this.item(event), held = item.contains(document.activeElement);
      item.replaceWith(other);
      if (held) { other.tabIndex = -1; other.focus({preventScroll: true}); }
    }});
    return item;
  }

  tick() {
    const newest = this.camera.events[0];
    text(this.facts, [this.camera.area, newest ? say("seenAgo", {t: age(newest.time)}) : null].filter(Boolean).join(" · "));
    this.picture.tick();
  }
}

/** What a camera saw lately, counted: "3 Person, 1 Car". */
function summaryOf(events) {
  const counts = new Map();
  for (const {type} of events) counts.set(type, (counts.get(type) ?? 0) + 1);
  return `${say("detections")}: ${[...counts].map(([type, n]) => `${n} ${typeWord(type)}`).join(", ")}`;
}
