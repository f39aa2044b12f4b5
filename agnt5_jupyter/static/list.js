import { h } from "./dom.js";

// A list of any length of which only what is in sight exists, with one row that the keyboard moves.

const SPARE = 6;

/**
 * @typedef {object} ListOptions
 * @property {number} height of a row, in pixels
 * @property {number} most rows in sight
 * @property {string} label for who cannot see it
 * @property {boolean} [tree] rows have levels and fold
 * @property {() => HTMLElement} make an empty row
 * @property {(element: HTMLElement, item: number) => void} draw an item into a row; again and again
 * @property {(item: number) => void} choose a row was chosen
 * @property {(item: number, open: boolean) => boolean} [fold] left and right; whether it did something
 * @property {(items: number[]) => void} [seen] items that came into sight
 */

/** Shows items (numbers) in the order it is given. */
export class List {
  /** @param {ListOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {ArrayLike<number>} */
    this.items = [];
    /** @type {number | null} */
    this.current = null;
    /** @type {Map<number, HTMLElement>} */
    this.drawn = new Map();
    /** @type {HTMLElement[]} */
    this.free = [];
    this.id = `a5-${Math.random().toString(36).slice(2)}`;
    this.space = h("div", { class: "list-space", role: "rowgroup" });
    this.element = h("div", {
      class: "list",
      role: options.tree ? "treegrid" : "grid",
      tabindex: "0",
      "aria-label": options.label,
      on: { scroll: () => this.soon(), keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) },
    });
    this.element.append(this.space);
    this.wide = new ResizeObserver(() => this.soon());
    this.wide.observe(this.element);
    this.frame = 0;
  }

  close() {
    this.wide.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /** Show these, in this order. At its end, it stays at its end. @param {ArrayLike<number>} items */
  show(items) {
    const { height, most } = this.options;
    const atEnd = this.element.scrollTop + this.element.clientHeight >= this.space.offsetHeight - height;
    const grew = items.length > this.items.length;
    this.items = items;
    this.space.style.height = `${items.length * height}px`;
    this.element.style.height = `${Math.min(Math.max(items.length, 1), most) * height}px`;
    this.element.setAttribute("aria-rowcount", String(items.length));
    if (grew && atEnd && this.follows) this.element.scrollTop = items.length * height;
    this.soon();
  }

  /** Whether it scrolls on while it grows. */
  follows = false;

  /** Draw on the next frame. */
  soon() {
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }
  }

  draw() {
    const { height, draw, make } = this.options;
    const { scrollTop, clientHeight } = this.element;
    const from = Math.max(0, Math.floor(scrollTop / height) - SPARE);
    const to = Math.min(this.items.length, Math.ceil((scrollTop + (clientHeight || 400)) / height) + SPARE);
    for (const [place, element] of this.drawn) {
      if (place >= from && place < to) continue;
      this.drawn.delete(place);
      element.remove();
      this.free.push(element);
    }
    const items = [];
    for (let place = from; place < to; place++) {
      let element = this.drawn.get(place);
      if (!element) {
        element = this.free.pop() ?? this.#new(make());
        element.style.top = `${place * height}px`;
        element.dataset.place = String(place);
        element.id = `${this.id}-${place}`;
        element.setAttribute("aria-rowindex", String(place + 1));
        this.drawn.set(place, element);
        this.space.append(element);
      }
      const item = this.items[place];
      element.setAttribute("aria-selected", String(item === this.current));
      draw(element, item);
      items.push(item);
    }
    const active = this.place();
    if (active >= from && active < to) this.element.setAttribute("aria-activedescendant", `${this.id}-${active}`);
    else this.element.removeAttribute("aria-activedescendant");
    this.options.seen?.(items);
  }

  /** @param {HTMLElement} element */
  #new(element) {
    element.classList.add("list-row");
    element.setAttribute("role", "row");
    element.style.height = `${this.options.height}px`;
    element.addEventListener("click", () => this.choose(this.items[Number(element.dataset.place)]));
    return element;
  }

  /** Where the current item stands, or -1. */
  place() {
    return this.current === null ? -1 : Array.prototype.indexOf.call(this.items, this.current);
  }

  /** @param {number} item */
  choose(item) {
    this.current = item;
    this.reveal();
    this.soon();
    this.options.choose(item);
  }

  /** Scroll so far that the current row is in sight. */
  reveal() {
    const place = this.place();
    if (place < 0) return;
    const { height } = this.options;
    const top = place * height;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + height > scrollTop + clientHeight) this.element.scrollTop = top + height - clientHeight;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.target !== this.element || event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.options.height) - 1);
    const last = this.items.length - 1;
    const place = this.place();
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: place + 1, ArrowUp: place < 0 ? 0 : place - 1, PageDown: place + page };
    Object.assign(moves, { PageUp: place - page, Home: 0, End: last });
    if (event.key in moves) {
      if (last >= 0) this.choose(this.items[Math.min(last, Math.max(0, moves[event.key]))]);
    } else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && place >= 0) {
      if (!this.options.fold?.(this.items[place], event.key === "ArrowRight")) return;
    } else if ((event.key === "Enter" || event.key === " ") && place >= 0) {
      this.options.choose(this.items[place]);
    } else return;
    event.preventDefault();
  }
}

/** The button that folds the row it stands in. @param {() => ArrayLike<number>} items of its list @param {(item: number) => void} run */
export function foldButton(items, run) {
  const click = (/** @type {MouseEvent} */ event) => {
    event.stopPropagation();
    run(items()[Number(made.closest(".list-row")?.getAttribute("data-place"))]);
  };
  const made = h("button", { class: "fold", type: "button", tabindex: "-1", on: { click } });
  return made;
}

/** Say on a row and its button how it folds. @param {HTMLElement} row @param {HTMLElement} fold @param {{ nested: boolean, folds: boolean, shut: boolean }} now */
export function drawFold(row, fold, { nested, folds, shut }) {
  fold.textContent = folds ? (shut ? "▸" : "▾") : "";
  fold.hidden = !nested;
  fold.style.visibility = folds ? "visible" : "hidden";
  fold.setAttribute("aria-label", shut ? "Unfold" : "Fold");
  if (folds) row.setAttribute("aria-expanded", String(!shut));
  else row.removeAttribute("aria-expanded");
}
