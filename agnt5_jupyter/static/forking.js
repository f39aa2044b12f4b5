import { button, fill, h, plural } from "./dom.js";
import { embed } from "./inner.js";
import { unpack } from "./panel.js";

// A fork from where the walk stands: something is changed, what will run is shown, then it runs.

const WORDS = /** @type {Record<string, [string, string]>} */ ({
  answer: ["Another answer", "What the code is to get instead, as JSON"],
  fail: ["Make it fail", "The error's message"],
  input: ["Another input", "Arguments as JSON: [positional, {name: value}]"],
  nothing: ["Nothing", ""],
});
const PATIENCE = 250; // milliseconds of typing

export class Forking {
  /** @param {import("./panel.js").View} view */
  constructor(view) {
    this.view = view;
    this.link = view.link;
    this.how = "";
    /** @type {any} */
    this.timer = 0;
    this.asked = 0;
    this.choices = h("div", { class: "choices", role: "radiogroup", "aria-label": "What the fork changes" });
    this.text = /** @type {HTMLTextAreaElement} */ (h("textarea", { spellcheck: "false", rows: "6", on: { input: () => this.#later() } }));
    this.label = h("label", {}, h("span"), this.text);
    this.problem = h("div", { class: "bad small", role: "alert" });
    this.plan = h("div", { class: "plan", "aria-live": "polite" });
    this.start = button("Start the fork", () => void this.#start(), { class: "first", title: `run.fork(…)` });
    this.hint = h("div", { class: "quiet small" });
    this.form = h("section", { class: "section forking", "aria-label": "Fork here", hidden: true },
      h("div", { class: "forking-edit" }, this.choices, this.hint, this.label, this.problem, h("div", { class: "ask-tools" }, this.start, button("Close", () => this.close(), { class: "plain" }))),
      this.plan);
    this.made = h("div", { class: "forked" });
    this.element = h("div", {}, this.form, this.made);
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  get open() {
    return !this.form.hidden;
  }

  close() {
    this.form.hidden = true;
    this.closed();
  }

  closed = () => {};

  /** Begin, or begin anew at another position. */
  async show() {
    try {
      this.draft = unpack((await this.link.ask("draft")).buffers[0]);
    } catch (error) {
      this.view.fail(error);
      return;
    }
    const fresh = !this.open;
    this.form.hidden = false;
    const { changes, why } = this.draft;
    this.label.hidden = this.choices.hidden = this.start.hidden = !changes.length;
    this.hint.textContent = changes.length ? "" : why;
    if (!changes.length) {
      fill(this.plan);
      return;
    }
    fill(this.choices, ...changes.map((/** @type {string} */ how) => this.#choice(how)));
    this.#choose(changes[0]);
    if (fresh) this.text.focus();
  }

  /** @param {string} how */
  #choice(how) {
    const input = /** @type {HTMLInputElement} */ (h("input", { type: "radio", name: `${this.link.prefix}-how`, value: how, on: { change: () => this.#choose(how) } }));
    return h("label", { class: "choice" }, input, WORDS[how][0]);
  }

  /** @param {string} how */
  #choose(how) {
    this.how = how;
    for (const input of this.choices.querySelectorAll("input")) input.checked = input.value === how;
    const edits = how === "answer" || how === "input";
    this.label.hidden = how === "nothing";
    /** @type {HTMLElement} */ (this.label.firstChild).textContent = this.draft.path && how !== "input" ? `${WORDS[how][1]} · ${this.draft.path}` : WORDS[how][1];
    this.text.value = edits ? this.draft.text : "";
    this.text.setSelectionRange(0, 0); // or the field opens scrolled to the end of what is to be read
    this.text.rows = edits ? Math.min(14, Math.max(3, this.text.value.split("\n").length)) : 2;
    this.hint.textContent = edits ? this.draft.why : how === "nothing" ? "The code goes on from here, and what comes after runs anew." : "";
    void this.#plan();
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.#plan(), PATIENCE);
    this.#check();
  }

  get change() {
    return { how: this.how, text: this.text.value };
  }

  /** Whether what was typed can be meant. */
  #check() {
    let wrong = "";
    if (this.how === "answer" || this.how === "input") {
      try {
        JSON.parse(this.text.value);
      } catch (error) {
        wrong = `No JSON yet: ${error instanceof Error ? error.message : error}`;
      }
    }
    this.#wrong(wrong);
    return !wrong;
  }

  /** @param {string} text */
  #wrong(text) {
    this.problem.textContent = text;
    this.text.setAttribute("aria-invalid", String(Boolean(text)));
    this.start.disabled = Boolean(text);
  }

  async #plan() {
    clearTimeout(this.timer);
    if (!this.#check()) return;
    const asked = ++this.asked;
    try {
      const plan = unpack((await this.link.ask("plan", { change: this.change })).buffers[0]);
      if (asked === this.asked) this.#drawPlan(plan);
    } catch (error) {
      if (asked === this.asked) this.#wrong(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {{ shared: number, commands: [string, string, string][], more: number }} plan */
  #drawPlan({ shared, commands, more }) {
    const words = /** @type {Record<string, [string, string]>} */ ({ given: ["✎", "given by you"], "in flight": ["↻", "was in flight, runs again"], later: ["▸", "runs live"] });
    const live = commands.filter(([what]) => what !== "given").length + more;
    const rows = commands.map(([what, kind, path]) => h("li", { class: what === "given" ? "wait" : "" }, h("span", { class: "sign", "aria-hidden": "true", text: words[what][0] }), h("span", { class: "mono cut", text: path }), h("span", { class: "quiet small", text: `${kind === "step" ? "" : `${kind.replace("_", " ")} · `}${words[what][1]}` })));
    const rest = more ? h("li", { class: "quiet", text: `and ${more} more` }) : null;
    fill(this.plan,
      h("h4", { class: "part-name", text: "What will happen" }),
      h("div", { text: `${shared ? `${plural(shared, "entry is", "entries are")} shared with this run; ` : "Nothing but the start is shared; "}${live ? `${plural(live, "command")} that this run asked later will run live, if the code still asks.` : "nothing that this run asked is left to run."}` }),
      h("ol", { class: "plan-list" }, ...rows, rest));
  }

  async #start() {
    if (!this.#check()) return;
    this.start.disabled = true;
    try {
      const { fields } = await this.link.do("fork", { change: this.change });
      const place = h("div", {});
      const head = h("div", { class: "section-head" }, h("span", { text: "Fork" }), h("code", { class: "mono", text: fields.id }));
      this.made.prepend(h("section", { class: "section", "aria-label": `Fork ${fields.id}`, "data-testid": "agnt5-fork" }, head, h("div", { class: "padded" }, place)));
      this.view.say(`Started ${fields.id}`);
      this.close();
      await embed(this.view, place, fields.model, `%agnt5 watch ${fields.id}`);
    } catch (error) {
      this.#wrong(error instanceof Error ? error.message : String(error));
    } finally {
      this.start.disabled = false;
    }
  }
}
