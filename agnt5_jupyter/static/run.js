import { question } from "./ask.js";
import { Rows } from "./columns.js";
import { Detail, failure, logs, part } from "./detail.js";
import { button, clock, count, fill, h, money, plural, sign, span } from "./dom.js";
import { Pages } from "./pages.js";
import { panel, unpack } from "./panel.js";
import { Timeline } from "./timeline.js";
import { valueTree } from "./value.js";

// One run, live: status and totals, what it asks of people, the answer as it is given, a timeline, and what came of it.

const ENDED = new Set(["completed", "failed", "cancelled"]);

class RunView {
  /** @param {import("./panel.js").View} view */
  constructor(view) {
    this.view = view;
    this.link = view.link;
    /** @type {any} */
    this.head = null;
    /** Seconds by which the kernel's clock is ahead of this one. */
    this.skew = 0;
    this.rows = new Rows();
    this.pages = new Pages(view.link, () => this.timeline.list.soon(), view.fail);
    this.timeline = new Timeline(this.rows, this.pages, (row) => void this.detail.show(this.rows.seq[row]), (row) => void this.open(this.rows.seq[row]));
    this.detail = new Detail(view.link, view.fail, (open) => void (open || this.timeline.list.element.focus()));
    this.status = h("span", { class: "status", "data-testid": "agnt5-status" });
    this.title = h("span", { class: "title cut", text: view.about.title });
    this.id = h("code", { class: "mono quiet cut" });
    this.facts = h("div", { class: "facts" });
    this.tools = h("div", { class: "tools", role: "toolbar", "aria-label": "Steer the run" });
    this.reason = h("div", { class: "padded", hidden: true });
    this.asks = h("div", { class: "asks" });
    this.event = h("div", { class: "section padded", hidden: true });
    this.answer = h("div", { class: "answer-text" });
    this.answering = h("section", { class: "section", hidden: true, "aria-label": "Answer" }, h("div", { class: "section-head", text: "Answer" }), h("div", { class: "padded" }, this.answer));
    this.end = h("section", { class: "section end", hidden: true, "aria-label": "Result" });
    fill(view.root,
      h("div", { class: "bar-top" }, this.status, this.title, this.id, this.facts, this.tools),
      this.reason, this.event, this.asks, this.answering,
      h("section", { class: "section", "aria-label": "Timeline" }, this.timeline.element, this.detail.element),
      this.end);
    this.stands = "";
    this.frame = 0;
    this.asked = "";
    this.buttons = "";
  }

  async begin() {
    const { link, view } = this;
    link.on("head", ({ fields }) => this.takeHead(fields.head));
    link.on("rows", ({ fields, buffers }) => this.takeRows(fields, buffers[0]));
    link.on("answer", ({ fields }) => this.takeAnswer(fields.text, fields.begins));
    view.last(() => this.close());
    const ticking = setInterval(() => this.tick(), 250);
    view.last(() => clearInterval(ticking));
    const { fields } = await link.ask("hello");
    if (fields.spoken) this.takeAnswer(fields.spoken, true);
    this.takeHead(fields.head); // which may tell the end, and what was said is shown otherwise then
    await this.rows.fetch(link, (fields, data) => this.takeRows(fields, data));
  }

  /** @param {any} fields @param {DataView} data */
  takeRows(fields, data) {
    const changed = this.rows.take(fields, data);
    this.pages.forget(changed);
    if (this.detail.seq && changed.some((row) => this.rows.seq[row] === this.detail.seq)) void this.detail.show(this.detail.seq);
    this.soon();
  }

  soon() {
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.tick();
        this.timeline.update();
      });
    }
  }

  get ended() {
    return Boolean(this.head && ENDED.has(this.head.status));
  }

  /** Whether it goes on only when a person says so. */
  get stopped() {
    return this.head.status === "paused" || this.head.interrupted;
  }

  /** Now on the run's clock, in seconds since the index's zero. */
  now() {
    const { head } = this;
    const until = this.ended || this.stopped ? this.last() : Date.now() / 1000 + this.skew;
    return until - head.created;
  }

  /** When a run that does not go on did something last, in seconds since 1970. */
  last() {
    const { head, rows } = this;
    if (head.ended) return head.ended;
    let last = 0;
    for (let row = 0; row < rows.count; row++) last = Math.max(last, rows.began[row] + (rows.took[row] || 0));
    return head.created + last;
  }

  tick() {
    const { head } = this;
    if (!head) return;
    const origin = head.started ? head.started - head.created : 0;
    const now = this.now();
    this.timeline.base = head.created;
    this.timeline.clock(origin, now);
    const took = head.started ? span(now - origin) : "";
    const failed = (head.states.failed ?? 0) + (head.states["timed out"] ?? 0);
    const facts = [took, plural(head.entries, "entry", "entries"), failed ? `${count(failed)} failed` : "", head.tokens ? plural(head.tokens, "token") : "", head.cost ? money(head.cost) : "", ...head.waits.slice(0, 2).map(waits)];
    fill(this.facts, ...facts.filter(Boolean).map((text) => h("span", { text })));
  }

  /** @param {any} head */
  takeHead(head) {
    const was = this.stands;
    this.head = head;
    this.skew = head.now - Date.now() / 1000;
    this.stands = head.interrupted ? "interrupted" : head.status;
    fill(this.status, sign(this.stands), h("span", { text: this.stands }));
    this.status.className = `status ${sign(this.stands).className.replace("sign ", "")}`;
    this.status.classList.toggle("pulse", this.stands === "running");
    this.title.textContent = head.component;
    this.title.title = head.component;
    this.id.textContent = head.id;
    this.drawReason();
    this.drawTools();
    this.drawAsks();
    if (this.ended) this.drawEnd();
    if (was !== this.stands) this.view.say(`Run ${this.stands}`);
    this.soon();
  }

  drawReason() {
    const { reason, status, warnings, interrupted, id } = this.head;
    const lines = [status === "paused" && reason ? reason : "", ...warnings.map((/** @type {string} */ one) => `Warning: ${one}`)].filter(Boolean).map((text) => h("div", { class: "quiet", text }));
    if (interrupted) lines.unshift(h("div", {}, "Nobody drives this run: its process went away. Resume, or ", h("code", { class: "mono", text: `%agnt5 resume ${id}` }), ", lets it go on after its last recorded step."));
    this.reason.hidden = !lines.length;
    fill(this.reason, ...lines);
  }

  drawTools() {
    const { status, interrupted, id } = this.head;
    const wanted = `${status} ${interrupted}`;
    if (wanted === this.buttons) return;
    this.buttons = wanted;
    const act = (/** @type {string} */ word) => () => void this.act(word).catch(() => {});
    fill(this.tools,
      !this.ended && button("Send event", () => this.openEvent(), { title: `%agnt5 event NAME [PAYLOAD] --to ${id}` }),
      !this.ended && (this.stopped ? button("Resume", act("resume"), { class: "first", title: `%agnt5 resume ${id}` }) : button("Pause", act("pause"), { title: `%agnt5 pause ${id}` })),
      !this.ended && button("Cancel", act("cancel"), { title: `%agnt5 cancel ${id}` }));
    if (this.ended) this.event.hidden = true;
  }

  drawAsks() {
    const asked = JSON.stringify(this.head.asks);
    if (asked === this.asked) return; // what a person is typing stays
    this.asked = asked;
    fill(this.asks, ...this.head.asks.map((/** @type {import("./ask.js").Ask} */ ask) => question(ask, (word, fields) => this.act(word, fields), ask.run)));
    if (this.head.asks.length) this.view.say(`The run asks: ${this.head.asks[0].agent} wants to call ${this.head.asks[0].tool}`);
  }

  openEvent() {
    const waiting = this.head.waits.find((/** @type {any} */ one) => one.kind === "event");
    const name = /** @type {HTMLInputElement} */ (h("input", { value: waiting?.name ?? "", placeholder: "Name", "aria-label": "Name of the event" }));
    const payload = /** @type {HTMLInputElement} */ (h("input", { class: "mono grow", placeholder: "Payload as JSON, or nothing", "aria-label": "Payload as JSON", spellcheck: "false" }));
    const send = async () => {
      try {
        await this.act("event", { name: name.value, payload: payload.value });
        this.event.hidden = true;
      } catch {
        payload.focus();
      }
    };
    for (const field of [name, payload]) field.addEventListener("keydown", (event) => void (event.key === "Enter" && send()));
    const title = `%agnt5 event NAME [PAYLOAD] --to ${this.head.id}`;
    fill(this.event, h("div", { class: "ask-tools" }, name, payload, button("Send", () => void send(), { class: "first", title }), button("Close", () => (this.event.hidden = true), { class: "plain" })));
    this.event.hidden = false;
    (waiting ? payload : name).focus();
  }

  /** @param {string} word @param {object} [fields] */
  async act(word, fields = {}) {
    try {
      const { fields: answer } = await this.link.do(word, fields);
      if (answer.said) this.view.say(answer.said);
    } catch (error) {
      this.view.fail(error);
      throw error;
    }
  }

  /** Show the steps of the run that an entry made. @param {number} seq */
  async open(seq) {
    try {
      await this.link.ask("open", { seq });
    } catch (error) {
      this.view.fail(error);
    }
  }

  /** @param {string} text @param {boolean} begins */
  takeAnswer(text, begins) {
    if (begins) this.answer.textContent = text;
    else this.answer.append(text);
    this.answering.hidden = false;
    this.answer.classList.toggle("is-live", !this.ended);
    this.answer.scrollTop = this.answer.scrollHeight;
  }

  drawEnd() {
    const { result, failure: failed, logs: lines, reason, status, successor } = this.head;
    const parts = [];
    if (failed) parts.push(part("Error", failure(failed)));
    else if (status === "cancelled") parts.push(h("div", { class: "quiet", text: reason || "It was cancelled." }));
    if (successor) parts.push(h("div", { class: "quiet" }, "It goes on as ", h("code", { class: "mono", text: successor }), "."));
    const answers = result?.type === "Answer";
    const text = textOf(result);
    if (!answers) this.settleAnswer(text);
    else if (!this.wasSaid(text)) this.takeAnswer(text.text, true);
    this.answer.classList.remove("is-live");
    if (result) parts.push(part(answers ? "Result, with what led to it" : "Result", valueTree(result, async (path, start) => unpack((await this.link.ask("result", { path, start })).buffers[0]), { open: !answers })));
    if (lines?.length) parts.push(part("Printed and logged outside of steps", logs(lines)));
    this.end.hidden = !parts.length;
    fill(this.end, h("div", { class: "padded" }, ...parts));
  }

  /** Whether this is what was streamed; of a long text only the beginning is known here. @param {{ text: string, size: number }} known */
  wasSaid({ text, size }) {
    const said = this.answer.textContent ?? "";
    return said === text || (size > text.length && text !== "" && said.startsWith(text));
  }

  /** What was said on the way is not the end: it goes when it is the result, else it folds. @param {{ text: string, size: number }} result */
  settleAnswer(result) {
    this.answering.hidden = !this.answer.textContent || this.wasSaid(result);
    if (this.answering.hidden || this.answer.closest("details")) return;
    fill(this.answering, h("details", { class: "padded" }, h("summary", { class: "quiet", text: "What a model said on the way" }), this.answer));
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.pages.close();
    this.timeline.close();
  }
}

/** The text that a result is, or of an Answer its text: as much of it as came, and how long it is. @param {any} result */
function textOf(result) {
  const node = result?.type === "Answer" ? result.children?.find((/** @type {[string, any]} */ [name]) => name === "text")?.[1] : result;
  if (node?.kind !== "text") return { text: "", size: 0 };
  const text = node.text ?? node.line.slice(1, -1).replace(/\\(['"\\])/g, "$1");
  return { text, size: node.size ?? text.length };
}

/** @param {{ kind: string, name: string, due: number | null }} wait */
function waits({ kind, name, due }) {
  const until = due ? ` until ${clock(due)}` : "";
  return kind === "sleep" ? `sleeps${until}` : `waits for ${name}${until}`;
}

export default { render: panel("run", (view) => new RunView(view).begin()) };
