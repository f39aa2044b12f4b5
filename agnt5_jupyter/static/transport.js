import { button, count, h, plural } from "./dom.js";

// Buttons, slider and keys that move a replay, and play, which steps by itself and halts where it should stop.

const SPEEDS = /** @type {[string, number][]} */ ([["½×", 1600], ["1×", 800], ["2×", 400], ["4×", 200], ["10×", 80]]);

export class Transport {
  /** @param {(to: number) => void} go @param {() => void} run @param {() => void} stop @param {() => boolean} stopped */
  constructor(go, run, stop, stopped) {
    this.go = go;
    this.run = run;
    this.stop = stop;
    this.stopped = stopped;
    this.index = 0;
    this.last = 0;
    /** @type {any} */
    this.timer = 0;
    this.first = button("Reset", () => this.move(0), { title: "To the start (Home)" });
    this.back = button("◂ Back", () => this.move(this.index - 1), { title: "One answer fewer (←)" });
    this.playing = button("▶ Play", () => this.toggle(), { "aria-pressed": "false", title: "Step by step, until it should stop (space)" });
    this.next = button("Step ▸", () => this.move(this.index + 1), { class: "first", title: "Deliver one more answer (→)" });
    this.on = button("Run to stop", () => this.#run(), { title: "To the next stop, or to the end (End: to the end)" });
    this.speed = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Speed of play" }, ...SPEEDS.map(([text, wait]) => h("option", { value: String(wait), text, selected: wait === 800 }))));
    this.slider = /** @type {HTMLInputElement} */ (h("input", { type: "range", class: "slider", min: "0", step: "1", "aria-label": "Position", on: { input: () => this.move(Number(this.slider.value)) } }));
    // There is nowhere to go until the kernel has said how far it goes.
    for (const one of [this.first, this.back, this.next, this.playing, this.on, this.slider]) one.disabled = true;
    this.where = h("output", { class: "where number" });
    this.marks = h("div", { class: "slider-marks", "aria-hidden": "true" });
    this.element = h("div", { class: "transport" },
      h("div", { class: "transport-buttons", role: "toolbar", "aria-label": "Move" }, this.first, this.back, this.next, this.playing, this.speed, this.on),
      h("div", { class: "transport-slider" }, h("div", { class: "slider-lane" }, this.slider, this.marks), this.where));
  }

  /** @param {number} index @param {number} last @param {number[]} stops @param {string} name */
  show(index, last, stops, name) {
    this.index = index;
    this.last = last;
    this.slider.max = String(last);
    this.slider.value = String(index);
    this.slider.setAttribute("aria-valuetext", `${name}: ${index} of ${plural(last, "answer")}`);
    this.where.textContent = `${count(index)} of ${plural(last, "answer")}`;
    this.playing.disabled = this.slider.disabled = last === 0;
    this.first.disabled = this.back.disabled = index === 0;
    this.next.disabled = this.on.disabled = index >= last;
    this.marks.replaceChildren(...stops.slice(0, 200).map((place) => h("i", { class: "slider-mark", style: `left:${(place / Math.max(last, 1)) * 100}%` })));
    if (this.timer && (index >= last || this.stopped())) this.halt();
  }

  /** @param {number} to */
  move(to) {
    this.halt();
    this.#to(to);
  }

  /** @param {number} to */
  #to(to) {
    const place = Math.min(Math.max(to, 0), this.last);
    this.slider.value = String(place);
    this.go(place);
  }

  #run() {
    this.halt();
    this.run();
  }

  toggle() {
    if (this.timer) {
      this.halt();
      return;
    }
    if (this.index >= this.last) this.#to(0);
    const tick = () => {
      if (!this.timer) return;
      this.timer = setTimeout(tick, Number(this.speed.value));
      if (this.index < this.last) this.#to(this.index + 1);
    };
    this.timer = setTimeout(tick, this.index >= this.last ? Number(this.speed.value) : 0);
    this.playing.textContent = "‖ Pause";
    this.playing.setAttribute("aria-pressed", "true");
  }

  halt() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.playing.textContent = "▶ Play";
    this.playing.setAttribute("aria-pressed", "false");
  }

  /** Keys of the panel; whether this was one. @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return false;
    const slides = target === this.slider;
    if (!slides && target.closest("input, textarea, select")) return false;
    if (event.key === " " && target.closest("button, summary")) return false;
    /** @type {Record<string, () => void>} */
    const keys = { " ": () => this.toggle(), b: this.stop };
    // The slider moves itself, and says so.
    if (!slides) Object.assign(keys, { ArrowRight: () => this.move(this.index + 1), ArrowLeft: () => this.move(this.index - 1), Home: () => this.move(0), End: () => this.move(this.last) });
    const run = keys[event.key];
    if (!run) return false;
    run();
    return true;
  }
}
