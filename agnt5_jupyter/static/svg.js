// Elements of SVG, made by hand as those of HTML are; text only as text.

const SPACE = "http://www.w3.org/2000/svg";

/**
 * @param {string} name @param {Record<string, any>} [given] attributes; `text` is the text
 * @param {...(Node | null | undefined | false)} children
 * @returns {SVGElement}
 */
export function s(name, given = {}, ...children) {
  const made = /** @type {SVGElement} */ (document.createElementNS(SPACE, name));
  for (const [key, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") made.textContent = String(value);
    else made.setAttribute(key, String(value));
  }
  for (const child of children) if (child) made.append(child);
  return made;
}
