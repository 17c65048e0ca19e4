/**
 * Text ⇄ token ids, over @huggingface/tokenizers (normaliser, pre-tokenizer, BPE/unigram model).
 *
 * Three parts are ours: which control tokens a text may contain (added-token-splitter.ts), exact cutting of long
 * texts (word-splitter.ts), and decoding, a token at a time (token-bytes.ts, streaming-decoder.ts).
 */
import { readFile } from "node:fs/promises";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { MlcError } from "../errors.js";
import { AddedTokenSplitter, ControlTokenGuard, removeMarks } from "./added-token-splitter.js";
import { type DecodeOptions, StreamingDecoder } from "./streaming-decoder.js";
import { TokenBytes } from "./token-bytes.js";
import { type AddedToken, parseTokenizerDocument, record } from "./tokenizer-document.js";
import { WordSplitter } from "./word-splitter.js";

/** How a text becomes tokens. */
export interface EncodeOptions {
  /** Add what the tokenizer puts around a text, usually the begin-of-text token. Default true. */
  addSpecial?: boolean;
  /** Whether spellings of control tokens in the text become those tokens (a rendered chat prompt) or stay ordinary
   * text (anything a user wrote). Default false. */
  parseSpecial?: boolean;
}

/** What the package's manifest knows beyond the tokenizer files. */
export interface TokenizerSettings {
  bosTokenId?: number | undefined;
  /** Whether an encoded text begins with the bos token; default: what tokenizer.json's post-processor does. */
  addBos?: boolean | undefined;
}

/** The part of the library in use; its own declarations do not resolve under NodeNext. */
interface LibraryTokenizer {
  normalizer: ((text: string) => string) | null;
  pre_tokenizer: ((text: string, options: { section_index: number }) => string[]) | null;
  model: ((words: string[]) => string[]) & {
    vocab: (string | undefined)[];
    tokens_to_ids: Map<string, number>;
    unk_token_id?: number;
  };
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
}

/** A model's tokenizer. Immutable; safe to share. */
export class Tokenizer {
  /** Number of token ids the tokenizer knows (the model's vocabulary may be padded beyond it). */
  readonly vocabularySize: number;
  /** Ids of the control tokens. */
  readonly specialIds: ReadonlySet<number>;
  readonly bosTokenId: number | undefined;
  readonly #library: LibraryTokenizer;
  readonly #bytes: TokenBytes;
  readonly #words: WordSplitter;
  readonly #guard: ControlTokenGuard;
  /** Splitters before and after the normaliser, with and without control tokens. */
  readonly #splitters: Record<"all" | "ordinary", [AddedTokenSplitter, AddedTokenSplitter]>;
  readonly #prefix: readonly number[];
  readonly #suffix: readonly number[];

  /**
   * `tokenizerJson`, `configJson`: the parsed files. Errors: ERR_INVALID_MODEL, ERR_UNSUPPORTED_FORMAT.
   */
  constructor(tokenizerJson: unknown, configJson: unknown = {}, settings: TokenizerSettings = {}) {
    const document = parseTokenizerDocument(tokenizerJson);
    this.#library = buildLibraryTokenizer(document.raw, record(configJson, "tokenizer_config.json"));
    const pieces = this.#library.model.vocab;
    this.vocabularySize = pieces.length;
    this.specialIds = new Set(document.addedTokens.filter((token) => token.special).map((token) => token.id));
    this.#bytes = new TokenBytes(document, pieces);
    this.#words = new WordSplitter(pieces);
    this.#guard = new ControlTokenGuard(document.addedTokens);
    this.#splitters = {
      all: this.#splitterPair(document.addedTokens),
      ordinary: this.#splitterPair(document.addedTokens.filter((token) => !token.special)),
    };
    this.bosTokenId = settings.bosTokenId ?? tokenIdNamed(this.#library, configJson, "bos_token");
    [this.#prefix, this.#suffix] = this.#surroundings(settings.addBos);
  }

  /** Reads the two files (the second may be absent) and builds the tokenizer. Errors also ERR_IO. */
  static async load(
    tokenizerFile: string,
    configFile?: string,
    settings?: TokenizerSettings,
  ): Promise<Tokenizer> {
    const [tokenizerJson, configJson] = await Promise.all([
      readJson(tokenizerFile),
      configFile === undefined ? {} : readJson(configFile),
    ]);
    return new Tokenizer(tokenizerJson, configJson, settings);
  }

  /** Token ids of a text. */
  encode(text: string, options: EncodeOptions = {}): number[] {
    const ids: number[] = (options.addSpecial ?? true) ? [...this.#prefix] : [];
    const parse = options.parseSpecial ?? false;
    const [before, after] = this.#splitters[parse ? "all" : "ordinary"];
    for (const [index, section] of before.split(text).entries()) {
      if ("token" in section) {
        ids.push(section.token.id);
        continue;
      }
      const plain = this.#library.normalizer?.(section.text) ?? section.text;
      for (const part of after.split(plain)) {
        if ("token" in part) ids.push(part.token.id);
        else this.#encodePlain(removeMarks(part.text), section.atStart ? 0 : index + 1, ids);
      }
    }
    if (options.addSpecial ?? true) ids.push(...this.#suffix);
    return ids;
  }

  /**
   * A user's text, marked so that `encode` with `parseSpecial` gives only ordinary tokens for it: put it into a chat
   * template instead of the text itself.
   */
  protect(text: string): string {
    return this.#guard.mark(text);
  }

  /** The text of token ids; ids the tokenizer does not know (padding of the model's vocabulary) give no text. */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const decoder = this.stream(options);
    let text = "";
    for (const id of ids) {
      if (!Number.isInteger(id) || id < 0) {
        throw new MlcError(
          "ERR_INVALID_ARGUMENT",
          `Expected token ids (integers from 0) but received ${id}.`,
        );
      }
      text += decoder.push(id);
    }
    return text + decoder.finish();
  }

  /** A decoder for one sequence of tokens. */
  stream(options: DecodeOptions = {}): StreamingDecoder {
    return new StreamingDecoder(this.#bytes, this.specialIds, options);
  }

  /** The vocabulary's spelling of a token. */
  idToToken(id: number): string | undefined {
    return this.#library.model.vocab[id];
  }

  /** The id of a token by the vocabulary's spelling. */
  tokenToId(token: string): number | undefined {
    return this.#library.model.tokens_to_ids.get(token);
  }

  /** The bytes a token stands for (part of a character, perhaps). */
  tokenBytes(id: number): Uint8Array {
    return this.#bytes.of(id);
  }

  #encodePlain(text: string, sectionIndex: number, ids: number[]): void {
    if (text === "") return;
    const { pre_tokenizer: preTokenizer, model } = this.#library;
    const words = preTokenizer?.(text, { section_index: sectionIndex }) ?? [text];
    for (const piece of model(words.flatMap((word) => this.#words.split(word)))) {
      const id = model.tokens_to_ids.get(piece) ?? model.unk_token_id;
      if (id === undefined) continue;
      // A model whose merges happen to spell a control token (or with ignore_merges) must still not produce it here.
      if (this.specialIds.has(id) && id !== model.unk_token_id) this.#encodeCharacters(piece, ids);
      else ids.push(id);
    }
  }

  #encodeCharacters(piece: string, ids: number[]): void {
    const { model } = this.#library;
    for (const part of model(Array.from(piece))) {
      const id = model.tokens_to_ids.get(part) ?? model.unk_token_id;
      if (id !== undefined && !this.specialIds.has(id)) ids.push(id);
    }
  }

  #splitterPair(tokens: readonly AddedToken[]): [AddedTokenSplitter, AddedTokenSplitter] {
    const normalizer = this.#library.normalizer;
    const late = normalizer === null ? [] : tokens.filter((token) => token.normalized);
    const early = normalizer === null ? tokens : tokens.filter((token) => !token.normalized);
    return [
      new AddedTokenSplitter(early),
      new AddedTokenSplitter(late, (token) => normalizer?.(token.content) ?? token.content),
    ];
  }

  /** What the post-processor puts before and after a text, found by encoding a text with and without it. */
  #surroundings(addBos: boolean | undefined): [number[], number[]] {
    const probe = "a";
    const bare = this.#library.encode(probe, { add_special_tokens: false }).ids;
    const full = this.#library.encode(probe, { add_special_tokens: true }).ids;
    let at = 0;
    while (at < full.length && !bare.every((id, offset) => full[at + offset] === id)) at++;
    let prefix = full.slice(0, at);
    const suffix = full.slice(at + bare.length);
    const bos = this.bosTokenId;
    if (addBos === false) prefix = prefix.filter((id) => id !== bos);
    if (addBos === true && bos !== undefined && !prefix.includes(bos)) prefix = [bos, ...prefix];
    return [prefix, suffix];
  }
}

function buildLibraryTokenizer(
  document: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>>,
): LibraryTokenizer {
  try {
    // Checked by use: the library's own declarations are not resolvable, this interface is what it has at run time.
    return new HuggingFaceTokenizer(document, config) as unknown as LibraryTokenizer;
  } catch (cause) {
    throw new MlcError(
      "ERR_UNSUPPORTED_FORMAT",
      `Expected a tokenizer.json that can be interpreted but received one that cannot (${cause instanceof Error ? cause.message : cause}).`,
      { cause },
    );
  }
}

function tokenIdNamed(library: LibraryTokenizer, configJson: unknown, name: string): number | undefined {
  const value = record(configJson, "tokenizer_config.json")[name];
  const content =
    typeof value === "object" && value !== null ? (value as { content?: unknown }).content : value;
  return typeof content === "string" ? library.model.tokens_to_ids.get(content) : undefined;
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new MlcError("ERR_IO", `Expected to read ${file} but received ${(cause as Error).message}.`, {
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MlcError(
      "ERR_INVALID_MODEL",
      `Expected JSON in ${file} but received text that does not parse: the file is damaged.`,
      { cause },
    );
  }
}
