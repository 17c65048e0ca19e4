/** Token ids in, text out, one token at a time: never half a character, never text that later changes. */
import type { TokenBytes } from "./token-bytes.js";

/** What a decoder leaves out and where it starts. */
export interface DecodeOptions {
  /** Leave control tokens out of the text. Default true. */
  skipSpecial?: boolean;
  /** Control tokens that are shown all the same. */
  shown?: ReadonlySet<number> | undefined;
  /** The tokens begin a text, so the space a SentencePiece vocabulary puts there goes. Default true; a stream that
   * continues a prompt says false, else the first word would stick to the prompt's last. */
  atStart?: boolean;
}

/**
 * Incremental decoder of one sequence. Bytes of an unfinished UTF-8 character are held until it is whole or proves
 * invalid (U+FFFD, as in decoding the whole at once); so the concatenated output equals the text of all the tokens.
 */
export class StreamingDecoder {
  readonly #tokenBytes: TokenBytes;
  readonly #skipped: ReadonlySet<number>;
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  #leadingSpaces: number;

  constructor(tokenBytes: TokenBytes, special: ReadonlySet<number>, options: DecodeOptions = {}) {
    this.#tokenBytes = tokenBytes;
    this.#skipped = (options.skipSpecial ?? true) ? without(special, options.shown) : new Set();
    this.#leadingSpaces = (options.atStart ?? true) ? tokenBytes.leadingSpaces : 0;
  }

  /** Text that is certain after this token; "" while a character is unfinished. */
  push(id: number): string {
    if (this.#skipped.has(id)) return "";
    return this.#strip(this.#utf8.decode(this.#tokenBytes.of(id), { stream: true }));
  }

  /** Ends the sequence: the rest, with U+FFFD for a character that never became whole. */
  finish(): string {
    return this.#strip(this.#utf8.decode());
  }

  /** Takes the leading spaces away from the first text that comes out. */
  #strip(text: string): string {
    let from = 0;
    while (this.#leadingSpaces > 0 && from < text.length) {
      if (text[from] !== " ") {
        this.#leadingSpaces = 0;
        break;
      }
      this.#leadingSpaces--;
      from++;
    }
    return from === 0 ? text : text.slice(from);
  }
}

function without(ids: ReadonlySet<number>, shown: ReadonlySet<number> | undefined): ReadonlySet<number> {
  return shown === undefined ? ids : new Set([...ids].filter((id) => !shown.has(id)));
}
