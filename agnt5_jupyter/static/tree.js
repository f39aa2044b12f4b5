import { button, clock, fill, h, plural, sign, span } from "./dom.js";
import { embed, isInner } from "./inner.js";
import { panel, unpack } from "./panel.js";
import { s } from "./svg.js";

// A family of runs: a lane for each, as long as its journal, that leaves its parent's lane where it was cut.

const ROW = 38;
const EDGE = 14;
const SHAPES = /** @type {Record<string, string>} */ ({ completed: "good", failed: "bad", cancelled: "quiet", running: "live" });

class TreeView {
  /** @param {import("./panel.js").View} view */
  constructor(view) {
    this.view = view;
    this.link = view.link;
    /** @type {any[]} */
    this.members = [];
    /** Runs chosen, the one chosen last at the end; two at most. @type {string[]} */
    this.chosen = [];
    this.focused = "";
    this.head = h("div", { class: "bar-top" });
    this.lanes = h("div", { class: "lanes", role: "listbox", "aria-multiselectable": "true", "aria-label": "Runs of the family" });
    this.about = h("section", { class: "section about", "aria-label": "Chosen runs" });
    this.inside = h("section", { class: "section inside", "aria-label": "Opened", hidden: true });
    fill(view.root, this.head, this.lanes, this.about, this.inside);
    this.lanes.addEventListener("keydown", (event) => {
      if (!isInner(event)) this.#key(event);
    });
    this.wide = new ResizeObserver(() => this.drawLines());
    this.wide.observe(this.lanes);
  }

  async begin() {
    this.view.last(() => this.wide.disconnect());
    this.link.on("members", ({ buffers }) => this.take(unpack(buffers[0])));
    const { buffers } = await this.link.ask("hello");
    const found = unpack(buffers[0]);
    this.chosen = [found.chosen];
    this.focused = found.chosen;
    this.take(found);
  }

  /** @param {any} found */
  take(found) {
    this.members = found.members;
    this.home = found.chosen;
    const forks = this.members.length - 1;
    fill(this.head, h("span", { class: "title cut", text: `Runs made of ${this.members[0]?.component ?? ""}` }), h("span", { class: "facts" }, h("span", { text: forks ? plural(forks, "fork or rerun", "forks and reruns") : "No forks yet: `run.fork(…)`, or Fork here in a replay." }), found.more && h("span", { text: "more are not shown" })), h("div", { class: "tools" }, button("Look again", () => void this.again(), { title: "Read the store again" })));
    this.draw();
  }

  async again() {
    try {
      this.take(unpack((await this.link.ask("hello")).buffers[0]));
    } catch (error) {
      this.view.fail(error);
    }
  }

  draw() {
    const had = this.lanes.contains(document.activeElement);
    this.svg = s("svg", { class: "lane-lines", "aria-hidden": "true" });
    const rows = this.members.map((one) => {
      const chosen = this.chosen.includes(one.id);
      const cut = one.how === "fork" ? `cut after ${one.at}` : one.how;
      const row = h("div", { class: `family${one.id === this.home ? " is-home" : ""}`, role: "option", "aria-selected": String(chosen), tabindex: one.id === this.focused ? "0" : "-1", "data-run": one.id, title: one.outcome || null, style: `height:${ROW}px`, on: { click: (/** @type {MouseEvent} */ event) => this.choose(one.id, event.shiftKey || event.ctrlKey || event.metaKey) } },
        h("span", { class: "family-name" }, sign(one.status), h("code", { class: "mono cut", text: one.id }), h("span", { class: "aloud", text: one.status })),
        h("span", { class: "family-lane" }),
        h("span", { class: "family-what cut" }, h("span", { class: "quiet", text: cut }), one.changed.length ? h("span", { text: `${cut ? " · " : ""}${one.changed.join(", ")}` }) : null));
      return row;
    });
    fill(this.lanes, ...rows);
    this.lanes.append(this.svg);
    this.drawLines();
    this.drawAbout();
    if (had) /** @type {HTMLElement | null} */ (this.lanes.querySelector('[tabindex="0"]'))?.focus();
  }

  /** Lanes over the middle column, as wide as it is now. */
  drawLines() {
    const lane = /** @type {HTMLElement | null} */ (this.lanes.querySelector(".family-lane"));
    if (!this.svg || !lane) return;
    const box = lane.getBoundingClientRect();
    const left = box.left - this.lanes.getBoundingClientRect().left + this.lanes.scrollLeft;
    const height = ROW * this.members.length;
    this.svg.setAttribute("width", String(Math.max(box.width, 1)));
    this.svg.setAttribute("height", String(height));
    this.svg.style.left = `${left}px`;
    const longest = Math.max(...this.members.map((one) => one.last), 1);
    const x = (/** @type {number} */ seq) => EDGE + (seq / longest) * Math.max(box.width - 2 * EDGE, 10);
    const place = new Map(this.members.map((one, nth) => [one.id, nth]));
    /** @type {SVGElement[]} */
    const parts = [];
    this.members.forEach((one, nth) => {
      const y = nth * ROW + ROW / 2;
      const tone = SHAPES[one.status] ?? "wait";
      const chosen = this.chosen.includes(one.id);
      const parent = place.get(one.parent);
      const began = one.how === "fork" ? x(one.cut) : EDGE;
      if (parent !== undefined) {
        const from = parent * ROW + ROW / 2;
        const bend = 10;
        parts.push(s("path", { class: `lane-branch${one.how === "rerun" ? " is-rerun" : ""}`, d: `M ${began - bend} ${from} Q ${began} ${from} ${began} ${from + bend} V ${y - bend} Q ${began} ${y} ${began + bend} ${y}` }));
        parts.push(s("circle", { class: "lane-cut", cx: began - bend, cy: from, r: 3 }));
      }
      const start = parent === undefined ? began : began + 10;
      const end = Math.max(x(one.last), start + 4);
      parts.push(s("line", { class: `lane-run ${tone}${chosen ? " is-chosen" : ""}`, x1: start, x2: end, y1: y, y2: y }));
      parts.push(end_(one.status, end, y, tone));
    });
    this.svg.replaceChildren(...parts);
  }

  /** @param {string} id @param {boolean} also beside what is chosen */
  choose(id, also) {
    if (also) {
      this.chosen = this.chosen.includes(id) ? this.chosen.filter((one) => one !== id) : [...this.chosen, id].slice(-2);
    } else this.chosen = [id];
    this.focused = id;
    this.draw();
    /** @type {HTMLElement | null} */ (this.lanes.querySelector('[tabindex="0"]'))?.focus();
    this.view.say(`${this.chosen.length} chosen: ${this.chosen.join(" and ")}`);
  }

  drawAbout() {
    const found = this.chosen.map((id) => this.members.find((one) => one.id === id)).filter(Boolean);
    const parts = found.map((one) => {
      const facts = [["began", clock(one.created)], ["took", one.seconds === null ? "" : span(one.seconds)], ["entries", String(one.entries)], ["made by", one.how], ["cut after", one.how === "fork" ? one.at : ""], ["changed", one.changed.join(", ")], ["outcome", one.outcome]];
      return h("div", { class: "about-run" },
        h("div", { class: "detail-head" }, h("span", { class: "status" }, sign(one.status), h("span", { text: one.status })), h("code", { class: "mono", text: one.id }), button("Open", () => void this.open(one.id), { title: `%agnt5 watch ${one.id}` })),
        h("dl", { class: "detail-facts" }, ...facts.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", { text: value })))));
    });
    const two = found.length === 2;
    // The one made first is the old one, whichever was chosen first.
    const [old, fresh] = [...found].sort((a, b) => a.created - b.created);
    const compare = two && button("Compare these two", () => void this.compare(old.id, fresh.id), { class: "first", title: `%agnt5 diff ${old.id} ${fresh.id}` });
    fill(this.about, h("div", { class: "about-runs" }, ...parts), h("div", { class: "ask-tools" }, compare || h("span", { class: "quiet small", text: "Choose a second run with Shift+click, or Shift+space, to compare two." })));
  }

  /** @param {string} run */
  async open(run) {
    await this.#inside("open", { run }, `%agnt5 watch ${run}`);
  }

  /** @param {string} old @param {string} fresh */
  async compare(old, fresh) {
    await this.#inside("compare", { old, new: fresh }, `%agnt5 diff ${old} ${fresh}`);
  }

  /** @param {string} word @param {object} fields @param {string} magic */
  async #inside(word, fields, magic) {
    try {
      const answer = await this.link.do(word, fields);
      const place = h("div", {});
      fill(this.inside, h("div", { class: "inside-panel" }, h("div", { class: "detail-head" }, h("span", { class: "grow" }), button("Close", () => (this.inside.hidden = true), { class: "plain" })), place));
      this.inside.hidden = false;
      await embed(this.view, place, answer.fields.model, magic);
    } catch (error) {
      this.view.fail(error);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const place = this.members.findIndex((one) => one.id === this.focused);
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: this.members.length - 1 };
    if (event.key in moves) {
      const to = this.members[Math.min(Math.max(moves[event.key], 0), this.members.length - 1)];
      this.focused = to.id;
      for (const row of /** @type {NodeListOf<HTMLElement>} */ (this.lanes.querySelectorAll(".family"))) {
        row.tabIndex = row.dataset.run === to.id ? 0 : -1;
        if (row.tabIndex === 0) row.focus();
      }
    } else if (event.key === " ") this.choose(this.focused, event.shiftKey);
    else if (event.key === "Enter") void this.open(this.focused);
    else return;
    event.preventDefault();
  }
}

/** The end of a lane: a shape for each status. @param {string} status @param {number} x @param {number} y @param {string} tone */
function end_(status, x, y, tone) {
  const shape = { class: `lane-end ${tone}` };
  if (status === "completed") return s("circle", { ...shape, cx: x, cy: y, r: 5 });
  if (status === "failed") return s("path", { ...shape, class: `lane-end is-cross ${tone}`, d: `M ${x - 4} ${y - 4} L ${x + 4} ${y + 4} M ${x + 4} ${y - 4} L ${x - 4} ${y + 4}` });
  if (status === "cancelled") return s("rect", { ...shape, x: x - 4, y: y - 4, width: 8, height: 8 });
  return s("circle", { ...shape, class: `lane-end is-open ${tone}`, cx: x, cy: y, r: 5 });
}

export default { render: panel("tree", (view) => new TreeView(view).begin()) };
