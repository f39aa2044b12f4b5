import { fill, h } from "./dom.js";

// Another panel of the same kernel, shown inside of this one. Where the notebook cannot, a line says how to see it.

/**
 * @param {import("./panel.js").View} view @param {HTMLElement} into
 * @param {string} model the id of the other panel's model @param {string} magic what shows the same
 */
export async function embed(view, into, model, magic) {
  const ends = new AbortController();
  view.last(() => ends.abort());
  const place = h("div", { class: "inner-panel" });
  fill(into, place);
  try {
    const widget = await view.host.getWidget(`anywidget:${model}`);
    await widget.render({ el: place, signal: ends.signal });
  } catch {
    fill(into, h("div", { class: "quiet small padded" }, "This notebook shows no panel inside of another. ", h("code", { class: "mono", text: magic }), " shows it in a cell of its own."));
  }
}

/** Whether an event happened in a panel that is shown inside of this one. @param {Event} event */
export function isInner(event) {
  return Boolean(/** @type {HTMLElement} */ (event.target).closest?.(".inner-panel"));
}
