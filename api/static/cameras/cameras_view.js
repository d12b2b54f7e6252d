// The cameras: whether they run, what they saw last, and their recent events.

import {toast} from "../shared/announce.js";
import {ask, send} from "../shared/api.js";
import {onceLive} from "../connection/waiting.js";
import {openCameraForm} from "./camera_form.js";
import {CameraCard} from "./camera_card.js";
import {h, text} from "../shared/dom.js";
import {fromChannel} from "../events/event_item.js";
import {forgetPicture} from "../events/thumbnail.js";
import {icon} from "../shared/icons.js";
import {PlaceEditor} from "./place_editor.js";
import {Packing} from "../shared/packing.js";
import {may} from "../shared/session.js";
import {emptyState, failure, skeleton} from "../shared/states.js";
import {currentLanguage, say, subjectName} from "../words/words.js";

const RECENT = 8, ASKED_EVERY = 5000;

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
    this.cards = new Map();
    this.on = {
      mayChange: ({id}) => id !== undefined && may("operator"), failed,
      edit: (camera) => this.edit(camera), places: (camera) => this.drawPlaces(camera), toggle: (camera) => this.toggle(camera),
    };
    this.packing = new Packing(this.grid);
    document.addEventListener("visibilitychange", () => { if (!this.section.hidden) this.follow(!document.hidden); });
    alarmStore.addEventListener("change", () => { if (!this.section.hidden) this.plan(); });
  }

  enter(_, fresh) {
    this.follow(!document.hidden);
    this.ticking ??= setInterval(() => { for (const card of this.cards.values()) card.tick(); }, 1000);
    this.asking ??= setInterval(() => { if (!document.hidden) this.askStates(); }, ASKED_EVERY);
    if (fresh || this.stale) this.load();
  }

  leave() {
    this.follow(false);
    clearInterval(this.asking);
    clearInterval(this.ticking);
    this.asking = this.ticking = null;
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
    this.cards.clear();
    this.stale = true;
    if (!this.section.hidden) this.load();
  }

  resume() {
    this.load(true);
  }

  async load(quietly = false) {
    if (!quietly && !this.cameras.size) { this.packing.replace(skeleton(3, "tiles")); this.nothing.replaceChildren(); }
    try {
      const [{cameras}, {events}] = await Promise.all([ask("/api/cameras"), ask("/api/events?kind=detection&limit=200")]);
      const before = this.cameras;
      this.stale = false;
      this.cameras = new Map(cameras.map((camera) => [camera.name, {...camera, events: []}]));
      for (const event of events) this.see(event, false);
      for (const [name, camera] of before) if (!this.cameras.has(name) && camera.id === undefined) this.cameras.set(name, camera);
      this.channels.add([...this.cameras.keys()].map((name) => `camera_${name}`));
      this.draw();
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
    if (changed && !this.section.hidden) this.plan();
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
      if (event?.kind === "detection") this.plan();
    }
  }

  plan() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; if (!this.section.hidden) this.draw(); });
  }

  showFrame(data) {
    this.cards.get(data.subject)?.picture.frame(data);
    if (this.editor?.camera.name === data.subject) this.editor.frame(data);
  }

  /** An event has evidence now: its picture is asked for, if it is one that is shown. */
  pictured({event: id, evidence, state}) {
    if (evidence !== "snapshot" || state !== "stored") return;
    forgetPicture(id);
    for (const {strip} of this.cards.values()) strip.pictured(id);
    this.plan();
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
    this.draw();
  }

  /** running, down (it says so, or an alarm that nothing comes) or stopped. */
  stateOf(camera) {
    if (camera.status === "stopped") return "stopped";
    if (camera.online === false) return "cameraDown";
    const down = this.alarmStore.standing().some((alarm) => alarm.subject === camera.name && /down|silent|offline/.test(alarm.alarm) && "BC".includes(alarm.isa));
    return down ? "cameraDown" : camera.status === "running" || camera.online || camera.events.length ? "running" : "unknown";
  }

  /** Cards stay where they are; only when there are other cameras, they take other places. */
  draw() {
    const cameras = [...this.cameras.values()].sort((a, b) => a.name.localeCompare(b.name));
    this.showTools();
    for (const {name} of cameras) if (!this.cards.has(name)) this.cards.set(name, new CameraCard(name, this.on));
    for (const name of this.cards.keys()) if (!this.cameras.has(name)) this.cards.delete(name);
    for (const camera of cameras) this.cards.get(camera.name).show(camera, this.stateOf(camera));
    const elements = cameras.map(({name}) => this.cards.get(name).element);
    if (elements.length !== this.grid.childElementCount || elements.some((element, i) => element !== this.grid.children[i])) this.packing.replace(...elements);
    this.nothing.replaceChildren(...(cameras.length ? [] : [emptyState("cameras", say("noCameras"), say("noCamerasHint"), null, "cameras")]));
  }

  showTools() {
    const known = `${currentLanguage()} ${may("operator")}`;
    if (this.tools.dataset.shown === known) return;
    this.tools.dataset.shown = known;
    this.tools.replaceChildren(...(may("operator") ? [h("button", {type: "button", class: "secondary", "data-action": "add", onclick: () => this.add()}, icon("plus"), h("span", {}, say("addCamera")))] : []));
  }

  async toggle(camera) {
    const start = camera.status !== "running";
    try {
      const changed = await onceLive(say(start ? "start" : "stop"), subjectName(camera.name), () => send("POST", `/api/cameras/${camera.id}/${start ? "start" : "stop"}`));
      if (!changed) return;
      this.change(changed);
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
    for (const [name, {picture, details}] of this.cards) {
      const card = new CameraCard(name, this.on, picture);
      card.details.open = details.open;
      this.cards.set(name, card);
    }
    if (!this.section.hidden) this.draw();
  }
}
