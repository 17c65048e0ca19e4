/** The merges of a BPE vocabulary by pair: a hash table of typed arrays (open addressing). */

/** Merges in order of rank, three ids each: left piece, right piece, the piece they make. */
export type MergeTriples = Int32Array;

/** (left id, right id) → rank and result. A pair named twice has its last rank. Immutable. */
export class MergeTable {
  readonly #triples: MergeTriples;
  /** rank + 1 of each slot; 0 is free. */
  readonly #slots: Int32Array;

  constructor(triples: MergeTriples) {
    this.#triples = triples;
    const count = triples.length / 3;
    let slots = 16;
    while (slots * 2 < count * 3) slots *= 2;
    this.#slots = new Int32Array(slots);
    for (let rank = 0; rank < count; rank++) {
      this.#slots[this.#find(triples[rank * 3] ?? 0, triples[rank * 3 + 1] ?? 0)] = rank + 1;
    }
  }

  /** The rank of a pair; -1 where it does not merge. */
  rankOf(left: number, right: number): number {
    return (this.#slots[this.#find(left, right)] ?? 0) - 1;
  }

  /** The piece that the merge of this rank makes. */
  resultOf(rank: number): number {
    return this.#triples[rank * 3 + 2] ?? -1;
  }

  #find(left: number, right: number): number {
    const mask = this.#slots.length - 1;
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    for (let entry = this.#slots[slot] ?? 0; entry !== 0; entry = this.#slots[slot] ?? 0) {
      const at = (entry - 1) * 3;
      if (this.#triples[at] === left && this.#triples[at + 1] === right) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}
