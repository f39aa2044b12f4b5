import { fill, h, plural } from "./dom.js";
import { valueTree } from "./value.js";

// Where code stands: every live frame, the source of one of them with its line, its names and what they hold.

/**
 * @typedef {object} Frame
 * @property {string} task @property {string} function @property {string} file @property {number} line
 * @property {string} block @property {[string, string, boolean, string | null][]} locals name, text, changed, text before
 */

/** Frames, source and locals of a position. */
export class Standing {
  constructor() {
    this.frames = h("div", { class: "frames", role: "group", "aria-label": "Frames of live code" });
    this.source = h("div", { class: "source mono", tabindex: "0", role: "group", "aria-label": "Source" });
    this.locals = h("div", { class: "locals" });
    this.element = h("section", { class: "standing", "aria-label": "Where the code stands" }, this.frames, this.source, this.locals);
    this.place = 0;
  }

  /** @param {any} at */
  show(at) {
    this.at = at;
    this.place = at.current;
    this.#draw();
  }

  #draw() {
    const { at } = this;
    /** @type {Frame[]} */
    const frames = at.frames;
    const frame = frames[this.place];
    this.frames.hidden = this.locals.hidden = !frame;
    if (!frame) {
      const ended = at.outcome || (at.divergence ? "No code stands here." : "The code has ended: nothing of it is live here.");
      fill(this.source, h("div", { class: "source-none", text: at.why || ended }));
      return;
    }
    this.#drawFrames(frames);
    this.#drawSource(frame, frames);
    this.#drawLocals(frame);
  }

  /** @param {Frame[]} frames */
  #drawFrames(frames) {
    /** @type {Map<string, number[]>} */
    const tasks = new Map();
    frames.forEach((frame, place) => tasks.set(frame.task, [...(tasks.get(frame.task) ?? []), place]));
    const rows = [...tasks].map(([task, places]) => {
      const chain = places.flatMap((place, nth) => [nth ? h("span", { class: "quiet", "aria-hidden": "true", text: "›" }) : null, this.#chip(frames[place], place)]);
      return h("div", { class: "task" }, tasks.size > 1 ? h("span", { class: "task-name cut quiet", text: task, title: task }) : null, ...chain);
    });
    const many = tasks.size > 1 ? h("div", { class: "quiet small", text: `${plural(tasks.size, "task")} live side by side` }) : null;
    const scroll = this.frames.querySelector(".tasks")?.scrollTop ?? 0;
    const list = h("div", { class: "tasks" }, ...rows);
    fill(this.frames, many, list);
    list.scrollTop = scroll;
  }

  /** @param {Frame} frame @param {number} place */
  #chip(frame, place) {
    const here = place === this.at.current;
    const changed = frame.locals.some(([, , is]) => is);
    const label = `${frame.function}, line ${frame.line}${here ? ", the code stands here" : ""}${changed ? ", values changed" : ""}`;
    const made = h("button", { type: "button", class: "chip mono", "aria-pressed": String(place === this.place), "aria-label": label, title: `${frame.file}:${frame.line}` },
      h("span", { class: "live", "aria-hidden": "true", text: here ? "▸ " : "" }), `${frame.function}:${frame.line}`, h("span", { class: "wait", "aria-hidden": "true", text: changed ? " ◆" : "" }));
    made.addEventListener("click", () => {
      this.place = place;
      this.#draw();
      /** @type {HTMLElement | null} */ (this.frames.querySelector('[aria-pressed="true"]'))?.focus();
    });
    return made;
  }

  /** @param {Frame} frame @param {Frame[]} frames */
  #drawSource(frame, frames) {
    const block = this.at.blocks[frame.block];
    if (!block.lines.length) {
      fill(this.source, h("div", { class: "source-none", text: `Line ${frame.line} of ${frame.file}; its source is not there.` }));
      return;
    }
    // How many other frames stand at a line of this function.
    /** @type {Map<number, number>} */
    const others = new Map();
    for (const one of frames) if (one !== frame && one.block === frame.block) others.set(one.line, (others.get(one.line) ?? 0) + 1);
    /** @type {HTMLElement | undefined} */
    let current;
    const lines = block.lines.map((/** @type {string} */ text, /** @type {number} */ nth) => {
      const number = block.first + nth;
      const here = number === frame.line;
      const more = others.get(number);
      const line = h("div", { class: `line${here ? " is-here" : ""}`, "aria-current": here ? "step" : null },
        h("span", { class: "line-mark", "aria-hidden": "true", text: here ? "▸" : more ? "·" : "" }),
        h("span", { class: "line-number quiet", text: String(number) }),
        h("span", { class: "line-text", text }),
        more ? h("span", { class: "line-more quiet", text: `${more} more here` }) : null);
      if (here) current = line;
      return line;
    });
    fill(this.source, ...lines);
    if (current) {
      const { offsetTop, offsetHeight } = current;
      const { scrollTop, clientHeight } = this.source;
      if (offsetTop < scrollTop || offsetTop + offsetHeight > scrollTop + clientHeight) this.source.scrollTop = offsetTop - clientHeight / 3;
    }
  }

  /** @param {Frame} frame */
  #drawLocals(frame) {
    const body = h("tbody");
    for (const [name, text, changed, was] of frame.locals) {
      const before = changed && was !== null && was !== text ? h("div", { class: "was quiet", text: `was ${was}` }) : null;
      body.append(h("tr", { class: changed ? "is-changed" : "" },
        h("th", { scope: "row", class: "mono", text: name }),
        h("td", { class: "mono local-value" }, h("div", { text }), before),
        h("td", { class: "local-mark" }, changed ? badge(was === null ? "new" : "changed") : null)));
    }
    const none = frame.locals.length ? null : h("div", { class: "quiet small", text: "No names yet." });
    fill(this.locals, h("h4", { class: "part-name", text: `Locals of ${frame.function}` }), none ?? h("table", { class: "names", "aria-label": `Locals of ${frame.function}` }, body));
  }
}

/** A mark for what is not as it was: shape and word. @param {string} word */
export function badge(word) {
  return h("span", { class: "badge" }, h("span", { "aria-hidden": "true", text: word === "new" ? "+ " : "◆ " }), word);
}

/** @param {any[]} state @param {(seq: number, side: string, path: number[], start: number) => Promise<any>} more */
export function stateTable(state, more) {
  const body = h("tbody");
  for (const { name, value, seq, changed } of state) {
    body.append(h("tr", { class: changed ? "is-changed" : "" },
      h("th", { scope: "row", class: "mono", text: name }),
      h("td", { class: "local-value" }, valueTree(value, (path, start) => more(seq, "input", path, start), { open: false })),
      h("td", { class: "local-mark" }, changed ? badge("changed") : null)));
  }
  return h("table", { class: "names", "aria-label": "State of the run" }, body);
}
