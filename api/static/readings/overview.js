// The first view: all sensors as cards, the history of a chosen one, and the alarms beside them.

import {AlarmList} from "../alarms/alarm_list.js";
import {QuietLine} from "../alarms/quiet.js";
import {PRIORITIES} from "../alarms/urgency.js";
import {connection} from "../connection/connection.js";
import {Cards} from "./cards.js";
import {Wall} from "./wall.js";
import {Chart} from "./chart.js";
import {get, h, text} from "../shared/dom.js";
import {select} from "../shared/dialog.js";
import {GROUPED} from "./home.js";
import {icon, shape} from "../shared/icons.js";
import {keepHere} from "../shared/place.js";
import {inSlices} from "../shared/slices.js";
import {currentLanguage, priorityName, say} from "../words/words.js";

const NARROW = matchMedia("(max-width: 1080px)"); // there alarms stand above the sensors
const MOST_NARROW = 3;
const MOST = 30;

export class Overview {
  constructor({alarmStore, openAlarm, failed, readings}) {
    this.alarmStore = alarmStore;
    this.readings = readings;
    this.failed = failed;
    this.section = document.querySelector('[data-view="overview"]');
    const latest = (subject, metric) => readings.latest(subject, metric);
    this.cards = new Cards(readings, (subject, metric) => this.choose(subject, metric));
    this.chart = new Chart({
      readings, latest, failed,
      standing: (subject, metric) => alarmStore.standing().filter((alarm) => alarm.subject === subject && alarm.metric === metric),
      placed: (period) => keepHere(period),
      closed: (subject, metric) => { keepHere({subject: "", metric: "", range: "", zoom: "", beside: ""}); this.cards.select(null, null); this.cards.focus(subject, metric); },
    });
    this.list = new AlarmList(get("alarms"), {open: openAlarm, latest, news: get("alarms-new")});
    this.quiet = new QuietLine(alarmStore, get("no-alarms"));
    for (const told of [alarmStore, connection]) told.addEventListener("change", () => this.draw());
    NARROW.addEventListener("change", () => this.draw());
    this.wall = new Wall(this.cards);
    get("wall").append(icon("wall"));
    get("wall").addEventListener("click", () => this.wall.ask(true));
    get("home-by").addEventListener("change", (event) => { keepHere({by: event.target.value === "area" ? "" : event.target.value}); this.cards.group(event.target.value); });
    get("search").addEventListener("input", (event) => { keepHere({q: event.target.value}); this.cards.seek(event.target.value); });
  }

  /** Show what the address says: what is sought, and whose history. */
  enter(rest, fresh, query) {
    const q = query.get("q") ?? "", subject = query.get("subject"), metric = query.get("metric");
    this.wall.show(query.get("wall") === "1");
    const by = query.get("by") ?? "area";
    if (fresh) { this.cards.choices.load(); this.drawGroups(by); }
    if (by !== this.cards.by) this.cards.group(by);
    if (get("search").value !== q) { get("search").value = q; this.cards.seek(q); }
    if (subject && metric) this.open(subject, metric, {range: Number(query.get("range")), zoom: query.get("zoom") ?? "", beside: query.get("beside") ?? ""});
    else this.chart.hide();
    this.draw();
    this.cards.plan();
    this.chart.slide();
  }

  drawGroups(by) {
    get("home-by").replaceChildren(...select({}, GROUPED.map((name) => [name, say(`home_${name}`)])).children);
    get("home-by").value = by;
  }

  leave() {
    this.wall.show(false);
    this.list.draw([]);
  }

  async receive({type, channel, data}) {
    if (channel !== "readings") return;
    if (type === "event") {
      const signal = this.readings.take(data);
      if (signal) { this.cards.take(signal, true); this.chart.take(data); }
      return;
    }
    await inSlices(data, (entry) => { const signal = this.readings.take(entry); if (signal) this.cards.take(signal); });
    this.cards.askCourses().catch(this.failed);
  }

  draw(anew) {
    const standing = this.alarmStore.standing();
    const shown = standing.slice(0, NARROW.matches ? MOST_NARROW : MOST);
    if (!this.section.hidden) this.list.draw(shown, anew);
    get("more-alarms").hidden = shown.length === standing.length;
    text(get("more-alarms").firstElementChild, say("allAlarms", {n: standing.length}));
    text(get("alarm-count"), String(standing.length));
    get("alarm-count").classList.toggle("hot", this.alarmStore.unseen() > 0);
    this.drawSum(standing);
    this.quiet.show(!standing.length);
    this.cards.mark(this.alarmStore.worst(), this.alarmStore.subjects());
    this.chart.slide();
  }

  /** How many there are of each priority: how bad it is, at a glance. */
  drawSum(standing) {
    const counts = PRIORITIES.map((name) => [name, standing.filter(({priority}) => priority === name).length]).filter(([, n]) => n), known = JSON.stringify([counts, currentLanguage()]);
    if (this.summed === known) return;
    this.summed = known;
    get("alarm-sum").replaceChildren(...counts.map(([name, n]) => h("li", {"data-priority": name, title: priorityName(name)}, shape(name), String(n), h("span", {class: "hidden"}, ` ${priorityName(name)}`))));
  }

  choose(subject, metric) {
    keepHere({subject, metric, range: String(this.chart.range), zoom: "", beside: ""}, true);
    this.open(subject, metric);
  }

  open(subject, metric, period) {
    this.cards.select(subject, metric);
    this.chart.open(subject, metric, period);
  }

  clear() {
    this.chart.hide();
    this.cards.clear();
    this.readings.clear();
  }

  relabel() {
    this.cards.relabel();
    this.drawGroups(this.cards.by);
    this.draw(true);
    this.chart.relabel();
  }
}
