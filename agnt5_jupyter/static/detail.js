import { conversation } from "./chat.js";
import { button, clock, fill, h, money, plural, sign, span } from "./dom.js";
import { unpack } from "./panel.js";
import { valueTree } from "./value.js";

// All of one entry: what it was given, what came of it, how it failed, what it printed, how often it was tried.

/** A pane that shows one entry at a time. */
export class Detail {
  /** @param {import("./panel.js").Link} link @param {(error: unknown) => void} fail @param {(open: boolean) => void} turned */
  constructor(link, fail, turned) {
    this.link = link;
    this.fail = fail;
    this.turned = turned;
    this.seq = 0;
    this.element = h("section", { class: "detail", "aria-label": "Entry", hidden: true, tabindex: "-1" });
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** @param {number} seq */
  async show(seq) {
    this.seq = seq;
    try {
      const { buffers } = await this.link.ask("detail", { seq });
      if (this.seq !== seq) return; // another was chosen meanwhile
      const top = this.element.scrollTop;
      const same = this.element.dataset.seq === String(seq);
      this.#draw(unpack(buffers[0]));
      this.element.dataset.seq = String(seq);
      this.element.scrollTop = same ? top : 0;
    } catch (error) {
      this.fail(error);
    }
  }

  close() {
    this.seq = 0;
    this.element.hidden = true;
    this.turned(false);
  }

  /** @param {any} entry */
  #draw(entry) {
    const head = h("div", { class: "detail-head" },
      h("span", { class: "status", title: entry.state }, sign(entry.state), h("span", { text: entry.state })),
      h("strong", { class: "cut grow", text: entry.path || entry.name, title: entry.path }),
      button("Close", () => this.close(), { class: "plain", "aria-label": "Close this entry" }));
    const facts = h("div", { class: "detail-facts" });
    for (const [name, value] of this.#facts(entry)) facts.append(h("div", {}, h("span", { class: "fact-name", text: name }), h("span", { text: value })));
    fill(this.element, head, facts);
    if (entry.error) this.element.append(part("Error", failure(entry.error)));
    if (entry.chat) {
      this.element.append(part("Conversation", conversation(entry.chat.messages, entry.chat.fresh)));
      if (entry.chat.error) this.element.append(h("div", { class: "quiet small", text: entry.chat.error }));
    } else {
      for (const side of ["input", "output"]) {
        if (entry[side]) this.element.append(part(side === "input" ? "Input" : "Output", valueTree(entry[side], (path, start) => this.#more(entry.seq, side, path, start))));
      }
    }
    if (entry.tries.length) this.element.append(part("Failed attempts", tries(entry.tries)));
    if (entry.logs.length) this.element.append(part("Printed and logged", logs(entry.logs)));
    this.element.hidden = false;
    this.turned(true);
  }

  /** @param {any} entry @returns {[string, string][]} */
  #facts(entry) {
    /** @type {[string, string][]} */
    const found = [["entry", String(entry.number)], ["kind", entry.kind], ["began", clock(entry.began)]];
    if (entry.seq !== entry.number) found.push(["of run", entry.run]);
    if (entry.shared) found.push(["answer", "shared with the run that this fork was made of"]);
    if (entry.took !== null) found.push(["took", span(entry.took)]);
    if (entry.due) found.push(["until", clock(entry.due)]);
    if (entry.attempts > 1) found.push(["attempts", String(entry.attempts)]);
    const { tokens, input_tokens, output_tokens, cost, model, latency, first_token, ...others } = entry.meta;
    if (model) found.push(["model", model]);
    if (tokens) found.push(["tokens", input_tokens ? `${tokens} (${input_tokens} in, ${output_tokens ?? 0} out)` : String(tokens)]);
    if (cost !== undefined) found.push(["cost", money(cost)]);
    if (latency !== undefined) found.push(["latency", span(latency)]);
    if (first_token !== undefined) found.push(["first token", span(first_token)]);
    for (const [name, value] of Object.entries(others)) found.push([name.replaceAll("_", " "), typeof value === "string" ? value : JSON.stringify(value)]);
    if (entry.reused) found.push(["answer of", `entry ${entry.reused} of an older run`]);
    if (entry.given) found.push(["answer", "a person's word"]);
    if (entry.unclaimed) found.push(["unclaimed", "the last attempt of its function did not ask it"]);
    if (entry.child) found.push(["made run", entry.child]);
    return found;
  }

  /** @param {number} seq @param {string} side @param {number[]} path @param {number} start */
  async #more(seq, side, path, start) {
    const { buffers } = await this.link.ask("value", { seq, side, path, start });
    return unpack(buffers[0]);
  }
}

/** @param {string} name @param {Node} content */
export function part(name, content) {
  return h("div", { class: "part" }, h("h4", { class: "part-name", text: name }), content);
}

/** @param {{ line: string, traceback: string, cause: any, members: any[] }} error @returns {HTMLElement} */
export function failure(error) {
  const made = h("div", { class: "failure" }, h("div", { class: "bad failure-line", text: error.line }));
  if (error.traceback) made.append(h("pre", { class: "trace mono", tabindex: "0", text: error.traceback }));
  if (error.cause) made.append(h("div", { class: "quiet small", text: "caused by" }), failure(error.cause));
  for (const one of error.members) made.append(failure(one));
  return made;
}

/** @param {{ at: number, error: string, again: number | null, logs: any[] }[]} failed */
function tries(failed) {
  const made = h("ol", { class: "tries" });
  for (const one of failed) {
    const wait = one.again === null ? "" : ` · again after ${span(one.again)}`;
    made.append(h("li", {}, h("span", { class: "number quiet", text: `${clock(one.at)}${wait} ` }), h("span", { class: "bad", text: one.error }), one.logs.length ? logs(one.logs) : null));
  }
  return made;
}

/** @param {[string, number, string][]} lines stream, seconds, text */
export function logs(lines) {
  const made = h("div", { class: "logs mono", tabindex: "0", role: "log", "aria-label": plural(lines.length, "line") });
  for (const [stream, at, text] of lines) {
    made.append(h("div", { class: `log is-${stream}` }, h("span", { class: "quiet", text: `${clock(at)} ` }), stream === "stdout" ? null : h("span", { class: stream === "stderr" ? "wait" : "live", text: `${stream} ` }), h("span", { text })));
  }
  return made;
}
