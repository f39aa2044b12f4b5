import { count, fill, h, plural } from "./dom.js";
import { badge } from "./standing.js";

// What a run had put into memories, and read from them, at a position of its journal.

/** @param {any} memory @param {(seq: number) => void} choose an entry */
export function held(memory, choose) {
  const made = h("div", { class: "held" });
  const { shelves, reads } = memory;
  for (const shelf of shelves) {
    const rows = h("tbody");
    for (const { name, line, seq, fresh, tried } of shelf.items) {
      const value = tried ? `${line}${line ? " · " : ""}${plural(tried[0], "success", "successes")}, ${plural(tried[1], "failure")}` : line;
      rows.append(h("tr", { class: fresh ? "is-changed" : "" },
        name ? h("th", { scope: "row", class: "mono", text: name }) : null,
        h("td", { class: "mono local-value", colspan: name ? null : "2" }, entryLink(value, seq, choose)),
        h("td", { class: "local-mark" }, fresh ? badge("now") : null)));
    }
    const size = shelf.size > shelf.items.length ? `the last ${shelf.items.length} of ${count(shelf.size)}` : count(shelf.size);
    made.append(h("div", { class: "shelf" }, h("div", { class: "quiet small", text: `${shelf.kind} · ${shelf.namespace} · ${size}` }), h("table", { class: "names", "aria-label": `${shelf.kind} memory ${shelf.namespace}` }, rows)));
  }
  if (reads.length) {
    const list = h("ol", { class: "reads" });
    for (const { kind, verb, what, line, seq, fresh } of reads.slice(0, 12)) {
      list.append(h("li", { class: fresh ? "is-changed" : "" }, h("span", { class: "quiet", text: `${kind} ${verb} ` }), h("span", { class: "mono", text: what }), h("span", { class: "quiet", "aria-hidden": "true", text: " → " }), h("span", { class: "mono" }, entryLink(line || "nothing", seq, choose)), fresh ? badge("now") : null));
    }
    made.append(h("div", { class: "shelf" }, h("div", { class: "quiet small", text: "read, the newest first" }), list));
  }
  if (!shelves.length && !reads.length) fill(made, h("div", { class: "quiet small", text: "Nothing was stored or read until here." }));
  return made;
}

/** @param {string} text @param {number} seq @param {(seq: number) => void} choose */
function entryLink(text, seq, choose) {
  return h("button", { type: "button", class: "plain entry-link", text, title: `entry ${seq}: go to where it was answered`, on: { click: () => choose(seq) } });
}
