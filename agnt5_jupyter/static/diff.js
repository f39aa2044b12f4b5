import { DiffList, MARKS } from "./difflist.js";
import { button, count, fill, h, money, plural, sign, span } from "./dom.js";
import { part } from "./detail.js";
import { Pages } from "./pages.js";
import { panel, unpack } from "./panel.js";
import { valueTree } from "./value.js";

// Two runs side by side: what each used, where they part, and every row that differs with what differs in it.

class DiffView {
  /** @param {import("./panel.js").View} view */
  constructor(view) {
    this.view = view;
    this.link = view.link;
    this.row = -1;
    this.pages = new Pages(view.link, () => this.list.list.soon(), view.fail);
    this.list = new DiffList(this.pages, (row) => void this.show(row));
    this.head = h("div", { class: "bar-top" });
    this.totals = h("div", { class: "totals" });
    this.outer = h("div", { class: "outer", hidden: true });
    this.tools = h("div", { class: "jumps" });
    this.detail = h("section", { class: "detail", "aria-label": "What differs", hidden: true });
    this.code = h("section", { class: "section differs", "aria-label": "Code", hidden: true });
    fill(view.root, this.head, this.totals, this.outer, this.tools, this.list.element, this.detail, this.code);
    view.root.addEventListener("keydown", (event) => this.#key(event));
  }

  async begin() {
    this.view.last(() => {
      this.pages.close();
      this.list.close();
    });
    const { fields, buffers } = await this.link.ask("hello");
    const head = unpack(buffers[0]);
    const bytes = (/** @type {DataView} */ one) => one.buffer.slice(one.byteOffset, one.byteOffset + one.byteLength);
    this.codes = new Uint8Array(bytes(buffers[1]));
    this.list.take(fields.kinds, this.codes);
    this.drawHead(head, fields.kinds);
    this.drawTotals(head.totals);
    this.drawOuter(head);
    this.drawCode(head.code);
    const first = this.list.differing(0, 1);
    if (first >= 0) this.list.list.choose(first);
  }

  /** @param {any} head @param {string[]} kinds */
  drawHead(head, kinds) {
    const side = (/** @type {any} */ run, /** @type {string} */ word) => h("span", { class: "side-head" }, h("span", { class: "quiet", text: word }), h("code", { class: "mono", text: run.id }), h("span", { class: "status" }, sign(run.status), h("span", { text: run.status })));
    fill(this.head, h("span", { class: "title cut", text: `Diff of ${head.new.component}` }), side(head.old, "old"), h("span", { class: "quiet", "aria-hidden": "true", text: "→" }), side(head.new, "new"));
    /** @type {Map<string, number>} */
    const many = new Map();
    for (const code of this.codes ?? []) many.set(kinds[code], (many.get(kinds[code]) ?? 0) + 1);
    const counts = kinds.filter((kind) => many.has(kind)).map((kind) => {
      const [shape, tone, word] = MARKS[kind];
      return h("span", { class: "tally" }, h("span", { class: `sign ${tone}`, "aria-hidden": "true", text: shape }), `${count(many.get(kind) ?? 0)} ${word}`);
    });
    const differ = (this.codes?.length ?? 0) - (many.get("same") ?? 0);
    fill(this.tools,
      button("First difference", () => this.jump(0, 1), { disabled: !differ }),
      button("◂ Previous", () => this.jump(this.row - 1, -1), { disabled: !differ, title: "p" }),
      button("Next ▸", () => this.jump(this.row + 1, 1), { disabled: !differ, title: "n" }),
      h("span", { class: "tallies" }, ...counts, !differ && h("span", { class: "good", text: "All entries are the same." })));
  }

  /** @param {any[]} totals */
  drawTotals(totals) {
    fill(this.totals, ...totals.map(({ name, unit, old, new: fresh }) => {
      const delta = fresh - old;
      const share = old ? ` (${delta > 0 ? "+" : "−"}${Math.abs((delta / old) * 100).toFixed(0)} %)` : "";
      const word = Math.abs(delta) < 1e-12 ? "the same" : `${delta > 0 ? "▴" : "▾"} ${amount(Math.abs(delta), unit)} ${delta > 0 ? "more" : "less"}${share}`;
      return h("div", { class: "total" }, h("div", { class: "quiet small", text: name }),
        h("div", { class: "number" }, h("span", { class: "quiet", text: amount(old, unit) }), h("span", { class: "quiet", "aria-hidden": "true", text: " → " }), h("strong", { text: amount(fresh, unit) })),
        h("div", { class: `small number ${delta > 0 ? "wait" : delta < 0 ? "good" : "quiet"}`, text: word }));
    }));
    this.totals.hidden = !totals.length;
  }

  /** @param {any} head */
  drawOuter({ input, result }) {
    const parts = [];
    if (input.length) parts.push(part("Input of the run", changeTable(input)));
    if (result.length) parts.push(part("Result", changeTable(result)));
    this.outer.hidden = !parts.length;
    fill(this.outer, ...parts);
  }

  /** @param {string} code */
  drawCode(code) {
    this.code.hidden = !code;
    if (code) fill(this.code, h("details", {}, h("summary", { class: "section-head", text: "The code differs" }), unified(code.split("\n"))));
  }

  /** @param {number} from @param {number} by */
  jump(from, by) {
    const row = this.list.differing(from, by);
    if (row >= 0) this.list.list.choose(row);
    else this.view.say("No more differences");
  }

  /** @param {number} row */
  async show(row) {
    this.row = row;
    try {
      const { buffers } = await this.link.ask("detail", { row });
      if (this.row === row) this.drawDetail(unpack(buffers[0]), row);
    } catch (error) {
      this.view.fail(error);
    }
  }

  /** @param {any} found @param {number} row */
  drawDetail(found, row) {
    const kind = this.list.kinds[this.list.codes[row]];
    const [shape, tone, word] = MARKS[kind];
    const also = [found.moved && kind !== "moved" ? "moved" : "", !found.same_code && kind !== "code" && found.old && found.new ? "other code" : ""].filter(Boolean);
    fill(this.detail,
      h("div", { class: "detail-head" }, h("span", { class: `status ${tone}` }, h("span", { class: "sign", "aria-hidden": "true", text: shape }), h("span", { text: [word, ...also].join(", ") })), h("strong", { class: "cut grow", text: found.path })),
      found.changes.length ? part(plural(found.changes.length, "place differs", "places differ"), changeTable(found.changes)) : null,
      h("div", { class: "sides" }, this.#side(found.old, "old", found), this.#side(found.new, "new", found)));
    this.detail.hidden = false;
    this.view.say(`${word}: ${found.path}`);
  }

  /** @param {any} side @param {string} run @param {any} found */
  #side(side, run, found) {
    const name = run === "old" ? "Old run" : "New run";
    if (!side) return h("div", { class: "side-part" }, h("h4", { class: "part-name", text: name }), h("div", { class: "is-absent absent", text: "It has no such entry." }));
    const facts = [`entry ${side.seq}`, side.state, side.took === null ? "" : span(side.took), side.attempts > 1 && `${side.attempts} attempts`, side.tokens && plural(side.tokens, "token"), side.cost && money(side.cost), side.given && "a person's word"];
    const tree = (/** @type {"input" | "output"} */ which) => side[which] && h("details", { class: "whole", open: which === "output" ? !found.changes.length : false }, h("summary", { class: "quiet", text: which === "input" ? "Input" : "Output" }), valueTree(side[which], async (path, start) => unpack((await this.link.ask("value", { run, seq: side.seq, side: which, path, start })).buffers[0])));
    return h("div", { class: "side-part" }, h("h4", { class: "part-name", text: name }), h("div", { class: "facts small" }, ...facts.filter(Boolean).map((text) => h("span", { text: String(text) }))), side.error && h("div", { class: "bad failure-line", text: side.error }), tree("input"), tree("output"));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || /** @type {HTMLElement} */ (event.target).closest("input, textarea, select")) return;
    if (event.key === "n") this.jump(this.row + 1, 1);
    else if (event.key === "p") this.jump(this.row - 1, -1);
    else return;
    event.preventDefault();
  }
}

/** @param {{ path: string, old: string | null, new: string | null, lines: string[] }[]} changes */
function changeTable(changes) {
  const body = h("tbody");
  for (const { path, old, new: fresh, lines } of changes) {
    const cells = lines.length
      ? [h("td", { colspan: "2" }, unified(lines))]
      : [h("td", { class: "mono was-value" }, side("−", "bad", old)), h("td", { class: "mono" }, side("+", "good", fresh))];
    body.append(h("tr", {}, h("th", { scope: "row", class: "mono", text: path }), ...cells));
  }
  return h("table", { class: "changes" }, body);
}

/** @param {string} shape @param {string} tone @param {string | null} text */
function side(shape, tone, text) {
  if (text === null) return h("span", { class: "quiet", text: "nothing" });
  return h("span", { class: "change-side" }, h("span", { class: `sign ${tone}`, "aria-hidden": "true", text: shape }), h("span", { text }));
}

/** Lines of a unified diff. @param {string[]} lines */
function unified(lines) {
  const made = h("div", { class: "unified mono", tabindex: "0" });
  for (const line of lines) {
    const tone = line.startsWith("+++") || line.startsWith("---") || line.startsWith("@@") ? "is-place quiet" : line.startsWith("+") ? "is-plus" : line.startsWith("-") ? "is-minus" : "";
    made.append(h("div", { class: tone, text: line || " " }));
  }
  return made;
}

/** @param {number} value @param {string} unit */
function amount(value, unit) {
  return unit === "$" ? money(value) : unit === "s" ? span(value) : count(Math.round(value));
}

export default { render: panel("diff", (view) => new DiffView(view).begin()) };
