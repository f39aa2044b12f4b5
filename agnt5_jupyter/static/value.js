import { button, count, fill, h } from "./dom.js";

// A recorded value as a tree that folds. The kernel sends a few levels; what is folded is asked when it opens.

/** @typedef {{ kind: string, line: string, type?: string, size?: number, text?: string, start?: number, table?: any, children?: [string, Node_][] }} Node_ */
/** @typedef {(path: number[], start: number) => Promise<Node_>} More */

/**
 * @param {Node_} node @param {More} more asks for a node anew, from a child (or character) on
 * @param {{ open?: boolean }} [options]
 */
export function valueTree(node, more, options = {}) {
  return h("div", { class: "value mono" }, branch("", node, [], more, options.open ?? true));
}

/** @param {string} name @param {Node_} node @param {number[]} path @param {More} more @param {boolean} open @returns {HTMLElement} */
function branch(name, node, path, more, open) {
  if (node.table) return h("div", { class: "value-item" }, label(name), tablePreview(node));
  if (node.text !== undefined) return longText(name, node, path, more);
  if (!node.size || node.kind === "text") return h("div", { class: "value-item" }, label(name), leaf(node));
  const inner = h("div", { class: "value-inner", role: "group" });
  const what = `${node.type || node.kind} ${bracket(node)}`;
  const summary = h("summary", {}, label(name), h("span", { class: "quiet", text: what }), h("span", { class: "value-line", text: node.line }));
  const made = h("details", { class: "value-branch" }, summary, inner);
  let filled = false;
  const load = async () => {
    if (filled) return;
    filled = true;
    if (!node.children) fill(inner, h("span", { class: "quiet", text: "…" }));
    try {
      const known = node.children ? node : await more(path, 0);
      fill(inner);
      add(inner, known, path, more);
    } catch (error) {
      filled = false;
      fill(inner, h("span", { class: "bad", text: String(error) }));
    }
  };
  made.addEventListener("toggle", () => void (made.open && load()));
  if (open && node.children) {
    made.open = true;
    void load();
  }
  return made;
}

/** @param {HTMLElement} inner @param {Node_} node @param {number[]} path @param {More} more */
function add(inner, node, path, more) {
  const start = node.start ?? 0;
  const children = node.children ?? [];
  children.forEach(([name, one], place) => {
    inner.append(branch(name, one, [...path, start + place], more, (one.size ?? 0) <= 8 && path.length < 1));
  });
  const end = start + children.length;
  const rest = (node.size ?? 0) - end;
  if (rest > 0 && children.length) {
    const next = button(`${count(rest)} more`, async () => {
      next.disabled = true;
      const following = await more(path, end);
      next.remove();
      add(inner, following, path, more);
    }, { class: "plain" });
    inner.append(next);
  }
}

/** @param {Node_} node */
function bracket(node) {
  const size = count(node.size ?? 0);
  return node.kind === "list" ? `[${size}]` : `{${size}}`;
}

/** @param {string} name */
const label = (name) => (name === "" ? null : h("span", { class: "value-name", text: `${name}: ` }));

/** @param {Node_} node */
function leaf(node) {
  return h("span", { class: `value-leaf is-${node.kind}`, text: node.line });
}

/** @param {string} name @param {Node_} node @param {number[]} path @param {More} more */
function longText(name, node, path, more) {
  const text = h("div", { class: "value-text", text: node.text });
  const made = h("div", { class: "value-item" }, label(name), text);
  let shown = node.text?.length ?? 0;
  if (shown < (node.size ?? 0)) {
    const next = button(`${count((node.size ?? 0) - shown)} more characters`, async () => {
      const following = await more(path, shown);
      text.append(following.text ?? "");
      shown += following.text?.length ?? 0;
      if (shown >= (node.size ?? 0) || !following.text) next.remove();
      else next.textContent = `${count((node.size ?? 0) - shown)} more characters`;
    }, { class: "plain" });
    made.append(next);
  }
  return made;
}

/** @param {Node_} node */
function tablePreview(node) {
  const { columns, rows, shape, types } = node.table;
  const words = types.map((/** @type {string} */ type) => /object|str|cat/.test(type));
  const tone = (/** @type {number} */ place) => (words[place] ? "words" : null);
  const head = h("tr");
  columns.forEach((/** @type {string} */ name, /** @type {number} */ place) => head.append(h("th", { scope: "col", text: name, title: types[place] ?? null, class: tone(place) })));
  const body = h("tbody");
  for (const row of rows) {
    const line = h("tr");
    row.forEach((/** @type {string} */ cell, /** @type {number} */ place) => line.append(h(place ? "td" : "th", { text: cell, scope: place ? null : "row", class: tone(place) })));
    body.append(line);
  }
  const hidden = rows.length < shape[0] ? `, the first ${rows.length} shown` : "";
  const caption = `${node.type} ${shape.map(count).join(" × ")}${types.length === 1 ? ` ${types[0]}` : ""}${hidden}`;
  return h("div", { class: "value-table" }, h("div", { class: "quiet", text: caption }), h("div", { class: "value-scroll", tabindex: "0" }, h("table", {}, h("thead", {}, head), body)));
}
