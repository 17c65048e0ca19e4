/**
 * Text ⇄ token ids, over @huggingface/tokenizers (normaliser, pre-tokenizer, unigram model).
 *
 * Five parts are ours: which control tokens a text may contain (added-token-splitter.ts), byte-pair encoding in compact tables
 * (bpe-model.ts), exact cutting of long texts (word-splitter.ts), BERT's normaliser (bert-normalizer.ts), and decoding, a token at a time (token-bytes.ts,
 * streaming-decoder.ts).
 */
import { readFile } from "node:fs/promises";
import { MlcError } from "../errors.js";
import { AddedTokenSplitter, ControlTokenGuard, removeMarks } from "./added-token-splitter.js";
import { bertNormalizer } from "./bert-normalizer.js";
import { bpeOptions, bpeVocabulary } from "./bpe-document.js";
import { BpeModel } from "./bpe-model.js";
import { buildLibraryTokenizer, LibraryModel, type LibraryTokenizer } from "./library-tokenizer.js";
import { type PairTemplate, pairTemplate } from "./pair-template.js";
import { type DecodeOptions, StreamingDecoder } from "./streaming-decoder.js";
import { TokenBytes } from "./token-bytes.js";
import type { TokenModel } from "./token-model.js";
import {
  type AddedToken,
  parseTokenizerDocument,
  record,
  type TokenizerDocument,
} from "./tokenizer-document.js";
import { readVocabulary } from "./vocabulary-file.js";
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

/** A model's tokenizer. Immutable; safe to share. */
export class Tokenizer {
  /** Number of token ids the tokenizer knows (the model's vocabulary may be padded beyond it). */
  readonly vocabularySize: number;
  /** Ids of the control tokens. */
  readonly specialIds: ReadonlySet<number>;
  /** Tokens of their own, found in a text before it is divided: control tokens and others. */
  readonly addedIds: ReadonlySet<number>;
  readonly bosTokenId: number | undefined;
  readonly #library: Omit<LibraryTokenizer, "model">;
  readonly #model: TokenModel;
  readonly #bytes: TokenBytes;
  readonly #words: WordSplitter;
  readonly #guard: ControlTokenGuard;
  /** Splitters before and after the normaliser, with and without control tokens. */
  readonly #splitters: Record<"all" | "ordinary", [AddedTokenSplitter, AddedTokenSplitter]>;
  readonly #prefix: readonly number[];
  readonly #suffix: readonly number[];

  /**
   * `tokenizerJson`, `configJson`: the parsed files; `vocabulary`: the content of the vocabulary file, where there is one.
   * Errors: ERR_INVALID_MODEL, ERR_UNSUPPORTED_FORMAT.
   */
  constructor(
    tokenizerJson: unknown,
    configJson: unknown = {},
    settings: TokenizerSettings = {},
    vocabulary?: Uint8Array,
  ) {
    const document = parseTokenizerDocument(tokenizerJson);
    const config = record(configJson, "tokenizer_config.json");
    const { library, model } = buildModel(document, config, vocabulary);
    this.#library = library;
    this.#model = model;
    this.vocabularySize = model.size;
    this.addedIds = new Set(document.addedTokens.map((token) => token.id));
    this.specialIds = new Set(document.addedTokens.filter((token) => token.special).map((token) => token.id));
    this.#bytes = new TokenBytes(document, (id) => model.pieceOf(id));
    // To WordPiece the mark is a character like others, and a word's beginning is not its rest.
    const marked = document.model.type === "WordPiece" ? [] : model.piecesWith(WordSplitter.mark);
    this.#words = new WordSplitter(marked);
    this.#guard = new ControlTokenGuard(document.addedTokens);
    this.#splitters = {
      all: this.#splitterPair(document.addedTokens),
      ordinary: this.#splitterPair(document.addedTokens.filter((token) => !token.special)),
    };
    this.bosTokenId = settings.bosTokenId ?? tokenIdNamed(model, config.bos_token);
    [this.#prefix, this.#suffix] = this.#surroundings(settings.addBos);
  }

  /**
   * Reads the files and builds the tokenizer. All but the first may be absent; the last holds the vocabulary and merges where
   * tokenizer.json lacks them (vocabulary-file.ts). Errors also ERR_IO.
   */
  static async load(
    tokenizerFile: string,
    configFile?: string,
    settings?: TokenizerSettings,
    vocabularyFile?: string,
  ): Promise<Tokenizer> {
    const [tokenizerJson, configJson, vocabulary] = await Promise.all([
      readJson(tokenizerFile),
      configFile === undefined ? {} : readJson(configFile),
      vocabularyFile === undefined ? undefined : read(vocabularyFile),
    ]);
    return new Tokenizer(tokenizerJson, configJson, settings, vocabulary);
  }

  /** Ids that `encode` puts before and after a text. */
  get surroundings(): { readonly prefix: readonly number[]; readonly suffix: readonly number[] } {
    return { prefix: this.#prefix, suffix: this.#suffix };
  }

  /** What stands around two texts that are read together; undefined where the post-processor joins none. */
  get pairTemplate(): PairTemplate | undefined {
    return pairTemplate(
      this.#library.post_processor,
      (piece) => this.#model.idOf(piece) ?? this.#model.unknownId,
    );
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
    return this.#model.pieceOf(id);
  }

  /** The id of a token by the vocabulary's spelling. */
  tokenToId(token: string): number | undefined {
    return this.#model.idOf(token);
  }

  /** The bytes a token stands for (part of a character, perhaps). */
  tokenBytes(id: number): Uint8Array {
    return this.#bytes.of(id);
  }

  /** The bytes of all ids below `count`, one after the other, and how many each has; control tokens are a byte that no text holds. */
  allTokenBytes(count: number): { bytes: Uint8Array; lengths: Int32Array } {
    return this.#bytes.all(count, this.specialIds);
  }

  #encodePlain(text: string, sectionIndex: number, ids: number[]): void {
    if (text === "") return;
    const words = this.#library.pre_tokenizer?.(text, { section_index: sectionIndex }) ?? [text];
    for (const id of this.#model.encode(words.flatMap((word) => this.#words.split(word)))) {
      // A model whose merges happen to spell a control token (or with ignore_merges) must still not produce it here.
      if (this.specialIds.has(id) && id !== this.#model.unknownId) this.#encodeCharacters(id, ids);
      else ids.push(id);
    }
  }

  #encodeCharacters(id: number, ids: number[]): void {
    const parts = this.#model.encode(Array.from(this.#model.pieceOf(id) ?? ""));
    ids.push(...parts.filter((part) => !this.specialIds.has(part)));
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

  /** What the post-processor puts before and after a text. */
  #surroundings(addBos: boolean | undefined): [number[], number[]] {
    const text = "a text";
    const { tokens } = this.#library.post_processor?.([text], null, true) ?? { tokens: [text] };
    const idsOf = (pieces: readonly string[]) =>
      pieces.flatMap((piece) => this.#model.idOf(piece) ?? this.#model.unknownId ?? []);
    const at = tokens.indexOf(text);
    let prefix = idsOf(tokens.slice(0, at));
    const suffix = idsOf(tokens.slice(at + 1));
    const bos = this.bosTokenId;
    if (addBos === false) prefix = prefix.filter((id) => id !== bos);
    if (addBos === true && bos !== undefined && !prefix.includes(bos)) prefix = [bos, ...prefix];
    return [prefix, suffix];
  }
}

/** The library for what surrounds the model, and the model: ours for BPE, else the library's. */
function buildModel(
  { raw, model, addedTokens }: TokenizerDocument,
  config: Readonly<Record<string, unknown>>,
  vocabularyFile: Uint8Array | undefined,
): { library: LibraryTokenizer; model: TokenModel } {
  const options = bpeOptions(model);
  const added = addedTokens.map(({ id, content }) => [id, content] as const);
  const vocabulary =
    vocabularyFile !== undefined
      ? readVocabulary(vocabularyFile)
      : options === undefined
        ? undefined
        : bpeVocabulary(model, added);
  if (options === undefined || vocabulary === undefined) {
    const library = buildLibraryTokenizer(raw, config);
    const normalizer = bertNormalizer(raw.normalizer) ?? library.normalizer;
    return { library: { ...library, normalizer }, model: new LibraryModel(library) };
  }
  const library = buildLibraryTokenizer({ ...raw, model: { ...model, vocab: {}, merges: [] } }, config);
  return { library, model: new BpeModel(vocabulary, new Map(added), options) };
}

function tokenIdNamed(model: TokenModel, token: unknown): number | undefined {
  const content =
    typeof token === "object" && token !== null ? (token as { content?: unknown }).content : token;
  return typeof content === "string" ? model.idOf(content) : undefined;
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new MlcError("ERR_IO", `Expected to read ${file} but received ${(cause as Error).message}.`, {
      cause,
    });
  }
}

async function readJson(file: string): Promise<unknown> {
  const text = (await read(file)).toString("utf8");
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
