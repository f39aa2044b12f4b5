import { unpack } from "./panel.js";

// What rows show beside their numbers (lines of input, output and errors), asked a few hundred at a time as they come
// into sight. A row that changed is asked again.

const PAGE = 200;
const MOST = 6000;

/** @typedef {{ path: string, input: string, output: string, error: string, tries?: [number, number, string][], due?: number }} Words */

export class Pages {
  /** @param {import("./panel.js").Link} link @param {() => void} changed @param {(error: unknown) => void} fail */
  constructor(link, changed, fail) {
    this.link = link;
    this.changed = changed;
    this.fail = fail;
    /** @type {Map<number, Words>} */
    this.known = new Map();
    /** @type {Set<number>} */
    this.asked = new Set();
    /** @type {Set<number>} */
    this.stale = new Set();
  }

  /** @param {number} row */
  get(row) {
    return this.known.get(row);
  }

  /** These have changed. @param {Iterable<number>} rows */
  forget(rows) {
    for (const row of rows) {
      if (this.known.has(row)) this.stale.add(row);
    }
  }

  /** These are in sight. @param {number[]} rows */
  need(rows) {
    const missing = rows.filter((row) => (!this.known.has(row) || this.stale.has(row)) && !this.asked.has(row));
    if (!missing.length) return;
    // The latest rows in sight count, but a list that is drawn all the time must not put the question off for ever.
    this.wanted = missing.slice(0, PAGE);
    this.timer ??= setTimeout(() => {
      this.timer = null;
      void this.#fetch(this.wanted);
    }, this.known.size ? 60 : 0);
  }

  /** @type {any} */
  timer = null;

  /** @type {number[]} */
  wanted = [];

  /** @param {number[]} rows */
  async #fetch(rows) {
    for (const row of rows) {
      this.asked.add(row);
      this.stale.delete(row);
    }
    try {
      const { buffers } = await this.link.ask("rows", { rows });
      unpack(buffers[0]).forEach((/** @type {Words} */ words, /** @type {number} */ place) => this.known.set(rows[place], words));
      if (this.known.size > MOST) {
        for (const row of this.known.keys()) {
          if (this.known.size <= MOST / 2) break;
          this.known.delete(row);
        }
      }
      this.changed();
    } catch (error) {
      this.fail(error);
    } finally {
      for (const row of rows) this.asked.delete(row);
    }
  }

  close() {
    clearTimeout(this.timer);
  }
}
