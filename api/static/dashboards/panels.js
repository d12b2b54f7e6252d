// The panels of a dashboard: a card, a chart, a camera's picture, a list of alarms. Each shows what the person may see of it.

import {AlarmList} from "../alarms/alarm_list.js";
import {QuietLine} from "../alarms/quiet.js";
import {PRIORITIES} from "../alarms/urgency.js";
import {LivePicture} from "../cameras/live_picture.js";
import {fromChannel} from "../events/event_item.js";
import {byRank, Card} from "../readings/card.js";
import {Plot} from "../readings/plot.js";
import {nowWords, SignalHistory} from "../readings/signal_history.js";
import {ask} from "../shared/api.js";
import {areaOf} from "../shared/areas.js";
import {h, text} from "../shared/dom.js";
import {metricName, now, priorityName, say, subjectName} from "../words/words.js";

const MOST_ALARMS = 30;

/** What a panel is called. */
export function panelName({kind, subject, metric, camera, area, priority}) {
  if (kind === "card") return subjectName(subject);
  if (kind === "chart") return `${subjectName(subject)} · ${metricName(metric)}`;
  if (kind === "camera") return subjectName(camera);
  return [say("alarms"), area && subjectName(area), priority !== "low" && say("fromPriority", {priority: priorityName(priority)})].filter(Boolean).join(" · ");
}

const historyHash = (subject, metric, zoom) => `#/overview?${new URLSearchParams({subject, metric, ...zoom})}`;

/** `take(entry)` hears readings, `mark()` that alarms changed, `tick()` each second, `frame(data)` the pictures of its `channels`; `load()` asks anew. */
class Panel {
  channels = [];
  load() {}
  take() {}
  mark() {}
  tick() {}
  frame() {}
  close() {}
}

class CardPanel extends Panel {
  constructor({subject}, {readings, alarmStore, failed}) {
    super();
    Object.assign(this, {subject, readings, alarmStore, failed});
    const draw = () => this.draw();
    this.model = {subject, name: subjectName(subject), group: "", signals: []};
    this.card = new Card(this.model, {open: (about, metric) => { location.hash = historyHash(about, metric); }, unfold: (model) => { model.unfolded = !model.unfolded; draw(); }, pin: () => null});
    this.card.pin.remove();
    this.none = h("p", {class: "empty"});
    this.element = h("div", {}, h("ul", {class: "cards"}, this.card.element), this.none);
    draw();
  }

  async load() {
    const {readings} = await ask(`/api/latest?${new URLSearchParams({subject: this.subject})}`).catch((error) => { this.failed(error); return {readings: []}; });
    for (const {subject, metric, course} of readings) this.readings.takeCourse(subject, metric, course ?? []);
    this.draw();
  }

  draw() {
    this.model.signals = [...this.readings.subjects.get(this.subject)?.values() ?? []].sort(byRank);
    this.none.hidden = this.model.signals.length > 0;
    text(this.none, say("noCards"));
    this.card.draw(this.alarmStore.worst(), null, false, this.alarmStore.worst());
  }

  take(entry) {
    if (entry.subject === this.subject) this.draw();
  }

  mark() { this.draw(); }
  tick() { this.card.tick(); }
}

class ChartPanel extends Panel {
  constructor({subject, metric, range}, {latest, alarmStore, failed}) {
    super();
    Object.assign(this, {range, failed});
    this.history = new SignalHistory(subject, metric, {latest, standing: () => alarmStore.standing().filter((alarm) => alarm.subject === subject && alarm.metric === metric)});
    this.box = h("div", {class: "chart"});
    this.plot = new Plot(this.box, {zoomed: (from, to) => { location.hash = historyHash(subject, metric, {zoom: `${Math.round(from)}-${Math.round(to)}`}); }, pointed: () => null});
    this.newest = h("b", {});
    this.note = h("p", {class: "muted note", role: "status"}, say("loading"));
    this.element = h("div", {}, h("header", {}, h("h3", {}, h("a", {href: historyHash(subject, metric, {range})}, panelName({kind: "chart", subject, metric}))), this.newest), this.box, this.note);
    this.sized = new ResizeObserver(() => this.draw());
    this.sized.observe(this.box);
  }

  async load() {
    this.request?.abort();
    const {signal} = this.request = new AbortController(), start = now() - this.range;
    for (const loaded of [this.history.loadAlarms(start, now(), signal), this.history.loadLimits(signal)]) loaded.then(() => { if (!signal.aborted) this.draw(); });
    try {
      await this.history.load(start, now(), signal);
      text(this.note, this.history.isEmpty ? say("noHistory") : "");
    } catch (error) {
      const why = this.failed(error);
      if (!why) return;
      text(this.note, say("historyDown", {why}));
    }
    const newest = this.history.latest();
    if (newest) this.take(newest);
    this.draw();
  }

  take(entry) {
    if (this.history.take(entry, now() - this.range)) { text(this.note, ""); this.draw(); }
  }

  mark() { this.draw(); }

  /** Time goes on also where nothing comes. */
  tick() {
    if (!this.drawn || now() - this.drawn > this.range / 300) this.draw();
  }

  draw() {
    this.frameAsked ??= requestAnimationFrame(() => {
      this.frameAsked = null;
      if (!this.box.clientWidth) return;
      this.drawn = now();
      const newest = this.history.latest();
      text(this.newest, newest ? nowWords(newest) : "");
      this.history.draw(this.plot, this.drawn - this.range, this.drawn);
    });
  }

  close() {
    this.request?.abort();
    this.sized.disconnect();
    this.plot.close();
  }
}

class CameraPanel extends Panel {
  constructor({camera}) {
    super();
    this.camera = camera;
    this.channels = [`camera_${camera}`];
    this.picture = new LivePicture(camera);
    this.picture.mark(null, say("noPicture"));
    this.element = h("div", {}, this.picture.element, h("header", {}, h("h3", {}, h("a", {href: "#/cameras"}, subjectName(camera)))));
  }

  frame(data) {
    if (data.kind === "frame") { if (data.subject === this.camera) this.picture.frame(data); return; }
    const event = fromChannel(data);
    if (event?.kind === "detection" && event.subject === this.camera) this.picture.mark(event, say("noPicture"));
  }

  tick() { this.picture.tick(); }
}

class AlarmsPanel extends Panel {
  constructor(panel, {alarmStore, openAlarm, latest}) {
    super();
    Object.assign(this, {panel, alarmStore});
    this.count = h("span", {class: "count"});
    const news = h("button", {type: "button", class: "news", hidden: true}), list = h("ol", {class: "alarms", tabindex: "-1"});
    this.list = new AlarmList(list, {open: openAlarm, latest, news});
    this.more = h("p", {class: "more-alarms", hidden: true}, h("a", {class: "secondary", href: "#/alarms"}));
    this.quiet = new QuietLine(alarmStore);
    this.element = h("div", {}, h("header", {}, h("h3", {}, panelName(panel)), this.count, news), list, this.more, this.quiet.element);
    this.mark();
  }

  mark() {
    const {area, priority} = this.panel, least = PRIORITIES.indexOf(priority);
    const standing = this.alarmStore.standing().filter((alarm) => PRIORITIES.indexOf(alarm.priority) <= least && (!area || areaOf(alarm) === area));
    this.list.draw(standing.slice(0, MOST_ALARMS));
    text(this.count, String(standing.length));
    this.quiet.show(!standing.length);
    this.more.hidden = standing.length <= MOST_ALARMS;
    text(this.more.firstElementChild, say("allAlarms", {n: standing.length}));
  }

  close() { this.list.close(); }
}

const KINDS = {card: CardPanel, chart: ChartPanel, camera: CameraPanel, alarms: AlarmsPanel};

export const makePanel = (panel, context) => new KINDS[panel.kind](panel, context);
