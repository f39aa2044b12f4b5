import { fill, h } from "./dom.js";
import { s } from "./svg.js";

// Facts as points on a plane. One point at a time has the focus; arrows go to the nearest in their direction.

const SIZE = 100;
const EDGE = 5;

/** @typedef {[id: string, x: number, y: number, text: string]} Point */

export class FactMap {
  /** @param {(id: string) => void} choose */
  constructor(choose) {
    this.choose = choose;
    /** @type {Point[]} */
    this.points = [];
    /** @type {Map<string, SVGElement>} */
    this.dots = new Map();
    this.current = "";
    this.label = h("div", { class: "map-label", "aria-hidden": "true", hidden: true });
    this.plane = h("div", { class: "map-plane" });
    this.caption = h("div", { class: "quiet small map-caption" });
    this.element = h("div", { class: "map" }, this.plane, this.caption);
    this.plane.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {{ points: Point[], share: number, why: string, embedder: string, dimension: number, of: number }} found */
  show({ points, share, why, embedder, dimension, of }) {
    this.points = points;
    this.dots.clear();
    if (!points.length) {
      fill(this.plane);
      this.plane.hidden = true;
      this.caption.textContent = why;
      return;
    }
    this.plane.hidden = false;
    this.current = points[0][0];
    const dots = points.map(([id, x, y, text]) => {
      const dot = s("circle", { class: "dot", cx: this.#x(x), cy: this.#y(y), r: points.length > 400 ? 0.9 : 1.4, role: "option", tabindex: id === this.current ? 0 : -1, "aria-label": text });
      dot.addEventListener("pointerenter", () => this.#tell(id));
      dot.addEventListener("pointerleave", () => (this.label.hidden = true));
      dot.addEventListener("focus", () => this.#tell(id));
      dot.addEventListener("blur", () => (this.label.hidden = true));
      dot.addEventListener("click", () => this.choose(id));
      this.dots.set(id, dot);
      return dot;
    });
    this.ranks = s("g", { "aria-hidden": "true" });
    const picture = s("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "listbox", "aria-label": "Facts by meaning; arrows go to the nearest" },
      s("line", { class: "map-axis", x1: SIZE / 2, x2: SIZE / 2, y1: 0, y2: SIZE }), s("line", { class: "map-axis", x1: 0, x2: SIZE, y1: SIZE / 2, y2: SIZE / 2 }), ...dots, this.ranks);
    fill(this.plane, picture, this.label);
    const all = of > points.length ? `The newest ${points.length} of ${of} facts` : `${points.length} facts`;
    this.caption.textContent = `${all} by meaning. Two of ${dimension} dimensions, ${Math.round(share * 100)} % of the variance. ${embedder}`;
  }

  /** Mark what was found, by rank. @param {string[]} ids */
  mark(ids) {
    for (const dot of this.dots.values()) dot.classList.remove("is-found");
    this.plane.classList.toggle("has-found", ids.length > 0);
    /** @type {SVGElement[]} */
    const ranks = [];
    ids.forEach((id, nth) => {
      const dot = this.dots.get(id);
      const point = this.points.find(([one]) => one === id);
      if (!dot || !point) return;
      dot.classList.add("is-found");
      ranks.push(s("text", { class: "rank", x: this.#x(point[1]) + (point[1] > 0.85 ? -2.2 : 2.2), "text-anchor": point[1] > 0.85 ? "end" : null, y: this.#y(point[2]) + 1.2, text: nth + 1 }));
    });
    this.ranks?.replaceChildren(...ranks);
  }

  /** @param {number} x */
  #x(x) {
    return SIZE / 2 + x * (SIZE / 2 - EDGE);
  }

  /** @param {number} y */
  #y(y) {
    return SIZE / 2 - y * (SIZE / 2 - EDGE);
  }

  /** @param {string} id */
  #tell(id) {
    const point = this.points.find(([one]) => one === id);
    if (!point) return;
    this.label.textContent = point[3];
    this.label.hidden = false;
    const [left, top] = [this.#x(point[1]), this.#y(point[2])];
    this.label.style.cssText = `${left > 50 ? `right:${100 - left}%` : `left:${left}%`};${top > 70 ? `bottom:${104 - top}%` : `top:${top + 4}%`}`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    /** @type {Record<string, [number, number]>} */
    const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const way = ways[event.key];
    const here = this.points.find(([id]) => id === this.current);
    if (!here) return;
    if (event.key === "Enter" || event.key === " ") this.choose(this.current);
    else if (way) {
      let best = "";
      let least = Infinity;
      for (const [id, x, y] of this.points) {
        const [dx, dy] = [x - here[1], y - here[2]];
        const along = dx * way[0] + dy * way[1];
        const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        if (id !== here[0] && along > 1e-9 && along + 2 * aside < least) [best, least] = [id, along + 2 * aside];
      }
      if (best) this.focus(best);
    } else return;
    event.preventDefault();
  }

  /** @param {string} id */
  focus(id) {
    this.dots.get(this.current)?.setAttribute("tabindex", "-1");
    this.current = id;
    const dot = this.dots.get(id);
    dot?.setAttribute("tabindex", "0");
    /** @type {any} */ (dot)?.focus();
  }
}
