// Elements made by hand, text set as text: nothing of a journal ever becomes markup. And numbers as people read them.

/** @typedef {Record<string, any>} Attributes */

/**
 * An element. `class`, `style` and `text` are what they say; `on` has listeners; other keys are attributes (null: none).
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name @param {Attributes} [given] @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(name, given = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") made.textContent = String(value);
    else if (key === "on") for (const [event, run] of Object.entries(value)) made.addEventListener(event, run);
    else if (key === "style") made.style.cssText = value;
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children) if (child) made.append(child);
  return made;
}

/** @param {string} label @param {() => void} run @param {Attributes} [given] */
export function button(label, run, given = {}) {
  return h("button", { type: "button", ...given, text: label, on: { click: run } });
}

/** Replace what an element holds. @param {Element} parent @param {...(Node | string | null | undefined | false)} children */
export function fill(parent, ...children) {
  parent.replaceChildren(.../** @type {(Node | string)[]} */ (children.filter(Boolean)));
}

/** @param {number} seconds */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 0.0001) return "0 ms";
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** @param {number} n */
export const count = (n) => n.toLocaleString("en-US");

/** @param {number} n @param {string} one @param {string} [many] */
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** @param {number} dollars */
export const money = (dollars) => `$${dollars < 0.1 ? dollars.toFixed(4) : dollars.toFixed(2)}`;

/** @param {number} seconds since 1970 */
export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB");

/** Shape, colour class and word of each status and state: never colour alone. */
export const SIGNS = /** @type {Record<string, [string, string]>} */ ({
  pending: ["○", "quiet"],
  running: ["◐", "live"],
  waiting: ["◷", "wait"],
  paused: ["‖", "wait"],
  interrupted: ["◌", "wait"],
  completed: ["✓", "good"],
  failed: ["✕", "bad"],
  cancelled: ["⊘", "quiet"],
  done: ["✓", "good"],
  "timed out": ["◷", "bad"],
  retrying: ["↻", "wait"],
});

/** @param {string} word */
export function sign(word) {
  const [shape, tone] = SIGNS[word] ?? ["", "quiet"];
  return h("span", { class: `sign ${tone}`, "aria-hidden": "true", text: shape });
}
