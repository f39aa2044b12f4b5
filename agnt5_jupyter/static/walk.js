import { h, sign } from "./dom.js";
import { List } from "./list.js";

// The positions of a run as a list: where the walk is, what lies ahead, and where it stops by itself.

const ROW = 26;
const MOST = 17;

export class Walk {
  /**
   * @param {import("./columns.js").Rows} rows @param {import("./pages.js").Pages} pages
   * @param {(place: number) => void} go @param {(place: number, on: boolean) => void} stop
   */
  constructor(rows, pages, go, stop) {
    this.rows = rows;
    this.pages = pages;
    this.stop = stop;
    /** Seq of the entry of each position. @type {Uint32Array} */
    this.seqs = new Uint32Array(1);
    /** @type {Set<number>} */
    this.stops = new Set();
    this.index = 0;
    this.list = new List({
      height: ROW,
      most: MOST,
      label: "Positions of the run",
      make: () => this.#make(),
      draw: (element, place) => this.#draw(element, place),
      choose: go,
      seen: (places) => pages.need(places.map((place) => this.row(place)).filter((row) => row >= 0)),
    });
    this.element = h("section", { class: "walk", "aria-label": "Positions" }, this.list.element);
  }

  /** The row of a position's entry, or -1. @param {number} place */
  row(place) {
    return place ? (this.rows.rowOf.get(this.seqs[place]) ?? -1) : -1;
  }

  /** @param {number} place */
  name(place) {
    if (!place) return "start";
    const row = this.row(place);
    return row < 0 ? "asked to cancel" : this.pages.get(row)?.path || this.rows.nameOf(row) || this.rows.kindOf(row);
  }

  /** @param {number} index @param {number} last @param {number[]} stops */
  show(index, last, stops) {
    this.index = index;
    this.stops = new Set(stops);
    if (this.list.items.length !== last + 1) this.list.show(Uint32Array.from({ length: last + 1 }, (_, place) => place));
    this.list.soon();
  }

  /** The row that keys of the list start from: where the walk will be. @param {number} place */
  point(place) {
    this.list.current = place;
    this.list.reveal();
    this.list.soon();
  }

  #make() {
    const stop = h("button", { class: "stop", type: "button", tabindex: "-1", on: { click: (/** @type {MouseEvent} */ event) => this.#toggle(event) } });
    return h("div", { class: "position" },
      h("span", { role: "gridcell", class: "position-stop" }, stop),
      h("span", { role: "gridcell", class: "position-name" }, h("span", { class: "sign" }), h("span", { class: "cut" })),
      h("span", { role: "gridcell", class: "position-value mono cut quiet" }));
  }

  /** @param {MouseEvent} event */
  #toggle(event) {
    event.stopPropagation();
    const place = Number(/** @type {HTMLElement} */ (event.currentTarget).closest(".list-row")?.getAttribute("data-place"));
    if (place) this.stop(place, !this.stops.has(place));
  }

  /** @param {HTMLElement} element @param {number} place */
  #draw(element, place) {
    const row = this.row(place);
    const words = row < 0 ? undefined : this.pages.get(row);
    const state = row < 0 ? "" : this.rows.state(row);
    const [stop, name, value] = /** @type {HTMLElement[]} */ ([...element.children]);
    const button = /** @type {HTMLElement} */ (stop.firstChild);
    const [mark, text] = /** @type {HTMLElement[]} */ ([...name.children]);
    const on = this.stops.has(place);
    button.hidden = !place;
    button.textContent = on ? "●" : "○";
    button.setAttribute("aria-pressed", String(on));
    button.setAttribute("aria-label", `Stop at ${this.name(place)}`);
    button.title = on ? "Stops here; click to pass" : "Click to stop here";
    const shape = sign(state);
    mark.className = shape.className;
    mark.textContent = place ? shape.textContent : "▹";
    text.textContent = this.name(place);
    text.title = place ? `Entry ${this.seqs[place]}` : "";
    value.textContent = words ? words.error || words.output : "";
    value.classList.toggle("bad", Boolean(words?.error));
    element.classList.toggle("is-ahead", place > this.index);
    element.setAttribute("aria-current", place === this.index ? "step" : "false");
    element.setAttribute("aria-label", `${place ? `Entry ${this.seqs[place]}, ` : ""}${this.name(place)}${state ? `, ${state}` : ""}${on ? ", stops here" : ""}`);
  }

  close() {
    this.list.close();
  }
}
