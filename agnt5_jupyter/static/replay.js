import { conversation } from "./chat.js";
import { Rows } from "./columns.js";
import { failure, logs, part } from "./detail.js";
import { button, fill, h, money, plural, sign, span } from "./dom.js";
import { Forking } from "./forking.js";
import { Hand } from "./hand.js";
import { held } from "./held.js";
import { isInner } from "./inner.js";
import { Pages } from "./pages.js";
import { panel, unpack } from "./panel.js";
import { Standing, stateTable } from "./standing.js";
import { Transport } from "./transport.js";
import { valueTree } from "./value.js";
import { Walk } from "./walk.js";

// A walk through a recorded run: positions, source, locals, state, memory, the entry; and forks from where it stands.

class ReplayView {
  /** @param {import("./panel.js").View} view */
  constructor(view) {
    this.view = view;
    this.link = view.link;
    /** @type {any} */
    this.at = null;
    this.rows = new Rows();
    this.pages = new Pages(view.link, () => this.walk.list.soon(), view.fail);
    this.hand = new Hand((wish) => ("to" in wish ? this.act("move", wish) : this.act("run")), () => this.drawAim());
    this.transport = new Transport(this.hand, () => this.toggleStop(), (place) => this.walk.stops.has(place));
    this.walk = new Walk(this.rows, this.pages, (place) => this.transport.to(place), (place, on) => void this.setStop(place, on));
    this.standing = new Standing();
    this.forking = new Forking(view);
    this.status = h("span", { class: "status" });
    this.title = h("span", { class: "title cut" });
    this.id = h("code", { class: "mono quiet cut" });
    this.forks = button("Fork here", () => this.toggleFork(), { "aria-expanded": "false", title: "%agnt5 fork ID --at N [--set path=value]" });
    this.stops = h("div", { class: "stops" });
    this.divergence = h("section", { class: "diverged", "aria-label": "Divergence", hidden: true });
    this.entry = h("section", { class: "entry", "aria-label": "Entry" });
    this.state = h("section", { class: "side", "aria-label": "State" });
    this.memory = h("section", { class: "side", "aria-label": "Memory", hidden: true });
    this.forking.closed = () => this.forks.setAttribute("aria-expanded", "false");
    fill(view.root,
      h("div", { class: "bar-top" }, this.status, this.title, this.id, h("div", { class: "tools" }, this.forks)),
      this.transport.element, this.divergence, this.forking.element,
      h("div", { class: "replay-grid" }, h("div", { class: "replay-walk" }, this.walk.element, this.stops), this.standing.element),
      this.entry,
      h("div", { class: "replay-sides" }, this.state, this.memory));
    view.root.addEventListener("keydown", (event) => {
      if (!isInner(event) && this.transport.key(event)) event.preventDefault();
    });
  }

  async begin() {
    const { link, view } = this;
    link.on("at", ({ buffers }) => this.take(unpack(buffers[0])));
    view.last(() => {
      this.transport.halt();
      this.pages.close();
      this.walk.close();
    });
    link.on("anew", () => void this.load().catch(view.fail));
    await link.ask("hello");
    await this.load();
  }

  /** All of the walk, from where it stands. */
  async load() {
    const { link } = this;
    const { fields, buffers } = await link.ask("walk");
    this.head = fields.head;
    this.walk.seqs = new Uint32Array(buffers[1].buffer.slice(buffers[1].byteOffset, buffers[1].byteOffset + buffers[1].byteLength));
    fill(this.status, sign(this.head.status), h("span", { text: this.head.status }));
    this.status.className = `status ${sign(this.head.status).className.replace("sign ", "")}`;
    this.title.textContent = `Replay of ${this.head.component}${this.head.recorded ? ", its code as recorded" : ""}`;
    this.id.textContent = this.head.id;
    this.forks.hidden = !this.head.forks;
    this.take(unpack(buffers[0]));
    let first = 0;
    for (;;) {
      const { fields, buffers } = await link.ask("index", { first });
      this.rows.take(fields, buffers[0]);
      this.walk.list.soon();
      first += fields.count;
      if (!fields.count || first >= fields.total) return;
    }
  }

  /** Whether it was done. @param {string} word @param {object} [fields] */
  async act(word, fields = {}) {
    try {
      await this.link.do(word, fields);
      return true;
    } catch (error) {
      this.transport.halt();
      this.view.fail(error);
      return false;
    }
  }

  toggleStop() {
    const { aim } = this.hand;
    if (aim) void this.setStop(aim, !this.walk.stops.has(aim));
  }

  /** @param {number} place @param {boolean} on */
  async setStop(place, on) {
    const name = this.walk.name(place);
    await this.act("stop", { seq: this.walk.seqs[place], on });
    this.view.say(on ? `Stops at ${name}` : `Passes ${name}`);
  }

  toggleFork() {
    if (this.forking.open) this.forking.close();
    else {
      this.forks.setAttribute("aria-expanded", "true");
      void this.forking.show();
    }
  }

  /** @param {any} at */
  take(at) {
    const moved = this.at && this.at.index !== at.index;
    this.at = at;
    // The number is the entry's, as in the journal: what `goto` takes.
    const name = at.entry ? `entry ${at.entry.seq}, ${at.entry.path || at.entry.kind}` : "start";
    this.hand.at(at.index, at.last);
    this.walk.show(at.index, at.last, at.stops.places);
    this.transport.show(at.stops.places, name);
    this.drawAim();
    this.standing.show(at);
    this.drawStops();
    this.drawDivergence();
    this.drawEntry();
    this.drawSides();
    if (moved && this.forking.open) void this.forking.show();
    if (moved) this.view.say(`${at.entry ? "After" : "At"} ${name}: ${at.index} of ${plural(at.last, "answer")}`);
    this.view.root.dataset.index = String(at.index);
  }

  /** Slider and list stay where the hand is. */
  drawAim() {
    this.walk.point(this.hand.aim);
    this.transport.draw();
  }

  drawStops() {
    const { names } = this.at.stops;
    const chips = names.map((/** @type {string} */ name) => button(`● ${name}  ×`, () => void this.act("clear", { name }), { class: "chip", title: "Do not stop there", "aria-label": `Remove the stop at ${name}` }));
    fill(this.stops, ...chips, names.length > 1 && button("Remove all", () => void this.act("clear"), { class: "plain small" }),
      !names.length && h("span", { class: "quiet small", text: "Stops: click ○ beside a step, or press b." }));
  }

  drawDivergence() {
    const { divergence } = this.at;
    this.divergence.hidden = !divergence;
    if (divergence) {
      fill(this.divergence, h("div", { class: "bad" }, h("span", { class: "sign", "aria-hidden": "true", text: "✕" }), h("strong", { text: "The code asks otherwise than was recorded. The replay ends here." })), h("pre", { class: "trace mono", tabindex: "0", text: divergence }),
        this.head.recorded ? null : button("Walk the code as it was recorded", () => void this.act("recorded"), { title: 'run.replay(code="recorded")' }));
    }
  }

  drawEntry() {
    const { entry, outcome, frames, why } = this.at;
    const ended = outcome && (frames.length || why) ? h("div", { class: "outcome" }, sign(this.head.status), h("span", { text: outcome })) : null;
    if (!entry || entry.plain) {
      fill(this.entry, h("div", { class: "quiet", text: entry ? "The run was asked to cancel." : "The start: the code ran to its first wait, and no answer was delivered yet." }), ended);
      return;
    }
    const { tokens, cost, model } = entry.meta;
    const facts = [`entry ${entry.seq}`, entry.kind === "step" ? "" : entry.kind.replace("_", " "), entry.took === null ? "" : span(entry.took), entry.attempts > 1 ? `${entry.attempts} attempts` : "", model, tokens && plural(tokens, "token"), cost && money(cost), entry.given && "a person's word", entry.reused && `the answer of entry ${entry.reused} of an older run`];
    const more = (/** @type {string} */ side) => (/** @type {number[]} */ path, /** @type {number} */ start) => this.more(entry.seq, side, path, start);
    const sides = entry.chat
      ? [part("Conversation", conversation(entry.chat.messages, entry.chat.fresh))]
      : [entry.input && part("Input", valueTree(entry.input, more("input"))), entry.error ? part("Error", failure(entry.error)) : entry.output && part("Output", valueTree(entry.output, more("output")))];
    fill(this.entry,
      h("div", { class: "entry-head" }, h("span", { class: "quiet", text: "The answer delivered here" }), sign(entry.state), h("strong", { class: "cut", text: entry.path || entry.name, title: entry.path }), h("span", { class: "facts" }, ...facts.filter(Boolean).map((text) => h("span", { text: String(text) })))),
      h("div", { class: entry.chat ? "" : "entry-sides" }, ...sides),
      entry.logs.length ? part("Printed and logged", logs(entry.logs)) : null, ended);
  }

  drawSides() {
    const { state, memory } = this.at;
    this.state.hidden = !state.length;
    if (state.length) fill(this.state, h("h4", { class: "part-name", text: "State" }), stateTable(state, (seq, side, path, start) => this.more(seq, side, path, start)));
    this.memory.hidden = !memory;
    if (memory) {
      const of = `${memory.count} of ${plural(memory.all, "operation")}`;
      fill(this.memory, h("h4", { class: "part-name" }, "Memory ", h("span", { class: "quiet", text: `what this run stored and read until here · ${of}` })), held(memory, (seq) => this.goTo(seq)));
    }
  }

  /** To where an entry was answered. @param {number} seq */
  goTo(seq) {
    const place = this.walk.seqs.indexOf(seq);
    if (place > 0) this.transport.to(place);
  }

  /** @param {number} seq @param {string} side @param {number[]} path @param {number} start */
  async more(seq, side, path, start) {
    return unpack((await this.link.ask("value", { seq, side, path, start })).buffers[0]);
  }
}

export default { render: panel("replay", (view) => new ReplayView(view).begin()) };
