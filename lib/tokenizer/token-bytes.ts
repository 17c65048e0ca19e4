/**
 * What each token stands for, as bytes. Decoding is then one rule for every kind of vocabulary: concatenate the bytes
 * and read them as UTF-8, which can be done a token at a time without ever taking text back.
 *
 * The decoder of tokenizer.json is folded into the table: ByteLevel (byte-level BPE), Replace, ByteFallback, Fuse,
 * Strip at the start, Metaspace (SentencePiece vocabularies), WordPiece (a text that begins with a continuation loses its mark). CTC,
 * which looks at neighbouring tokens, is refused.
 */
import { MlcError } from "../errors.js";
import { type AddedToken, record, type Stage, stage, type TokenizerDocument } from "./tokenizer-document.js";

const NOTHING = new Uint8Array(0);
/** Never part of UTF-8: a grammar cannot spell such a token, only name it by its id. */
const UNSPELLABLE = Uint8Array.of(0xff);

/** Bytes per token id, with the rule for the very start of a text. */
export class TokenBytes {
  /** Spaces to take away at the start of a text (SentencePiece puts one there that the text never had). */
  readonly leadingSpaces: number;
  readonly #rules: DecodingRules;
  readonly #pieceOf: (id: number) => string | undefined;
  readonly #added = new Map<number, AddedToken>();
  /** Filled on demand: a stream touches few of the tokens. */
  readonly #bytes = new Map<number, Uint8Array>();
  readonly #encoder = new TextEncoder();

  /** `pieceOf`: the vocabulary's spelling of an id. Errors: ERR_UNSUPPORTED_FORMAT for an unknown decoder. */
  constructor(document: TokenizerDocument, pieceOf: (id: number) => string | undefined) {
    this.#rules = decodingRules(document.decoder);
    this.leadingSpaces = this.#rules.leadingSpaces;
    this.#pieceOf = pieceOf;
    for (const token of document.addedTokens) this.#added.set(token.id, token);
  }

  /** Bytes of a token; empty for an id the vocabulary does not have (models pad their vocabulary). */
  of(id: number): Uint8Array {
    const known = this.#bytes.get(id);
    if (known !== undefined) return known;
    const bytes = this.#compute(id);
    this.#bytes.set(id, bytes);
    return bytes;
  }

  /**
   * Bytes of the ids from 0 to `count` - 1, one after the other, and how many each has; those of `silent` are a byte that no text
   * holds. Kept nowhere.
   */
  all(count: number, silent: ReadonlySet<number>): { bytes: Uint8Array; lengths: Int32Array } {
    const parts = Array.from({ length: count }, (_, id) =>
      silent.has(id) ? UNSPELLABLE : this.#compute(id),
    );
    const lengths = Int32Array.from(parts, (part) => part.length);
    const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return { bytes, lengths };
  }

  #compute(id: number): Uint8Array {
    const added = this.#added.get(id);
    const piece = added?.content ?? this.#pieceOf(id);
    if (piece === undefined) return NOTHING;
    if (this.#rules.byteLevel) {
      const bytes = added === undefined ? byteLevelBytes(piece) : undefined;
      return bytes ?? this.#encoder.encode(piece);
    }
    const byte = this.#rules.byteFallback ? /^<0x([0-9A-Fa-f]{2})>$/.exec(piece)?.[1] : undefined;
    if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
    let text = this.#rules.wordPiece?.(piece) ?? piece;
    for (const [from, to] of this.#rules.replacements) text = text.replaceAll(from, to);
    return this.#encoder.encode(text);
  }
}

interface DecodingRules {
  byteLevel: boolean;
  byteFallback: boolean;
  readonly replacements: [from: string, to: string][];
  leadingSpaces: number;
  /** Text of a WordPiece token that is not the first one. */
  wordPiece?: (piece: string) => string;
}

function decodingRules(decoder: Stage | undefined): DecodingRules {
  const rules: DecodingRules = { byteLevel: false, byteFallback: false, replacements: [], leadingSpaces: 0 };
  if (decoder === undefined) throw unsupported("no decoder");
  addStage(rules, decoder);
  return rules;
}

function addStage(rules: DecodingRules, decoder: Stage): void {
  switch (decoder.type) {
    case "Sequence":
      for (const part of Array.isArray(decoder.decoders) ? decoder.decoders : []) {
        addStage(rules, stage(part, "tokenizer.json: decoder.decoders"));
      }
      return;
    case "ByteLevel":
      rules.byteLevel = true;
      return;
    case "ByteFallback":
      rules.byteFallback = true;
      return;
    case "Fuse":
      return;
    case "Replace": {
      const pattern = record(decoder.pattern, "tokenizer.json: decoder.pattern").String;
      if (typeof pattern !== "string" || typeof decoder.content !== "string")
        throw unsupported("Replace with a pattern");
      rules.replacements.push([pattern, decoder.content]);
      return;
    }
    case "Metaspace":
      rules.replacements.push([typeof decoder.replacement === "string" ? decoder.replacement : "▁", " "]);
      if (decoder.prepend_scheme !== "never" && decoder.add_prefix_space !== false) rules.leadingSpaces = 1;
      return;
    case "Strip":
      if (decoder.content !== " " || (decoder.stop ?? 0) !== 0)
        throw unsupported("Strip of other than leading spaces");
      rules.leadingSpaces += typeof decoder.start === "number" ? decoder.start : 0;
      return;
    case "WordPiece":
      rules.wordPiece = wordPieceRule(decoder);
      rules.leadingSpaces = 1;
      return;
    default:
      throw unsupported(decoder.type);
  }
}

/** English contractions and punctuation that stand without a space before them, in the order of the original. */
const CLEANED = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" do not", " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
] as const;

/** A piece continues a word or begins one; the original cleans up token by token too. */
function wordPieceRule({ prefix = "##", cleanup = true }: Stage): (piece: string) => string {
  if (typeof prefix !== "string" || prefix === "") throw unsupported("WordPiece without a prefix");
  return (piece) => {
    const text = piece.startsWith(prefix) ? piece.slice(prefix.length) : ` ${piece}`;
    return cleanup === false ? text : CLEANED.reduce((all, [from, to]) => all.replaceAll(from, to), text);
  };
}

function unsupported(received: string): MlcError {
  return new MlcError(
    "ERR_UNSUPPORTED_FORMAT",
    `Expected a tokenizer decoder of ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Sequence, Strip or WordPiece but received ${received}: this tokenizer is not supported.`,
  );
}

/** Character of a byte-level vocabulary → byte (GPT-2's table: printable Latin-1 is itself, the rest from U+0100). */
const BYTE_OF_CHARACTER = new Map<string, number>();
{
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    BYTE_OF_CHARACTER.set(String.fromCharCode(printable ? byte : next++), byte);
  }
}

/** Bytes of a byte-level piece, or undefined where a character is not in the table (then the piece is plain text). */
function byteLevelBytes(piece: string): Uint8Array | undefined {
  const bytes = new Uint8Array(piece.length);
  for (let index = 0; index < piece.length; index++) {
    const byte = BYTE_OF_CHARACTER.get(piece.charAt(index));
    if (byte === undefined) return undefined;
    bytes[index] = byte;
  }
  return bytes;
}
