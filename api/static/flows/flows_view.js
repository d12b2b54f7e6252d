// The flows: health, throughput, and graph of each.

import {ask} from "../shared/api.js";
import {h} from "../shared/dom.js";
import {drawFlow} from "./flow_graph.js";
import {emptyState, failure, skeleton} from "../shared/states.js";
import {number, say} from "../words/words.js";

const EVERY = 3000;
const STATES = {ok: "healthy", behind: "behind", blind: "blind", down: "unreachable", gone: "flowGone", stopped: "stopped", starting: "flowStarts"};

export class FlowsView {
  constructor({failed}) {
    this.failed = failed;
    this.list = h("div", {class: "list"});
    this.section = h("section", {"aria-labelledby": "title"}, this.list);
  }

  enter(_, fresh) {
    if (!fresh) return;
    this.list.replaceChildren(skeleton(2, "tiles"));
    this.load();
    this.timer = setInterval(() => { if (!document.hidden) this.load(); }, EVERY);
  }

  leave() {
    clearInterval(this.timer);
    this.request?.abort();
  }

  async load() {
    if (this.loading) return;
    this.loading = true;
    const request = this.request = new AbortController();
    try {
      this.flows = (await ask("/api/flows", request.signal)).flows;
      this.draw();
    } catch (error) {
      const why = this.failed(error);
      if (why) this.list.replaceChildren(failure(why, () => this.load()));
    } finally {
      this.loading = false;
    }
  }

  draw() {
    if (!this.flows) return;
    const scrolled = new Map([...this.list.querySelectorAll("[data-flow]")].map((place) => [place.dataset.flow, place.querySelector(".flow-graph")?.scrollLeft ?? 0]));
    this.list.replaceChildren(...(this.flows.length ? this.flows.map((flow) => this.flow(flow)) : [emptyState("flows", say("noFlows"), say("noFlowsHint"), null, "flows")]));
    for (const place of this.list.querySelectorAll("[data-flow]")) { const graph = place.querySelector(".flow-graph"); if (graph) graph.scrollLeft = scrolled.get(place.dataset.flow) ?? 0; }
  }

  flow(flow) {
    const name = flow.flow ?? flow.address;
    const waits = Object.entries(flow.waiting_for).map(([part, why]) => h("p", {class: "flow-note"}, `${part}: ${why}`));
    const dropped = Object.entries(flow.dropped).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]).slice(0, 12);
    return h("section", {class: "panel flow", "data-flow": name, "data-status": flow.status, "aria-labelledby": `flow-${name}`},
      h("header", {}, h("h2", {id: `flow-${name}`}, name), h("span", {class: "pill state"}, h("i", {"aria-hidden": "true"}), say(STATES[flow.status] ?? "unknown")), h("span", {class: "muted"}, [flow.version, flow.address.replace(/^https?:\/\//, "")].filter(Boolean).join(" · "))),
      flow.detail ? h("p", {class: "flow-note"}, flow.detail) : null,
      ...waits,
      ["down", "gone", "stopped"].includes(flow.status) ? null : h("div", {class: "flow-graph", tabindex: "0", role: "region", "aria-label": say("graphOf", {flow: name})}, drawFlow(flow)),
      dropped.length ? h("div", {class: "dropped"}, h("span", {class: "muted"}, say("setAside")), ...dropped.map(([what, n]) => h("span", {class: "pill"}, `${what.replace(`${name}/`, "").replaceAll("_", " ")} · ${number(n)}`))) : null);
  }

  relabel() {
    if (!this.section.hidden) this.draw();
  }
}
