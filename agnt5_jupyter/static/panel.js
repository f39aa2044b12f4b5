import { button, fill, h } from "./dom.js";

// The base of all panels: styles and theme inside the element, and the words that a view and the kernel exchange (see
// display/panel.py). A view asks when it renders; what goes wrong is shown in the panel, with the way out.

/**
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(event: string, run: (...given: any[]) => void) => void} on
 * @property {(event: string, run: (...given: any[]) => void) => void} off
 * @property {(content: any) => void} send
 */
/** @typedef {{ fields: any, buffers: DataView[] }} Said */
/** @typedef {(said: Said) => void} Hearer */

/** What is put in front of a module when its parts are put together. */
/* global STYLES */

/** Seconds without an answer after which the panel says that the kernel is busy. */
const PATIENCE = 2;

/** One view's exchange with its kernel. */
export class Link {
  /** @param {Model} model @param {(error: string) => void} fail @param {(busy: boolean) => void} busy */
  constructor(model, fail, busy) {
    this.model = model;
    this.fail = fail;
    this.busy = busy;
    this.prefix = Math.random().toString(36).slice(2);
    this.number = 0;
    /** @type {Map<string, { resolve: Hearer, reject: (error: Error) => void, timer: any }>} */
    this.open = new Map();
    /** @type {Map<string, Hearer>} */
    this.hearers = new Map();
    this.hear = this.hear.bind(this);
    model.on("msg:custom", this.hear);
  }

  /** Ask the kernel for something. @param {string} word @param {object} [fields] @returns {Promise<Said>} */
  ask(word, fields = {}) {
    return this.#exchange({ ask: word, ...fields });
  }

  /** Have the kernel do something. @param {string} word @param {object} [fields] @returns {Promise<Said>} */
  do(word, fields = {}) {
    return this.#exchange({ do: word, ...fields });
  }

  /** Hear what the kernel tells by itself. @param {string} word @param {Hearer} run */
  on(word, run) {
    this.hearers.set(word, run);
  }

  /** @param {object} message @returns {Promise<Said>} */
  #exchange(message) {
    const id = `${this.prefix}${++this.number}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.busy(true), PATIENCE * 1000);
      this.open.set(id, { resolve, reject, timer });
      try {
        this.model.send({ ...message, id });
      } catch {
        // What was asked before is not answered either.
        for (const one of this.open.values()) clearTimeout(one.timer);
        this.open.clear();
        this.busy(false);
        reject(new Error("The kernel of this panel is gone. Run its cell again: what is recorded is still there."));
      }
    });
  }

  /** @param {any} fields @param {DataView[]} buffers */
  hear(fields, buffers) {
    if (fields.tell) {
      if (fields.tell === "error") this.fail(fields.error);
      else this.hearers.get(fields.tell)?.({ fields, buffers });
      return;
    }
    const waiting = this.open.get(fields.answer);
    if (!waiting) return; // another view's
    this.open.delete(fields.answer);
    clearTimeout(waiting.timer);
    if (!this.open.size) this.busy(false);
    if (fields.error) waiting.reject(new Error(fields.error));
    else waiting.resolve({ fields, buffers });
  }

  close() {
    for (const { timer } of this.open.values()) clearTimeout(timer);
    this.open.clear();
    try {
      this.model.send({ do: "bye" });
    } catch {
      // The kernel is gone, so nobody counts views.
    }
    this.model.off("msg:custom", this.hear);
  }
}

/** JSON that came in bulk. @param {DataView} buffer @returns {any} */
export function unpack(buffer) {
  return JSON.parse(new TextDecoder().decode(buffer));
}

/**
 * @typedef {object} View
 * @property {HTMLElement} root everything of the panel goes in here
 * @property {Link} link
 * @property {any} about the trait of this name
 * @property {any} [host] shows other panels of this kernel, where anywidget can
 * @property {(text: string) => void} say to who listens instead of looking
 * @property {(error: unknown) => void} fail shows an error until it is dismissed
 * @property {(run: () => void) => void} last run this when the view ends
 */

/**
 * The `render` of a widget. `build` makes the view and may be async; what it throws is shown.
 * @param {string} kind @param {(view: View) => void | Promise<void>} build
 */
export function panel(kind, build) {
  return (/** @type {{ model: Model, el: HTMLElement, host?: any }} */ { model, el, host }) => {
    const about = model.get("about");
    const root = h("div", { class: `agnt5 ${kind}`, "data-testid": `agnt5-${kind}`, "data-lm-suppress-shortcuts": "true" });
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", about.title);
    const trouble = h("div", { class: "trouble", role: "alert" });
    const busy = h("div", { class: "busy", text: "The kernel is busy; this goes on when it answers.", hidden: true });
    const aloud = h("div", { class: "aloud", "aria-live": "polite" });
    const body = h("div", { class: "body" });
    // The static page stands for the panel only where there is no panel.
    const hide = `.${about.mark}, .jp-OutputArea-child:has(.${about.mark}) { display: none !important; }`;
    el.append(h("style", { text: `${STYLES}\n${hide}` }), root);
    root.append(trouble, body, busy, aloud);
    // What is typed here is not for the notebook, whose single keys delete cells.
    root.addEventListener("keydown", (event) => event.stopPropagation());

    const fail = (/** @type {unknown} */ error) => {
      const text = error instanceof Error ? error.message : String(error);
      fill(trouble, h("span", { class: "sign bad", "aria-hidden": "true", text: "✕" }), h("span", { text }));
      trouble.append(button("Dismiss", () => fill(trouble), { class: "plain" }));
    };
    const link = new Link(model, fail, (on) => (busy.hidden = !on));
    /** @type {(() => void)[]} */
    const endings = [() => link.close(), follow(root)];
    const view = {
      root: body,
      link,
      about,
      host,
      say: (/** @type {string} */ text) => (aloud.textContent = text),
      fail,
      last: (/** @type {() => void} */ run) => void endings.push(run),
    };
    Promise.resolve(view).then(build).catch(fail);
    return () => {
      for (const end of endings.reverse()) end();
    };
  };
}

/** Keep the theme that of what is around: JupyterLab, VS Code, marimo, else the system's. @param {HTMLElement} root */
function follow(root) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const look = () => {
    const { jpThemeLight, vscodeThemeKind, theme } = document.body.dataset;
    const dark =
      jpThemeLight !== undefined
        ? jpThemeLight === "false"
        : vscodeThemeKind !== undefined
          ? /dark|high-contrast$/.test(vscodeThemeKind)
          : theme !== undefined || document.documentElement.classList.contains("dark")
            ? theme === "dark" || document.documentElement.classList.contains("dark")
            : system.matches;
    root.dataset.theme = dark ? "dark" : "light";
  };
  const watch = new MutationObserver(look);
  watch.observe(document.body, { attributes: true });
  watch.observe(document.documentElement, { attributes: true });
  system.addEventListener("change", look);
  look();
  return () => {
    watch.disconnect();
    system.removeEventListener("change", look);
  };
}
