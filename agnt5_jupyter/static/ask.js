import { button, fill, h } from "./dom.js";

// What a run asks of a person: a tool call to approve, with other arguments perhaps, or to deny with a reason.

/** @typedef {{ run: string, number: number, agent: string, tool: string, arguments: string }} Ask */

/**
 * @param {Ask} ask @param {(word: string, fields: object) => Promise<void>} act
 * @param {string} magic the id by which magics know the run
 */
export function question(ask, act, magic) {
  const given = h("pre", { class: "ask-given mono", text: ask.arguments });
  const edited = /** @type {HTMLTextAreaElement} */ (h("textarea", { rows: String(Math.min(12, ask.arguments.split("\n").length + 1)), "aria-label": `Arguments of ${ask.tool}, as JSON`, spellcheck: "false" }));
  const reason = /** @type {HTMLInputElement} */ (h("input", { placeholder: "Why not? The model hears it.", "aria-label": "Reason", class: "grow" }));
  const problem = h("div", { class: "bad small", role: "alert" });
  const middle = h("div", { class: "ask-middle" }, given);
  const tools = h("div", { class: "ask-tools" });
  const number = ask.number === 1 ? "" : ` ${ask.number}`;
  const common = { run: ask.run, number: ask.number };

  const start = () => {
    fill(middle, given);
    fill(problem);
    fill(tools,
      button("Approve", () => send("approve", common), { class: "first", title: `%agnt5 approve ${magic}${number}` }),
      button("Edit arguments", edit, { title: `%agnt5 approve ${magic}${number} --set NAME=VALUE` }),
      button("Deny", refuse, { title: `%agnt5 deny ${magic}${number} --reason TEXT` }));
  };
  const edit = () => {
    edited.value = ask.arguments;
    fill(middle, edited);
    fill(tools, button("Approve these", approveEdited, { class: "first", title: `%agnt5 approve ${magic}${number} --set NAME=VALUE` }), button("Back", start, { class: "plain" }));
    check();
    edited.focus();
  };
  const check = () => {
    let wrong = "";
    try {
      const value = JSON.parse(edited.value);
      if (typeof value !== "object" || value === null || Array.isArray(value)) wrong = "The arguments are a JSON object: {…}.";
    } catch (error) {
      wrong = `No JSON yet: ${error instanceof Error ? error.message : error}`;
    }
    problem.textContent = wrong;
    edited.setAttribute("aria-invalid", String(Boolean(wrong)));
    return !wrong;
  };
  const approveEdited = () => {
    if (check()) void send("approve", { ...common, arguments: edited.value });
    else edited.focus();
  };
  const refuse = () => {
    fill(tools, reason, button("Deny", () => void send("deny", { ...common, reason: reason.value }), { class: "first", title: `%agnt5 deny ${magic}${number} --reason TEXT` }), button("Back", start, { class: "plain" }));
    reason.focus();
  };
  const send = async (/** @type {string} */ word, /** @type {object} */ fields) => {
    for (const one of tools.querySelectorAll("button")) one.disabled = true;
    try {
      await act(word, fields);
      fill(tools, h("span", { class: "quiet", text: word === "deny" ? "Denied." : "Approved." }));
    } catch {
      start(); // the panel shows why
    }
  };
  edited.addEventListener("input", check);
  reason.addEventListener("keydown", (event) => {
    if (event.key === "Enter") void send("deny", { ...common, reason: reason.value });
  });
  start();
  return h("div", { class: "ask", "data-testid": "agnt5-ask" }, h("div", { class: "ask-head" }, h("span", { class: "sign wait", "aria-hidden": "true", text: "◷" }), h("span", {}, `${ask.agent} wants to call `, h("strong", { text: ask.tool }))), middle, problem, tools);
}
