/** Finds stop texts in a text that arrives in pieces, across the borders of the pieces. */

/** Text that is certain, and whether a stop text was found (then nothing more comes out). */
export interface StopResult {
  readonly text: string;
  readonly stopped: boolean;
}

/**
 * Holds back the shortest end of the text that might be the beginning of a stop text; gives the rest at once.
 * The stop text that begins first wins, and neither it nor what follows it comes out.
 */
export class StopSequence {
  readonly #stops: readonly string[];
  #held = "";
  #stopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** The text that is certain after `piece`. */
  push(piece: string): StopResult {
    if (this.#stopped) return { text: "", stopped: true };
    if (this.#stops.length === 0) return { text: piece, stopped: false };
    const text = this.#held + piece;
    const found = this.#firstStop(text);
    if (found >= 0) {
      this.#stopped = true;
      this.#held = "";
      return { text: text.slice(0, found), stopped: true };
    }
    const certain = text.length - this.#possibleStart(text);
    this.#held = text.slice(certain);
    return { text: text.slice(0, certain), stopped: false };
  }

  /** The text ends here: what was held back after all. */
  finish(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }

  #firstStop(text: string): number {
    let first = -1;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at >= 0 && (first < 0 || at < first)) first = at;
    }
    return first;
  }

  /** Length of the longest end of `text` that a stop text begins with. */
  #possibleStart(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
