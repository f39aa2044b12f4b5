import { button, count, h, plural } from "./dom.js";

// Buttons, slider and keys that move a replay, and play, which steps by itself and halts where it should stop.

const SPEEDS = /** @type {[string, number][]} */ ([["½×", 1600], ["1×", 800], ["2×", 400], ["4×", 200], ["10×", 80]]);

export class Transport {
  /** @param {import("./hand.js").Hand} hand @param {() => void} stop @param {(place: number) => boolean} stops */
  constructor(hand, stop, stops) {
    this.hand = hand;
    this.stop = stop;
    this.stops = stops;
    this.name = "";
    this.plays = false;
    /** The place that play asked for last, or -1. A stop that a person goes to does not end it. */
    this.played = -1;
    /** @type {any} */
    this.timer = 0;
    this.first = button("Reset", () => this.to(0), { title: "To the start (Home)" });
    this.back = button("◂ Back", () => this.by(-1), { title: "One answer fewer (←)" });
    this.playing = button("▶ Play", () => this.toggle(), { "aria-pressed": "false", title: "Step by step, until it should stop (space)" });
    this.next = button("Step ▸", () => this.by(1), { class: "first", title: "Deliver one more answer (→)" });
    this.on = button("Run to stop", () => this.#run(), { title: "To the next stop, or to the end (End: to the end)" });
    this.speed = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Speed of play" }, ...SPEEDS.map(([text, wait]) => h("option", { value: String(wait), text, selected: wait === 800 }))));
    this.slider = /** @type {HTMLInputElement} */ (h("input", { type: "range", class: "slider", min: "0", step: "1", "aria-label": "Position", on: { input: () => this.to(Number(this.slider.value)) } }));
    // There is nowhere to go until the kernel has said how far it goes.
    for (const one of [this.first, this.back, this.next, this.playing, this.on, this.slider]) one.disabled = true;
    this.where = h("output", { class: "where number" });
    this.marks = h("div", { class: "slider-marks", "aria-hidden": "true" });
    this.element = h("div", { class: "transport" },
      h("div", { class: "transport-buttons", role: "toolbar", "aria-label": "Move" }, this.first, this.back, this.next, this.playing, this.speed, this.on),
      h("div", { class: "transport-slider" }, h("div", { class: "slider-lane" }, this.slider, this.marks), this.where));
  }

  /** What was delivered last, and where it stops by itself. @param {number[]} stops @param {string} name */
  show(stops, name) {
    this.name = name;
    const of = Math.max(this.hand.last, 1);
    this.marks.replaceChildren(...stops.slice(0, 200).map((place) => h("i", { class: "slider-mark", style: `left:${(place / of) * 100}%` })));
  }

  /** The slider stays where the hand is; the number beside it tells where the kernel is. */
  draw() {
    const { aim, index, last } = this.hand;
    this.slider.max = String(last);
    this.slider.value = String(aim);
    const told = `${aim} of ${plural(last, "answer")}`;
    this.slider.setAttribute("aria-valuetext", aim === index ? `${this.name}: ${told}` : told);
    this.where.textContent = `${count(index)} of ${plural(last, "answer")}`;
    this.playing.disabled = this.slider.disabled = last === 0;
    this.first.disabled = this.back.disabled = aim === 0;
    this.next.disabled = this.on.disabled = aim >= last;
    if (this.plays && !this.hand.busy) this.#arrived();
  }

  /** @param {number} place */
  to(place) {
    this.halt();
    this.hand.to(place);
  }

  /** @param {number} places */
  by(places) {
    this.halt();
    this.hand.by(places);
  }

  #run() {
    this.halt();
    this.hand.run();
  }

  toggle() {
    if (this.plays) {
      this.halt();
      return;
    }
    const again = this.hand.aim >= this.hand.last;
    this.plays = true;
    this.played = -1;
    this.#wait(again || this.hand.busy ? Number(this.speed.value) : 0);
    this.playing.textContent = "‖ Pause";
    this.playing.setAttribute("aria-pressed", "true");
    if (again) this.hand.to(0);
  }

  /** @param {number} milliseconds until the next step is due */
  #wait(milliseconds) {
    this.timer = setTimeout(() => {
      this.timer = 0;
      if (!this.hand.busy) this.#arrived();
    }, milliseconds);
  }

  /** Nothing is under way: halt here, or go on if it is time to. Positions are asked for one by one, so none is passed. */
  #arrived() {
    const { index, last } = this.hand;
    if (index >= last || (index === this.played && this.stops(index))) this.halt();
    else if (!this.timer) {
      this.#wait(Number(this.speed.value));
      this.played = index + 1;
      this.hand.to(this.played);
    }
  }

  halt() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.plays = false;
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
    if (!slides) Object.assign(keys, { ArrowRight: () => this.by(1), ArrowLeft: () => this.by(-1), Home: () => this.to(0), End: () => this.to(this.hand.last) });
    const run = keys[event.key];
    if (!run) return false;
    run();
    return true;
  }
}
