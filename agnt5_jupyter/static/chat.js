import { h } from "./dom.js";

// A conversation as the model saw it: who said what, calls of tools, what the tools gave.

/** @typedef {{ role: string, name: string, text: string, failed: boolean, images: string[], calls: { name: string, arguments: string }[] }} Message */

/** @param {Message[]} messages @param {number} fresh place of the first message that this question added */
export function conversation(messages, fresh) {
  const made = h("ol", { class: "chat" });
  messages.forEach((message, place) => made.append(turn(message, place < fresh)));
  return made;
}

/** @param {Message} message @param {boolean} old */
function turn(message, old) {
  const who = message.role === "tool" ? `tool ${message.name}` : message.role;
  const made = h("li", { class: `turn is-${message.role}${old ? " is-old" : ""}` }, h("div", { class: "turn-who", text: message.failed ? `${who} · failed` : who }));
  if (message.text) made.append(h("div", { class: "turn-text", text: message.text }));
  for (const image of message.images) made.append(h("div", { class: "quiet small", text: `[image: ${image}]` }));
  for (const call of message.calls) {
    made.append(h("div", { class: "turn-call mono" }, h("span", { class: "sign live", "aria-hidden": "true", text: "→" }), h("strong", { text: call.name }), h("span", { text: `(${call.arguments})` })));
  }
  return made;
}
