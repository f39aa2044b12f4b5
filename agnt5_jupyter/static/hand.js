// Where a person has asked a walk to go and the kernel has not gone yet: wishes, carried out one at a time, in order.
// A relative move counts from where the last wish leads, so that quick keys lose none.

/** @typedef {{ to: number } | { by: number } | { run: true }} Wish a place, so many places on, or the next stop */

export class Hand {
  /**
   * @param {(wish: { to: number } | { run: true }) => Promise<boolean>} carry has the kernel do it; whether it did
   * @param {() => void} changed `aim` has changed, or nothing is wished any more
   */
  constructor(carry, changed) {
    this.carry = carry;
    this.changed = changed;
    /** Where the kernel is, and the last place. */
    this.index = 0;
    this.last = 0;
    /** Where it will be. How far a run to a stop goes is known when it is there. */
    this.aim = 0;
    /** @type {Wish[]} */
    this.wishes = [];
    /** @type {Wish | null} */
    this.underway = null;
  }

  get busy() {
    return this.underway !== null;
  }

  /** The kernel says where it is. @param {number} index @param {number} last */
  at(index, last) {
    this.index = index;
    this.last = last;
    if (!this.busy) this.aim = index;
  }

  /** @param {number} place */
  to(place) {
    this.aim = this.#within(place);
    this.wishes = [{ to: this.aim }]; // what was wished before does not matter any more
    this.#begin();
  }

  /** @param {number} places */
  by(places) {
    const before = this.wishes.at(-1) ?? this.underway;
    if (!before || "to" in before) this.to(this.aim + places);
    else if (this.wishes.length && "by" in before) before.by += places;
    else this.wishes.push({ by: places });
  }

  run() {
    const before = this.wishes.at(-1);
    if (!before || !("run" in before)) this.wishes.push({ run: true });
    this.#begin();
  }

  #begin() {
    this.changed();
    if (!this.busy) void this.#work();
  }

  async #work() {
    for (let wish; (wish = this.wishes.shift()); ) {
      if ("by" in wish) {
        this.aim = this.#within(this.index + wish.by);
        wish = { to: this.aim };
        this.changed();
      }
      this.underway = wish;
      if (!(await this.carry(wish))) this.wishes = [];
      if (!this.wishes.some((one) => "to" in one)) this.aim = this.index;
    }
    this.underway = null;
    this.changed();
  }

  /** @param {number} place */
  #within(place) {
    return Math.min(Math.max(place, 0), this.last);
  }
}
