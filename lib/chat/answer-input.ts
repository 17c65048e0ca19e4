/** The text of an answer as it comes, read by generators that wait (yield) where they need more of it. */

/** A reader that waits for more text at each `yield`. */
export type Reading<Result> = Generator<void, Result, void>;

const SPACE = /\s*/y;

/** Text that grows until it is closed; `at` is the place of the reader, who may go back to any place since `forget`. */
export class AnswerInput {
  text = "";
  at = 0;
  #closed = false;

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

  /** Takes the text before `mark` and the mark; undefined where it does not come within `most` characters. */
  *until(mark: string, most: number): Reading<string | undefined> {
    for (;;) {
      const found = this.text.indexOf(mark, this.at);
      if (found >= 0 && found - this.at <= most) {
        const before = this.text.slice(this.at, found);
        this.at = found + mark.length;
        return before;
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
