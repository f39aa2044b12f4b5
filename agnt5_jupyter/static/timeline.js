import { h, sign, span } from "./dom.js";
import { drawFold, foldButton, List } from "./list.js";

// Rows of a run along its time: a bar for what took time, hatched while it waits, a notch where an attempt failed.

const ROW = 26;
const MOST = 14;
const ORIGINS = /** @type {Record<string, string>} */ ({
  shared: "shared with the run that this fork was made of",
  given: "a person's word",
  reused: "the answer of an older run",
});
const WAITS = new Set(["sleep", "event", "join", "child"]);

export class Timeline {
  /**
   * @param {import("./columns.js").Rows} rows @param {import("./pages.js").Pages} pages
   * @param {(row: number) => void} choose @param {(row: number) => void} open shows the steps of the run that a row made
   */
  constructor(rows, pages, choose, open) {
    this.rows = rows;
    this.pages = pages;
    this.open = open;
    /** Rows whose runs were asked for. @type {Set<number>} */
    this.opened = new Set();
    /** @type {Set<number>} */
    this.folded = new Set();
    /** @type {Set<number>} */
    this.parents = new Set();
    /** Seconds that the axis spans, and where it starts. */
    this.total = 1;
    this.origin = 0;
    this.lane = h("div", { class: "axis-lane" });
    this.axis = h("div", { class: "axis", "aria-hidden": "true" }, this.lane);
    /** @type {List} */
    this.list = new List({
      height: ROW,
      most: MOST,
      label: "Timeline of the run's steps",
      tree: true,
      make: () => this.#make(),
      draw: (element, row) => this.#draw(element, row),
      choose,
      fold: (row, open) => this.fold(row, open),
      seen: (items) => pages.need(items),
    });
    this.list.follows = true;
    this.empty = h("div", { class: "empty", text: "No step yet." });
    this.element = h("div", { class: "timeline" }, this.axis, this.list.element, this.empty);
  }

  /** @param {number} row @param {boolean} open */
  fold(row, open) {
    if (!this.folds(row)) return false;
    if (!this.parents.has(row)) {
      if (!open) return false;
      this.opened.add(row);
      this.open(row);
    } else if (open) this.folded.delete(row);
    else this.folded.add(row);
    this.update();
    return true;
  }

  /** Whether something lies below a row, or may. @param {number} row */
  folds(row) {
    return this.parents.has(row) || (this.rows.makes(row) && !this.opened.has(row));
  }

  /** Whether what lies below a row is not in sight. @param {number} row */
  shut(row) {
    return this.folded.has(row) || !this.parents.has(row);
  }

  /** New rows, or a new order. */
  update() {
    if (this.rows.nested) this.parents = this.rows.parents();
    this.list.show(this.rows.tree(this.folded));
    this.empty.hidden = this.rows.count > 0;
    this.list.element.hidden = this.axis.hidden = this.rows.count === 0;
  }

  /** @param {number} origin @param {number} until seconds on the run's clock */
  clock(origin, until) {
    this.origin = origin;
    this.total = Math.max(until - origin, 0.001);
    const step = nice(this.total / Math.max(1, Math.min(6, Math.floor(this.lane.clientWidth / 80))));
    const ticks = [];
    for (let at = 0; at <= this.total * 0.97; at += step) {
      ticks.push(h("span", { class: "tick", text: at ? span(at) : "0", style: `left:${(at / this.total) * 100}%` }));
    }
    this.lane.replaceChildren(...ticks);
    this.list.soon();
  }

  #make() {
    return h("div", { class: "step" },
      h("div", { class: "step-name", role: "gridcell" }, foldButton(() => this.list.items, (row) => this.fold(row, this.shut(row))), h("span", { class: "sign" }), h("span", { class: "step-title" }), h("span", { class: "step-given mono quiet cut" })),
      h("div", { class: "lane", role: "gridcell" }, h("i", { class: "span" })),
      h("div", { class: "step-took number quiet", role: "gridcell" }));
  }

  /** @param {HTMLElement} element @param {number} row */
  #draw(element, row) {
    const { rows } = this;
    const state = rows.state(row);
    const kind = rows.kindOf(row);
    const words = this.pages.get(row);
    const live = state === "running" || state === "retrying";
    const [name, lane, took] = /** @type {HTMLElement[]} */ ([...element.children]);
    const [fold, mark, text, given] = /** @type {HTMLElement[]} */ ([...name.children]);
    element.setAttribute("aria-level", String(rows.depth[row] + 1));
    drawFold(element, fold, { nested: rows.nested, folds: this.folds(row), shut: this.shut(row) });
    name.style.paddingLeft = `${rows.depth[row] * 14}px`;
    const waits = live && WAITS.has(kind);
    const shape = sign(waits ? "waiting" : state);
    mark.className = shape.className + (live && !waits ? " pulse" : "");
    mark.textContent = shape.textContent;
    text.textContent = rows.nameOf(row) || kind;
    given.textContent = kind === "event" ? "" : (words?.input ?? "");
    const origin = rows.origin(row);
    element.title = `${words?.path ?? rows.nameOf(row)} · ${kind} · ${state}${origin ? ` · ${ORIGINS[origin]}` : ""}${words?.error ? ` · ${words.error}` : ""}`;
    element.setAttribute("aria-label", `${rows.nameOf(row) || kind}, ${kind}, ${state}${origin ? `, ${origin}` : ""}`);
    element.classList.toggle("is-taken", Boolean(origin));
    if (origin) {
      // Whatever time it took was that of another run, or of a person.
      lane.replaceChildren(h("i", { class: "taken", style: `left:${percent(rows.began[row] - this.origin, this.total)}%` }));
      took.textContent = origin;
      return;
    }
    const began = rows.began[row] - this.origin;
    const lasted = live ? Math.max(this.total - began, 0) : rows.took[row];
    const tone = shape.className.replace("sign ", "");
    lane.replaceChildren(bar(began, lasted, this.total, `${tone}${WAITS.has(kind) ? " hatched" : ""}${live ? " open" : ""}`));
    const first = words?.tries?.[0];
    if (first && !live) {
      const from = first[0] - this.base - this.origin;
      lane.prepend(h("i", { class: "again", style: `left:${percent(from, this.total)}%;width:${percent(began - from, this.total)}%` }));
    }
    for (const [at] of words?.tries ?? []) {
      lane.append(h("i", { class: "notch", title: "a failed attempt", style: `left:${percent(at - this.base - this.origin, this.total)}%` }));
    }
    const tries = rows.tries[row];
    took.textContent = live ? (state === "retrying" ? `try ${tries + 1}` : waits ? "waits" : "…") : `${tries > 1 ? `${tries}× ` : ""}${kind === "state_set" || kind === "state_get" ? "" : span(rows.took[row])}`;
  }

  /** Seconds since 1970 of the index's zero. */
  base = 0;

  close() {
    this.list.close();
  }
}

/** @param {number} began @param {number} lasted @param {number} total @param {string} tone */
export function bar(began, lasted, total, tone) {
  const left = percent(began, total);
  const width = Math.min(percent(lasted, total), 100 - left);
  return h("i", { class: `span ${tone}`, style: `left:min(${left}%, calc(100% - 3px));width:max(3px, ${width}%)` });
}

/** @param {number} part @param {number} total */
const percent = (part, total) => Math.min(100, Math.max(0, (part / total) * 100)) || 0;

/** The next of 1, 2, 5 times a power of ten; of minutes and hours too. @param {number} rough */
function nice(rough) {
  if (rough > 45) {
    for (const step of [60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200]) if (step >= rough) return step;
    return 86400 * Math.ceil(rough / 86400);
  }
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
}
