/** The text of an answer as it comes, read by generators that wait (yield) where they need more of it. */

/** A reader that waits for more text at each `yield`. */
export type Reading<Result> = Generator<void, Result, void>;

const SPACE = /\s*/y;

/** Text that grows until it is closed; `at` is the place of the reader, who may go back to any place since `forget`. */
export class AnswerInput {
  text = "";
  at = 0;
  #closed = false;
  /** By what was searched for: characters before the end of the closed text in which it is not. */
  readonly #missing = new Map<string, number>();

  push(text: string): void {
    this.text += text;
  }

  close(): void {
    this.#closed = true;
  }

  /** Lets go of what has been read. */
  forget(): void {
    this.text = this.text.slice(this.at);
    this.at = 0;
  }

  /** Waits for more text; false at the end. */
  *more(): Reading<boolean> {
    const { length } = this.text;
    while (this.text.length === length) {
      if (this.#closed) return false;
      yield;
    }
    return true;
  }

  /** The next character, not taken; "" at the end. */
  *peek(): Reading<string> {
    if (this.at >= this.text.length && !(yield* this.more())) return "";
    return this.text[this.at] ?? "";
  }

  /** Takes white space. */
  *spaces(): Reading<void> {
    do {
      SPACE.lastIndex = this.at;
      SPACE.test(this.text);
      this.at = SPACE.lastIndex;
    } while (this.at >= this.text.length && (yield* this.more()));
  }

  /** Takes `wanted` if it is next. */
  *literal(wanted: string): Reading<boolean> {
    while (this.text.length - this.at < wanted.length) {
      if (!wanted.startsWith(this.text.slice(this.at)) || !(yield* this.more())) return false;
    }
    if (!this.text.startsWith(wanted, this.at)) return false;
    this.at += wanted.length;
    return true;
  }

  /** Whether `wanted` was searched for from here or before, and is not in the rest of the text. */
  isMissing(wanted: string): boolean {
    return this.text.length - this.at <= (this.#missing.get(wanted) ?? -1);
  }

  /** The text has ended, and from `place` on `wanted` is not in it: it need not be searched for again. */
  miss(wanted: string, place: number): void {
    this.#missing.set(wanted, this.text.length - place);
  }

  /** Takes the text before `mark` and the mark; undefined where it does not come within `most` characters. */
  *until(mark: string, most: number): Reading<string | undefined> {
    for (;;) {
      const near = this.text.slice(this.at, this.at + most + mark.length);
      const found = near.indexOf(mark);
      if (found >= 0) {
        this.at += found + mark.length;
        return near.slice(0, found);
      }
      if (this.text.length - this.at > most + mark.length || !(yield* this.more())) return undefined;
    }
  }
}

/** Length of the longest end of `text` that one of the marks may begin with. */
export function heldLength(text: string, marks: readonly string[]): number {
  const longest = Math.max(0, ...marks.map((mark) => mark.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(text.length - length);
    if (marks.some((mark) => mark.startsWith(end))) return length;
  }
  return 0;
}
