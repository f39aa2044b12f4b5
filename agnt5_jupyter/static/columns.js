// The index of a journal in columns, as display/columns.py writes it: row numbers in, numbers out, no values.

export const KINDS = [
  ...["step", "call", "child", "object", "sleep", "event", "state_set", "state_get"],
  ...["state_delete", "send_event", "cancel", "start", "join"],
];
export const STATES = ["running", "done", "failed", "cancelled", "timed out", "retrying"];
/** Kinds of entries that make a run. */
const MAKERS = new Set(["child", "object", "start"]);
export const SHARED = 8;
export const REUSED = 16;
export const GIVEN = 32;
export const NOTED = 64;

const WIDE = /** @type {const} */ (["seq", "scope", "name"]);
const REAL = /** @type {const} */ (["began", "took"]);
const NARROW = /** @type {const} */ (["kind", "flags", "tries", "depth"]);

/** Rows that grow. `began` is in seconds since the run's origin, `took` NaN while under way. */
export class Rows {
  constructor() {
    this.count = 0;
    /** @type {string[]} */
    this.names = [];
    this.seq = new Uint32Array(256);
    this.scope = new Uint32Array(256);
    this.name = new Uint32Array(256);
    this.began = new Float32Array(256);
    this.took = new Float32Array(256);
    this.kind = new Uint8Array(256);
    this.flags = new Uint8Array(256);
    this.tries = new Uint8Array(256);
    this.depth = new Uint8Array(256);
    /** @type {Map<number, number>} */
    this.rowOf = new Map();
    this.nested = false;
  }

  /** Take what an index message holds; gives the rows that are new or have changed. @param {any} fields @param {DataView} data */
  take(fields, data) {
    const { count, first, names, names_from } = fields;
    names.forEach((/** @type {string} */ name, /** @type {number} */ place) => (this.names[names_from + place] = name));
    // A copy, since a view of the message may not lie at a multiple of four.
    const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    let at = 0;
    const wide = () => new Uint32Array(bytes, (at += 4 * count) - 4 * count, count);
    const rows = first === undefined ? wide() : Uint32Array.from({ length: count }, (_, place) => first + place);
    const top = rows.reduce((most, row) => Math.max(most, row + 1), this.count);
    this.#grow(top);
    for (const key of WIDE) this.#put(this[key], rows, wide());
    for (const key of REAL) {
      at += 4 * count;
      this.#put(this[key], rows, new Float32Array(bytes, at - 4 * count, count));
    }
    for (const key of NARROW) {
      at += count;
      this.#put(this[key], rows, new Uint8Array(bytes, at - count, count));
    }
    for (const row of rows) {
      this.rowOf.set(this.seq[row], row);
      if (this.scope[row] || this.makes(row)) this.nested = true;
    }
    this.count = top;
    return rows;
  }

  /** How many names are known without a gap. */
  known() {
    const gap = this.names.findIndex((name) => name === undefined);
    return gap < 0 ? this.names.length : gap;
  }

  /**
   * Ask for the whole index: the first piece says how long it is, the others are asked at once.
   * @param {import("./panel.js").Link} link @param {(fields: any, data: DataView) => void} take
   */
  async fetch(link, take) {
    const piece = async (/** @type {number} */ first) => {
      const { fields, buffers } = await link.ask("index", { first, names: this.known() });
      take(fields, buffers[0]);
      return fields;
    };
    const { count, total } = await piece(0);
    const rest = [];
    for (let first = count; count && first < total; first += count) rest.push(piece(first));
    await Promise.all(rest);
  }

  /** @param {Uint32Array | Float32Array | Uint8Array} column @param {Uint32Array} rows @param {ArrayLike<number>} values */
  #put(column, rows, values) {
    for (let place = 0; place < rows.length; place++) column[rows[place]] = values[place];
  }

  /** @param {number} size */
  #grow(size) {
    let room = this.seq.length;
    if (size <= room) return;
    while (room < size) room *= 2;
    for (const key of [...WIDE, ...REAL, ...NARROW]) {
      const wider = new /** @type {any} */ (this[key].constructor)(room);
      wider.set(this[key]);
      /** @type {any} */ (this)[key] = wider;
    }
  }

  /** @param {number} row */
  state(row) {
    return STATES[this.flags[row] & 7];
  }

  /** Where its answer comes from, when it is none of this run's code; "" else. @param {number} row */
  origin(row) {
    const flags = this.flags[row];
    return flags & SHARED ? "shared" : flags & GIVEN ? "given" : flags & REUSED ? "reused" : "";
  }

  /** Whether it made a run, whose steps may lie below it. @param {number} row */
  makes(row) {
    return MAKERS.has(this.kindOf(row));
  }

  /** @param {number} row */
  kindOf(row) {
    return KINDS[this.kind[row]];
  }

  /** @param {number} row */
  nameOf(row) {
    return this.names[this.name[row]] ?? "";
  }

  /** The row it is nested in, or -1. @param {number} row */
  parent(row) {
    return this.rowOf.get(this.scope[row]) ?? -1;
  }

  /** Rows as a tree: each after what it is nested in, without what lies in folded ones. @param {Set<number>} folded */
  tree(folded) {
    if (!this.nested) return Uint32Array.from({ length: this.count }, (_, row) => row);
    const { first, next, roots } = this.#links();
    const order = new Uint32Array(this.count);
    let size = 0;
    const todo = [...roots].reverse();
    while (todo.length) {
      const row = /** @type {number} */ (todo.pop());
      order[size++] = row;
      if (folded.has(row)) continue;
      const inner = [];
      for (let child = first[row]; child >= 0; child = next[child]) inner.push(child);
      for (const child of inner.reverse()) todo.push(child);
    }
    return order.slice(0, size);
  }

  /** First child and next sibling of every row, and the rows that are nested in none. */
  #links() {
    const first = new Int32Array(this.count).fill(-1);
    const last = new Int32Array(this.count).fill(-1);
    const next = new Int32Array(this.count).fill(-1);
    /** @type {number[]} */
    const roots = [];
    for (let row = 0; row < this.count; row++) {
      const parent = this.scope[row] ? this.parent(row) : -1;
      if (parent < 0 || parent === row) roots.push(row);
      else if (first[parent] < 0) first[parent] = last[parent] = row;
      else last[parent] = next[last[parent]] = row;
    }
    return { first, next, roots };
  }

  /** Rows that have others inside. */
  parents() {
    const found = new Set();
    for (let row = 0; row < this.count; row++) if (this.scope[row]) found.add(this.parent(row));
    return found;
  }
}
