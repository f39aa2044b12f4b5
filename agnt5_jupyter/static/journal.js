import { KINDS, NOTED, Rows, STATES } from "./columns.js";
import { Detail } from "./detail.js";
import { button, count, fill, h, plural, sign, span } from "./dom.js";
import { drawFold, foldButton, List } from "./list.js";
import { Pages } from "./pages.js";
import { panel } from "./panel.js";

// A journal as a table or tree of any length: search and filters on top, one entry in full at the side.

const ROW = 26;
const MOST = 16;
const PATIENCE = 180; // milliseconds of typing

class JournalView {
  /** @param {import("./panel.js").View} view */
  constructor(view) {
    this.view = view;
    this.link = view.link;
    this.rows = new Rows();
    /** @type {any} */
    this.head = null;
    this.nested = true;
    /** @type {Set<number>} */
    this.folded = new Set();
    /** @type {Set<number>} */
    this.parents = new Set();
    /** @type {Uint32Array | null} */
    this.found = null;
    this.frame = 0;
    this.pages = new Pages(view.link, () => this.list.soon(), view.fail);
    /** @type {List} */
    this.list = new List({
      height: ROW,
      most: MOST,
      label: "Entries of the journal",
      tree: true,
      make: () => this.#make(),
      draw: (element, row) => this.#draw(element, row),
      choose: (row) => void this.detail.show(this.rows.seq[row]),
      fold: (row, open) => this.fold(row, open),
      seen: (rows) => this.pages.need(rows),
    });
    this.detail = new Detail(view.link, view.fail, (open) => {
      this.split.classList.toggle("has-detail", open);
      if (!open) this.list.element.focus();
    });
    this.status = h("span", { class: "status" });
    this.title = h("span", { class: "title cut", text: view.about.title });
    this.id = h("code", { class: "mono quiet cut" });
    this.facts = h("div", { class: "facts" });
    this.search = /** @type {HTMLInputElement} */ (h("input", { type: "search", class: "grow", placeholder: "Search names, values, errors", "aria-label": "Search the journal", on: { input: () => this.later() } }));
    this.kind = choice("All kinds", KINDS, "Kind", () => void this.filter());
    this.state = choice("All states", STATES, "State", () => void this.filter());
    this.tree = button("Tree", () => this.toggleTree(), { "aria-pressed": "true", title: "Entries below the call that they belong to" });
    this.none = h("div", { class: "empty", hidden: true });
    const heads = h("div", { class: "row heads", "aria-hidden": "true" }, ...["Entry", "Name", "Input", "Output", "Took"].map((text, place) => h("span", { class: COLUMNS[place], text })));
    this.split = h("div", { class: "split" }, h("div", { class: "split-list" }, heads, this.list.element, this.none), this.detail.element);
    fill(view.root,
      h("div", { class: "bar-top" }, this.status, this.title, this.id, this.facts),
      h("div", { class: "filters", role: "search" }, this.search, this.kind, this.state, this.tree),
      this.split);
  }

  async begin() {
    const { link, view } = this;
    link.on("head", ({ fields }) => this.takeHead(fields.head));
    link.on("rows", ({ fields, buffers }) => this.takeRows(fields, buffers[0]));
    view.last(() => {
      cancelAnimationFrame(this.frame);
      clearTimeout(this.timer);
      this.pages.close();
      this.list.close();
    });
    const began = performance.now();
    const { fields } = await link.ask("hello");
    this.takeHead(fields.head);
    await this.rows.fetch(link, (fields, data) => this.takeRows(fields, data));
    this.update();
    view.root.dataset.opened = String(Math.round(performance.now() - began));
  }

  /** @type {any} */
  timer = 0;

  /** @param {any} head */
  takeHead(head) {
    this.head = head;
    fill(this.status, sign(head.status), h("span", { text: head.status }));
    this.status.className = `status ${sign(head.status).className.replace("sign ", "")}`;
    this.title.textContent = head.component;
    this.id.textContent = head.id;
    this.count();
  }

  count() {
    const found = this.found ? `${count(this.found.length)} of ` : "";
    const took = this.head?.ended ? span(this.head.ended - this.head.started) : "";
    fill(this.facts, h("span", { text: found + plural(this.rows.count, "entry", "entries") }), took && h("span", { text: took }));
  }

  /** @param {any} fields @param {DataView} data */
  takeRows(fields, data) {
    const changed = this.rows.take(fields, data);
    this.pages.forget(changed);
    if (this.detail.seq && changed.some((row) => this.rows.seq[row] === this.detail.seq)) void this.detail.show(this.detail.seq);
    if (this.found && fields.tell) this.later();
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.update();
      });
    }
  }

  update() {
    if (this.rows.nested) this.parents = this.rows.parents();
    this.tree.hidden = !this.rows.nested;
    const all = () => Uint32Array.from({ length: this.rows.count }, (_, row) => row);
    this.list.show(this.found ?? (this.nested ? this.rows.tree(this.folded) : all()));
    const empty = this.list.items.length === 0;
    this.none.hidden = !empty;
    this.list.element.hidden = empty;
    this.none.textContent = this.found ? "Nothing fits. Try another word, or clear the filters." : "No entries yet.";
    this.count();
  }

  toggleTree() {
    this.nested = !this.nested;
    this.tree.setAttribute("aria-pressed", String(this.nested));
    this.update();
  }

  /** @param {number} row @param {boolean} open */
  fold(row, open) {
    if (!this.parents.has(row) || !this.nested || this.found) return false;
    if (open) this.folded.delete(row);
    else this.folded.add(row);
    this.update();
    return true;
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.filter(), PATIENCE);
  }

  async filter() {
    const text = this.search.value;
    const kinds = this.kind.value ? [this.kind.value] : [];
    const states = this.state.value ? [this.state.value] : [];
    if (!text.trim() && !kinds.length && !states.length) {
      this.found = null;
    } else {
      try {
        const { fields, buffers } = await this.link.ask("find", { text, kinds, states });
        if (text !== this.search.value) return;
        this.found = new Uint32Array(buffers[0].buffer.slice(buffers[0].byteOffset, buffers[0].byteOffset + 4 * fields.count));
        this.view.say(`${plural(fields.count, "entry", "entries")} found`);
      } catch (error) {
        this.view.fail(error);
        return;
      }
    }
    this.update();
  }

  #make() {
    const cells = COLUMNS.map((name) => h("span", { class: name, role: "gridcell" }));
    cells[1].append(foldButton(() => this.list.items, (row) => this.fold(row, this.folded.has(row))), h("span", { class: "sign" }), h("span", { class: "cut" }), h("span", { class: "kind" }));
    return h("div", { class: "row" }, ...cells);
  }

  /** @param {HTMLElement} element @param {number} row */
  #draw(element, row) {
    const { rows } = this;
    const words = this.pages.get(row);
    const state = rows.state(row);
    const kind = rows.kindOf(row);
    const [seq, name, input, output, took] = /** @type {HTMLElement[]} */ ([...element.children]);
    const [fold, mark, text, what] = /** @type {HTMLElement[]} */ ([...name.children]);
    const level = this.found || !this.nested ? 0 : rows.depth[row];
    const folds = this.parents.has(row) && this.nested && !this.found;
    const shut = this.folded.has(row);
    seq.textContent = String(rows.seq[row]);
    name.style.paddingLeft = `${level * 14}px`;
    drawFold(element, fold, { nested: rows.nested, folds, shut });
    const shape = sign(state);
    mark.className = shape.className;
    mark.textContent = shape.textContent;
    text.textContent = (level === 0 && rows.depth[row] ? words?.path : "") || rows.nameOf(row) || kind;
    what.textContent = rows.flags[row] & NOTED ? "model" : kind === "step" ? "" : kind.replace("_", " ");
    input.textContent = words?.input ?? "";
    output.textContent = words ? words.error || words.output : "";
    output.classList.toggle("bad", Boolean(words?.error));
    const tries = rows.tries[row];
    took.textContent = state === "running" ? "…" : `${tries > 1 ? `${tries}× ` : ""}${span(rows.took[row])}`;
    element.title = `${words?.path ?? rows.nameOf(row)} · ${kind} · ${state}`;
    element.setAttribute("aria-level", String(level + 1));
  }
}

const COLUMNS = ["row-seq number quiet", "row-name", "row-value mono cut", "row-value mono cut", "row-took number quiet"];

/** @param {string} all @param {readonly string[]} words @param {string} label @param {() => void} changed */
function choice(all, words, label, changed) {
  const options = [h("option", { value: "", text: all }), ...words.map((word) => h("option", { value: word, text: word.replace("_", " ") }))];
  return /** @type {HTMLSelectElement} */ (h("select", { "aria-label": label, on: { change: changed } }, ...options));
}

export default { render: panel("journal", (view) => new JournalView(view).begin()) };
