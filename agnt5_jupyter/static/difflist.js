import { h } from "./dom.js";
import { List } from "./list.js";

// Rows of two runs side by side; what is the same in both is folded, as one line that opens.

const ROW = 28;
const MOST = 18;
/** As many rows that are the same stay unfolded. */
const FEW = 3;

/** Shape, tone and words of each kind of row: never colour alone. */
export const MARKS = /** @type {Record<string, [string, string, string]>} */ ({
  same: ["=", "quiet", "same"],
  input: ["≠", "wait", "other input"],
  output: ["≠", "wait", "other answer"],
  code: ["≠", "live", "other code"],
  moved: ["⇅", "live", "moved"],
  removed: ["−", "bad", "only old"],
  added: ["+", "good", "only new"],
});

export class DiffList {
  /** @param {import("./pages.js").Pages} pages @param {(row: number) => void} choose */
  constructor(pages, choose) {
    this.pages = pages;
    /** @type {string[]} */
    this.kinds = [];
    /** @type {Uint8Array} */
    this.codes = new Uint8Array(0);
    /** Rows at which a folded stretch begins, and how long it is. @type {Map<number, number>} */
    this.folds = new Map();
    /** @type {Set<number>} */
    this.open = new Set();
    this.list = new List({
      height: ROW,
      most: MOST,
      label: "Entries of both runs",
      make: () => this.#make(),
      draw: (element, item) => this.#draw(element, item),
      choose: (item) => (item < 0 ? this.#unfold(-item - 1) : choose(item)),
      seen: (items) => pages.need(items.filter((item) => item >= 0)),
    });
    const heads = h("div", { class: "pair pair-heads", "aria-hidden": "true" }, h("span", { class: "pair-mark", text: "" }), h("span", { class: "pair-name", text: "Entry" }), h("span", { class: "pair-side", text: "Old run" }), h("span", { class: "pair-side", text: "New run" }));
    this.element = h("div", { class: "pairs" }, heads, this.list.element);
  }

  /** @param {string[]} kinds @param {Uint8Array} codes */
  take(kinds, codes) {
    this.kinds = kinds;
    this.codes = codes;
    let began = 0;
    for (let row = 0; row <= codes.length; row++) {
      if (row < codes.length && codes[row] === 0) continue;
      if (row - began > FEW) this.folds.set(began, row - began);
      began = row + 1;
    }
    this.update();
  }

  update() {
    const items = [];
    for (let row = 0; row < this.codes.length; row++) {
      const folded = this.folds.get(row);
      if (folded && !this.open.has(row)) {
        items.push(-row - 1);
        row += folded - 1;
      } else items.push(row);
    }
    this.list.show(items);
  }

  /** @param {number} row */
  #unfold(row) {
    this.open.add(row);
    this.update();
    this.list.current = row;
    this.list.soon();
  }

  /** The next row that differs, from a place on; -1 for none. @param {number} from @param {number} by 1 or -1 */
  differing(from, by) {
    for (let row = from; row >= 0 && row < this.codes.length; row += by) if (this.codes[row] !== 0) return row;
    return -1;
  }

  #make() {
    return h("div", { class: "pair" },
      h("span", { role: "gridcell", class: "pair-mark" }, h("span", { class: "sign" }), h("span", { class: "pair-word" })),
      h("span", { role: "gridcell", class: "pair-name cut" }),
      h("span", { role: "gridcell", class: "pair-side mono cut" }),
      h("span", { role: "gridcell", class: "pair-side mono cut" }));
  }

  /** @param {HTMLElement} element @param {number} item */
  #draw(element, item) {
    const [mark, name, old, fresh] = /** @type {HTMLElement[]} */ ([...element.children]);
    const [shape, word] = /** @type {HTMLElement[]} */ ([...mark.children]);
    const folded = item < 0;
    const kind = folded ? "same" : this.kinds[this.codes[item]];
    const [sign, tone, text] = MARKS[kind];
    element.className = `list-row pair is-${kind}${folded ? " is-folded" : ""}`;
    shape.className = `sign ${tone}`;
    shape.textContent = sign;
    word.className = `pair-word ${tone}`;
    if (folded) {
      word.textContent = "";
      name.textContent = `${this.folds.get(-item - 1)} the same · show`;
      old.textContent = fresh.textContent = "";
      element.setAttribute("aria-label", `${name.textContent}`);
      return;
    }
    word.textContent = text;
    const words = /** @type {any} */ (this.pages.get(item));
    name.textContent = words?.path ?? "…";
    name.style.paddingLeft = `${(words?.depth ?? 0) * 12}px`;
    this.#side(old, words?.old, Boolean(words));
    this.#side(fresh, words?.new, Boolean(words));
    element.setAttribute("aria-label", `${text}: ${words?.path ?? ""}`);
  }

  /** @param {HTMLElement} cell @param {any} side @param {boolean} known */
  #side(cell, side, known) {
    cell.textContent = side ? side.line || side.state : "";
    cell.classList.toggle("bad", Boolean(side?.failed));
    cell.classList.toggle("is-absent", known && !side);
  }

  close() {
    this.list.close();
  }
}
