import { h } from "./dom.js";

// Tabs with a panel each, of which one is seen; arrows move between them.

/** @typedef {{ key: string, label: string, content: HTMLElement }} Tab */

/** @param {string} label @param {Tab[]} tabs @param {(key: string) => void} chosen a tab came into sight */
export function tabs(label, tabs, chosen) {
  const id = `a5-${Math.random().toString(36).slice(2)}`;
  const buttons = tabs.map(({ key, label }, nth) => h("button", { type: "button", role: "tab", class: "tab", id: `${id}-${key}`, "aria-controls": `${id}-${key}-panel`, text: label, on: { click: () => choose(nth), keydown: (/** @type {KeyboardEvent} */ event) => move(event, nth) } }));
  const panels = tabs.map(({ key, content }) => h("div", { role: "tabpanel", id: `${id}-${key}-panel`, "aria-labelledby": `${id}-${key}`, hidden: true }, content));
  const choose = (/** @type {number} */ nth) => {
    buttons.forEach((one, place) => {
      one.setAttribute("aria-selected", String(place === nth));
      one.tabIndex = place === nth ? 0 : -1;
      panels[place].hidden = place !== nth;
    });
    chosen(tabs[nth].key);
  };
  const move = (/** @type {KeyboardEvent} */ event, /** @type {number} */ nth) => {
    /** @type {Record<string, number>} */
    const moves = { ArrowRight: (nth + 1) % tabs.length, ArrowLeft: (nth + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 };
    if (!(event.key in moves)) return;
    choose(moves[event.key]);
    buttons[moves[event.key]].focus();
    event.preventDefault();
  };
  const bar = h("div", { class: "tabs", role: "tablist", "aria-label": label, hidden: tabs.length < 2 }, ...buttons);
  return { element: h("div", {}, bar, ...panels), choose };
}
