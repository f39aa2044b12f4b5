import { button, count, fill, h, plural } from "./dom.js";
import { FactMap } from "./map.js";
import { panel, unpack } from "./panel.js";
import { tabs } from "./tabs.js";
import { valueTree } from "./value.js";

// Memories by kind: values at hand, what happened, facts with search and a map, procedures and how they fared.

const TITLES = /** @type {Record<string, string>} */ ({ working: "Working", episodic: "Episodes", semantic: "Facts", procedural: "Procedures" });

class MemoryView {
  /** @param {import("./panel.js").View} view */
  constructor(view) {
    this.view = view;
    this.link = view.link;
    /** @type {Map<string, HTMLElement>} */
    this.places = new Map();
    /** @type {Set<string>} */
    this.loaded = new Set();
    this.head = h("div", { class: "bar-top" });
    this.body = h("div", {});
    fill(view.root, this.head, this.body);
  }

  async begin() {
    const { fields } = await this.link.ask("hello");
    this.kinds = fields.kinds;
    this.loaded.clear();
    fill(this.head, h("span", { class: "title cut", text: "Memory" }), h("code", { class: "mono cut", text: fields.namespace }), h("div", { class: "tools" }, button("Look again", () => void this.begin().catch(this.view.fail), { title: "Read the store again" })));
    const made = this.kinds.map((/** @type {any} */ kind) => {
      const content = h("div", { class: `shelf-body is-${kind.kind}` });
      this.places.set(kind.kind, content);
      return { key: kind.kind, label: `${TITLES[kind.kind]} ${count(kind.count)}`, content };
    });
    const bar = tabs("Kinds of memory", made, (key) => void this.load(key));
    fill(this.body, bar.element);
    const wanted = this.kinds.findIndex((/** @type {any} */ one) => one.kind === this.kind);
    const full = this.kinds.findIndex((/** @type {any} */ one) => one.count > 0);
    bar.choose(wanted >= 0 ? wanted : Math.max(full, 0));
  }

  kind = "";

  /** @param {string} key */
  async load(key) {
    this.kind = key;
    if (this.loaded.has(key)) return;
    this.loaded.add(key);
    const place = /** @type {HTMLElement} */ (this.places.get(key));
    const about = this.kinds.find((/** @type {any} */ one) => one.kind === key);
    try {
      const found = unpack((await this.link.ask("kind", { kind: key })).buffers[0]);
      const parts = { working: () => this.working(found), episodic: () => this.episodic(found), semantic: () => this.semantic(found), procedural: () => this.procedural(found) };
      fill(place, capacity(about), ...(found.items.length ? parts[/** @type {keyof typeof parts} */ (key)]() : [h("div", { class: "empty", text: EMPTY[key] })]));
    } catch (error) {
      this.loaded.delete(key);
      this.view.fail(error);
    }
  }

  /** @param {any} found */
  working({ items }) {
    const body = h("tbody");
    items.forEach((/** @type {any} */ one) => body.append(h("tr", {}, h("th", { scope: "row", class: "mono", text: one.name }), h("td", { class: "wide" }, this.value(one)), h("td", { class: "quiet small number nowrap", text: ago(one.at) }))));
    return [h("table", { class: "entries", "aria-label": "Working memory, used last first" }, h("thead", {}, h("tr", {}, ...["Key", "Value", "Stored"].map((text) => h("th", { scope: "col", text })))), body)];
  }

  /** @param {any} found */
  episodic(found) {
    const list = h("ol", { class: "episodes", "aria-label": "Episodes, newest first" });
    let day = "";
    const add = (/** @type {any[]} */ items) => {
      for (const one of items) {
        const date = new Date(one.at * 1000).toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
        if (date !== day) list.append(h("li", { class: "day quiet", text: date }));
        day = date;
        list.append(h("li", { class: "episode" }, h("span", { class: "episode-time number quiet", text: new Date(one.at * 1000).toLocaleTimeString("en-GB") }), h("div", { class: "episode-body" }, h("strong", { text: one.name }), this.value(one))));
      }
    };
    add(found.items);
    return [list, this.older("episodic", found.next, add)];
  }

  /** A button that brings what came before. @param {string} kind @param {number} next @param {(items: any[]) => void} add */
  older(kind, next, add) {
    if (!next) return null;
    const more = button("Older", async () => {
      more.setAttribute("disabled", "");
      try {
        const found = unpack((await this.link.ask("more", { kind, before: next })).buffers[0]);
        add(found.items);
        next = found.next;
      } catch (error) {
        this.view.fail(error);
      }
      more.removeAttribute("disabled");
      more.hidden = !next;
    });
    return h("div", { class: "older" }, more);
  }

  /** @param {any} found */
  semantic(found) {
    const search = /** @type {HTMLInputElement} */ (h("input", { type: "search", class: "grow", placeholder: "Find by meaning and words", "aria-label": "Search the facts" }));
    const list = h("ol", { class: "facts-list", "aria-label": "Facts" });
    const map = new FactMap((id) => this.#reveal(list, id));
    const row = (/** @type {any} */ one, /** @type {number} */ rank) => h("li", { class: "fact", tabindex: "-1", "data-point": one.point },
      rank ? h("span", { class: "fact-rank number", text: String(rank) }) : null,
      h("div", { class: "fact-body" }, h("div", { text: one.name }), this.value(one)),
      h("span", { class: "quiet small number nowrap", title: one.score ? `score ${one.score.toFixed(3)}` : null, text: rank ? (one.similarity === null ? "by words" : `cosine ${one.similarity.toFixed(2)}`) : ago(one.at) }));
    const add = (/** @type {any[]} */ items) => list.append(...items.map((one) => row(one, 0)));
    add(found.items);
    const older = this.older("semantic", found.next, add);
    const note = h("div", { class: "quiet small", "aria-live": "polite" });
    const find = async () => {
      const query = search.value.trim();
      try {
        const items = query ? unpack((await this.link.ask("search", { query })).buffers[0]) : found.items;
        fill(list, ...items.map((/** @type {any} */ one, /** @type {number} */ nth) => row(one, query ? nth + 1 : 0)));
        note.textContent = query ? (items.length ? `${plural(items.length, "fact")}, best first` : "Nothing fits.") : "";
        map.mark(query ? items.map((/** @type {any} */ one) => one.point) : []);
        if (older) older.hidden = Boolean(query);
      } catch (error) {
        this.view.fail(error);
      }
    };
    search.addEventListener("keydown", (event) => void (event.key === "Enter" && find()));
    search.addEventListener("search", () => void find());
    void this.link.ask("map").then(({ buffers }) => map.show(unpack(buffers[0])), this.view.fail);
    return [h("div", { class: "find", role: "search" }, search, button("Search", () => void find())), note, h("div", { class: "facts-grid" }, h("div", { class: "facts-side" }, list, older), map.element)];
  }

  /** @param {HTMLElement} list @param {string} id */
  #reveal(list, id) {
    const row = [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll(".fact"))].find((one) => one.dataset.point === id);
    for (const one of list.querySelectorAll(".is-chosen")) one.classList.remove("is-chosen");
    if (!row) {
      this.view.say("This fact is further down; bring older ones first.");
      return;
    }
    row.classList.add("is-chosen");
    row.scrollIntoView({ block: "nearest" });
    row.focus();
  }

  /** @param {any} found */
  procedural({ items }) {
    const body = h("tbody");
    for (const one of items) {
      const uses = one.successes + one.failures;
      const words = uses ? `${count(one.successes)} of ${plural(uses, "use")} went well` : "not used yet";
      body.append(h("tr", {}, h("th", { scope: "row", text: one.name }), h("td", { class: "wide" }, this.value(one)),
        h("td", { class: "rate" }, bar(one.rate, `success rate ${Math.round(one.rate * 100)} %, ${words}`), h("div", { class: "small number" }, h("strong", { text: `${Math.round(one.rate * 100)} %` }), h("span", { class: "quiet", text: ` · ${words}` })))));
    }
    return [h("table", { class: "entries", "aria-label": "Procedures" }, h("thead", {}, h("tr", {}, ...["Procedure", "Steps", "Success"].map((text) => h("th", { scope: "col", text })))), body),
      h("div", { class: "quiet small note", text: "A rate takes one success and one failure for granted, so that one lucky use is no certainty." })];
  }

  /** @param {any} one */
  value(one) {
    if (!one.value) return null;
    return valueTree(one.value, async (path, start) => unpack((await this.link.ask("value", { id: one.id, path, start })).buffers[0]), { open: false });
  }
}

const EMPTY = /** @type {Record<string, string>} */ ({
  working: "Nothing at hand. `await memory.working.store(key, value)` puts something here.",
  episodic: "Nothing happened yet. `await memory.episodic.remember(kind, data)` keeps what does.",
  semantic: "No facts yet. `await memory.semantic.add(text)` adds one.",
  procedural: "No procedures yet. `await memory.procedural.learn(name, steps)` keeps one.",
});

/** How full it is. @param {any} about */
function capacity({ count: held, capacity: most, trimmed, namespace }) {
  const share = held / most;
  const went = trimmed ? ` · ${plural(trimmed, "older one")} had to go` : "";
  return h("div", { class: "capacity" }, bar(share, `${held} of ${most}`), h("span", { class: "small number" }, h("strong", { text: count(held) }), ` of ${count(most)}`, h("span", { class: "quiet", text: `${went} · ${namespace}` })));
}

/** @param {number} share @param {string} label */
function bar(share, label) {
  return h("div", { class: "meter", role: "img", "aria-label": label }, h("i", { style: `width:${Math.min(100, Math.max(share * 100, share ? 1 : 0))}%` }));
}

/** @param {number} at seconds since 1970 */
function ago(at) {
  const seconds = Date.now() / 1000 - at;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(at * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

export default { render: panel("memory", (view) => new MemoryView(view).begin()) };
