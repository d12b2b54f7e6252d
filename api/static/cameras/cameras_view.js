// The cameras: whether they run, what they saw last, and their recent events.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {openCameraForm} from "./camera_form.js";
import {eventStrip} from "./event_strip.js";
import {h, text, trail} from "../shared/dom.js";
import {eventItem, fromChannel} from "../events/event_item.js";
import {forgetPicture} from "../events/thumbnail.js";
import {icon} from "../shared/icons.js";
import {LivePicture} from "./live_picture.js";
import {PlaceEditor} from "./place_editor.js";
import {placesOf} from "./places.js";
import {may} from "../shared/session.js";
import {emptyState, failure, skeleton} from "../shared/states.js";
import {TimeLine} from "./time_line.js";
import {age, say, subjectName, typeWord} from "../words/words.js";

const RECENT = 8, AT_ONCE = 4, ASKED_EVERY = 5000;

export class CamerasView {
  constructor({alarmStore, failed, channels}) {
    this.alarmStore = alarmStore;
    this.failed = failed;
    this.channels = channels;
    this.cameras = new Map();
    this.tools = h("div", {class: "filters"});
    this.grid = h("ul", {class: "cameras"});
    this.nothing = h("div", {});
    this.detectors = h("p", {class: "muted detectors"});
    this.section = h("section", {"aria-labelledby": "title"}, this.tools, this.grid, this.nothing, this.detectors);
    this.pictures = new Map();
    this.lines = new Map();
    document.addEventListener("visibilitychange", () => { if (!this.section.hidden) this.follow(!document.hidden); });
    alarmStore.addEventListener("change", () => { if (!this.section.hidden) this.drawUnlessPlaying(); });
  }

  enter(_, fresh) {
    this.follow(!document.hidden);
    this.asking ??= setInterval(() => { if (!document.hidden) this.askStates(); }, ASKED_EVERY);
    if (fresh || this.stale) this.load();
  }

  leave() {
    this.follow(false);
    clearInterval(this.asking);
    this.asking = null;
  }

  /** Follow the channels of the cameras or none: pictures are made only for those who look. */
  follow(look) {
    const names = [...this.cameras.keys()].map((name) => `camera_${name}`);
    if (look) this.channels.add(names); else this.channels.remove(names);
  }

  /** Other cameras may be seen now: what was known of them is asked for again. */
  forget() {
    this.follow(false);
    this.cameras.clear();
    this.pictures.clear();
    this.lines.clear();
    this.stale = true;
    if (!this.section.hidden) this.load();
  }

  resume() {
    this.load(true);
  }

  async load(quietly = false) {
    if (!quietly && !this.cameras.size) { this.grid.replaceChildren(skeleton(3, "tiles")); this.nothing.replaceChildren(); }
    try {
      const [{cameras}, {events}] = await Promise.all([ask("/api/cameras"), ask("/api/events?kind=detection&limit=200")]);
      const before = this.cameras;
      this.stale = false;
      this.cameras = new Map(cameras.map((camera) => [camera.name, {...camera, events: []}]));
      for (const event of events) this.see(event, false);
      for (const [name, camera] of before) if (!this.cameras.has(name) && camera.id === undefined) this.cameras.set(name, camera);
      this.channels.add([...this.cameras.keys()].map((name) => `camera_${name}`));
      this.draw(true);
      this.nameDetectors();
      this.askStates();
    } catch (error) {
      const why = this.failed(error);
      if (why && !quietly) { this.grid.replaceChildren(); this.nothing.replaceChildren(failure(why, () => this.load())); }
    }
  }

  /** What looks at the pictures, and under which licence. */
  async nameDetectors() {
    const {flows} = await ask("/api/flows").catch(() => ({flows: []}));
    const named = flows.flatMap(({detectors}) => Object.values(detectors ?? {})).map(({model, licence}) => say("detector", {model, licence: licence || say("noLicence")}));
    text(this.detectors, [...new Set(named)].join(" · "));
  }

  /** What each camera tells of itself; one that only a definition names is known from then on, too. */
  async askStates() {
    const {cameras} = await ask("/api/cameras/states").catch(() => ({cameras: null}));
    if (!cameras) return;
    let changed = false;
    const told = new Map();
    for (const one of cameras) if (!told.get(one.name)?.trouble) told.set(one.name, one);
    for (const name of told.keys()) if (!this.cameras.has(name)) { this.cameras.set(name, {name, events: []}); this.channels.add([`camera_${name}`]); changed = true; }
    for (const camera of this.cameras.values()) {
      const {online, trouble} = told.get(camera.name) ?? {};
      if (camera.online === online && camera.trouble === trouble) continue;
      Object.assign(camera, {online, trouble});
      changed = true;
    }
    if (changed && !this.section.hidden) this.drawUnlessPlaying();
  }

  /** Take an event of a camera; one that nobody added is known from then on, too. */
  see(event, newest = true) {
    if (event.kind !== "detection") return;
    const name = event.subject;
    if (!this.cameras.has(name)) { this.cameras.set(name, {name, events: []}); this.channels.add([`camera_${name}`]); }
    const {events} = this.cameras.get(name);
    if (events.some((other) => other.id === event.id)) return;
    if (newest) events.unshift(event); else events.push(event);
    events.length = Math.min(events.length, RECENT);
  }

  receive({type, channel, data}) {
    if (type === "rights") { this.forget(); return; }
    if (this.section.hidden || type !== "event") return;
    if (channel === "cameras" && data.kind === "camera") { this.change(data); if (data.status !== "removed") this.load(true); }
    else if (channel === "evidence") this.pictured(data);
    else if (channel === "events" || channel.startsWith("camera_")) {
      const event = fromChannel(data);
      if (event) this.see(event);
      else if (data.kind === "frame") this.showFrame(data);
      if (event && event.kind === "detection" && !this.frame) this.frame = requestAnimationFrame(() => { this.frame = null; this.drawUnlessPlaying(); });
    }
  }

  showFrame(data) {
    this.pictures.get(data.subject)?.frame(data);
    if (this.editor?.camera.name === data.subject) this.editor.frame(data);
  }

  /** An event has evidence now: its picture is asked for, if it is one that is shown. */
  pictured({event: id, evidence, state}) {
    if (evidence !== "snapshot" || state !== "stored") return;
    forgetPicture(id);
    if ([...this.cameras.values()].some(({events}) => events.some((event) => event.id === id))) this.drawUnlessPlaying();
  }

  change(camera) {
    const channel = [`camera_${camera.name}`];
    if (camera.status === "removed") {
      this.cameras.delete(camera.name);
      this.channels.remove(channel);
    } else {
      this.cameras.set(camera.name, {events: [], ...this.cameras.get(camera.name), ...camera, places: null});
      this.channels.add(channel);
    }
    this.draw(true);
  }

  /** running, down (it says so, or an alarm that nothing comes) or stopped. */
  stateOf(camera) {
    if (camera.status === "stopped") return "stopped";
    if (camera.online === false) return "cameraDown";
    const down = this.alarmStore.standing().some((alarm) => alarm.subject === camera.name && /down|silent|offline/.test(alarm.alarm) && "BC".includes(alarm.isa));
    return down ? "cameraDown" : camera.status === "running" || camera.online || camera.events.length ? "running" : "unknown";
  }

  /** A clip that plays stays where it is; what came meanwhile is drawn at its end. */
  drawUnlessPlaying() {
    const video = this.grid.querySelector("video");
    if (!video || video.ended) { this.draw(); return; }
    if (!video.dataset.awaited) { video.dataset.awaited = "yes"; video.addEventListener("ended", () => this.draw(), {once: true}); }
  }

  draw() {
    const focused = this.grid.contains(document.activeElement) ? trail(document.activeElement) : "";
    const cameras = [...this.cameras.values()].sort((a, b) => a.name.localeCompare(b.name));
    this.tools.replaceChildren(...(may("operator") ? [h("button", {type: "button", class: "secondary", "data-action": "add", onclick: () => this.add()}, icon("plus"), h("span", {}, say("addCamera")))] : []));
    this.grid.replaceChildren(...cameras.map((camera) => this.card(camera)));
    this.nothing.replaceChildren(...(cameras.length ? [] : [emptyState("cameras", say("noCameras"), say("noCamerasHint"), null, "cameras")]));
    if (focused) document.querySelector(focused)?.focus({preventScroll: true});
  }

  card(camera) {
    const state = this.stateOf(camera), newest = camera.events[0];
    if (!this.pictures.has(camera.name)) this.pictures.set(camera.name, new LivePicture(camera.name));
    const picture = this.pictures.get(camera.name);
    picture.place(camera.places ??= placesOf(camera));
    picture.mark(newest, say(state === "running" || state === "unknown" ? "noPicture" : state));
    const tools = camera.id === undefined || !may("operator") ? [] : [
      h("button", {type: "button", class: "action", "data-action": "edit", "aria-label": `${say("editCamera")}: ${camera.name}`, onclick: () => this.edit(camera)}, icon("edit"), h("span", {}, say("edit"))),
      h("button", {type: "button", class: "action", "data-action": "places", onclick: () => this.drawPlaces(camera)}, icon("motion"), h("span", {}, say("zones"))),
      h("button", {type: "button", class: "action", "data-action": "toggle", onclick: () => this.toggle(camera)}, icon(camera.status === "running" ? "stop" : "play"), h("span", {}, say(camera.status === "running" ? "stop" : "start")))];
    return h("li", {class: "panel camera", "data-camera": camera.name, "data-state": state},
      picture.element,
      h("div", {class: "camera-head"}, h("h2", {}, subjectName(camera.name)), h("span", {class: "pill state"}, h("i", {"aria-hidden": "true"}), say(state))),
      tools.length ? h("div", {class: "camera-tools"}, ...tools) : null,
      camera.trouble && state !== "stopped" ? h("p", {class: "camera-trouble"}, camera.trouble) : null,
      h("p", {class: "muted camera-facts"}, [camera.area, newest ? say("seenAgo", {t: age(newest.time)}) : null].filter(Boolean).join(" · ")),
      camera.events.length ? eventStrip(camera.opened ? camera.events : camera.events.slice(0, AT_ONCE)) : null,
      camera.events.length ? h("details", {class: "camera-events", ontoggle: (event) => { if (camera.opened !== event.target.open) { camera.opened = event.target.open; this.draw(); } }, open: camera.opened}, h("summary", {}, summary(camera.events)),
        camera.opened ? this.timeLine(camera) : null,
        h("ol", {class: "events"}, ...camera.events.map((event) => eventItem(event, {changed: () => this.draw()}))),
        h("a", {class: "more-link", href: `#/events/${encodeURIComponent(camera.name)}`}, say("showEvents"))) : null);
  }

  timeLine({name, events}) {
    if (!this.lines.has(name)) this.lines.set(name, new TimeLine(name, this.failed));
    const line = this.lines.get(name);
    line.take(events);
    return line.element;
  }

  async toggle(camera) {
    const start = camera.status !== "running";
    try {
      this.change(await send("POST", `/api/cameras/${camera.id}/${start ? "start" : "stop"}`));
      toast(say(start ? "cameraStarted" : "cameraStopped", {camera: subjectName(camera.name)}));
    } catch (error) {
      toast(this.failed(error), "bad");
    }
  }

  add() {
    openCameraForm(async (camera) => {
      this.change(await send("POST", "/api/cameras", camera));
      toast(say("cameraAdded", {camera: subjectName(camera.name)}));
    });
  }

  edit(camera) {
    openCameraForm(async (values) => {
      this.change(await send("PATCH", `/api/cameras/${camera.id}`, values));
      toast(say("saved"));
    }, camera);
  }

  async drawPlaces(camera) {
    const {modes} = await ask("/api/mode").catch(() => ({modes: []}));
    this.editor = new PlaceEditor(camera, modes, async (places) => {
      this.change(await send("PATCH", `/api/cameras/${camera.id}`, places));
      toast(say("saved"));
    }, () => { this.editor = null; });
  }

  relabel() {
    if (!this.section.hidden) this.draw();
  }
}

/** What a camera saw lately, counted: "3 Person, 1 Car". */
function summary(events) {
  const counts = new Map();
  for (const {type} of events) counts.set(type, (counts.get(type) ?? 0) + 1);
  return `${say("detections")}: ${[...counts].map(([type, n]) => `${n} ${typeWord(type)}`).join(", ")}`;
}
