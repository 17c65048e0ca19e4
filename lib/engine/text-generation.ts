/**
 * The generate line: messages -> prompt text -> token ids -> request -> tokens -> text -> stream.
 *
 * The middle (tokens in, tokens out) is the native engine's; `startGeneration` is the whole of the rest.
 */
import type { ChatTemplate } from "../chat/chat-template.js";
import { type ChatMessage, checkMessages } from "../chat/message.js";
import { MlcError } from "../errors.js";
import type { NativeEngine } from "../ffi/native-engine.js";
import type { Manifest } from "../package/manifest.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import type { Admission } from "./admission.js";
import { DEADLINE_OPTION_NAMES, type DeadlineOptions, resolveDeadlines, startDeadlines } from "./deadline.js";
import { throwIfAborted } from "./engine-config.js";
import { expectInteger, expectKnownNames, unexpected } from "./expectation.js";
import { Generation, type GenerationResult } from "./generation.js";
import {
  callProcessor,
  chooseProcessor,
  type LogitProcessor,
  type LogitProcessorRegistry,
} from "./logit-processor.js";
import { nativeRequest } from "./native-request.js";
import {
  expectOverflowPolicy,
  type OverflowPolicy,
  promptRoom,
  type Truncation,
  truncateOldest,
} from "./overflow.js";
import { SAMPLING_OPTION_NAMES, type SamplingOptions } from "./sampling-options.js";
import { resolveSampling, roomFor } from "./sampling-params.js";
import { expectSlidingKeep, leadingSpecials, sharedBeginning, slidePrompt } from "./sliding.js";

/** What a generation starts from: raw text, a chat, or token ids. */
export type Prompt = string | readonly ChatMessage[] | readonly number[] | Int32Array;

/** Options of one generation. */
export interface GenerateOptions extends SamplingOptions, DeadlineOptions {
  /** Higher goes first, -1000 to 1000; the longer a request waits, the higher it counts. Default 0. */
  priority?: number | undefined;
  /** Ends the generation with ERR_ABORTED. */
  signal?: AbortSignal | undefined;
  /** Changes each token's logits: a processor, the name of a registered one, or null for none. Default: the model's registered one. */
  logitProcessor?: LogitProcessor | string | null | undefined;
  /** What to do with a text that is too long: an error, leave out a chat's oldest turns, or slide on. Default "error". */
  overflow?: OverflowPolicy | undefined;
  /**
   * With "sliding": first tokens that stay, at most half the context. Default: a chat's system messages, and of other
   * prompts the special tokens they begin with.
   */
  slidingKeep?: number | undefined;
  /** More variables for the chat template, for example `enable_thinking`. */
  templateVariables?: Readonly<Record<string, unknown>> | undefined;
}

/** The model as text generation sees it. */
export interface TextModel {
  readonly manifest: Manifest;
  readonly contextLength: number;
  readonly tokenizer: Tokenizer | undefined;
  readonly chatTemplate: ChatTemplate | undefined;
  readonly native: NativeEngine;
  readonly logitProcessors: LogitProcessorRegistry | undefined;
  /** Requests that run, by id. */
  readonly running: Map<number, Generation>;
  readonly admission: Admission;
  nextId(): number;
}

const MOST_PRIORITY = 1000;

const OPTION_NAMES = [
  ...SAMPLING_OPTION_NAMES,
  ...DEADLINE_OPTION_NAMES,
  "priority",
  "signal",
  "logitProcessor",
  "overflow",
  "slidingKeep",
  "templateVariables",
];

/** Called once when a generation has ended, before anybody else hears of it: its prompt, and its result unless an error ended it. */
export type OnGenerationEnd = (prompt: Int32Array, result: GenerationResult | undefined) => void;

/**
 * Starts one generation. Errors, at once: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD, ERR_CHAT_TEMPLATE, ERR_CONTEXT_OVERFLOW,
 * ERR_ENGINE_OVERLOADED, ERR_ABORTED.
 */
export function startGeneration(
  model: TextModel,
  prompt: Prompt,
  options: GenerateOptions = {},
  onEnd?: OnGenerationEnd,
): Generation {
  expectKnownNames("the generation's options", options, OPTION_NAMES);
  throwIfAborted(options.signal, "The generation");
  const { manifest, tokenizer, native, running } = model;
  const sampling = resolveSampling(options, manifest.generation, manifest.model.vocabSize);
  if (sampling.stop.length > 0) requireTokenizer(tokenizer);
  const limits = resolveDeadlines(options);
  // Before the prompt is read: a refusal costs next to nothing.
  model.admission.admit(running.size);
  const { ids, atStart, truncation, slideKeep } = fitPrompt(model, prompt, options, sampling.maxTokens);
  const priority = expectInteger("priority", options.priority ?? 0, -MOST_PRIORITY, MOST_PRIORITY);
  const maxTokens =
    slideKeep === undefined
      ? roomFor(ids.length, sampling.maxTokens, model.contextLength)
      : (sampling.maxTokens ?? model.contextLength);
  const eosTokens = sampling.ignoreEos ? [] : manifest.tokenizer.eosTokenIds;
  const stopTokens = [...new Set([...eosTokens, ...sampling.stopTokens])];
  const processor = chooseProcessor(options.logitProcessor, model.logitProcessors, manifest.model.name);
  if (processor !== undefined) callProcessor("resetState", () => processor.resetState());
  const id = model.nextId();
  let stopTimers = (): void => {};
  const generation = new Generation({
    id,
    promptTokens: ids.length,
    truncation,
    decoder: tokenizer?.stream({ atStart }),
    stop: sampling.stop,
    minTokens: sampling.minTokens,
    processor,
    reply: (logits) => native.replyLogits(id, logits),
    stopTokens: new Set(stopTokens),
    signal: options.signal,
    cancel: () => native.abort(id),
    onEnd: (result) => {
      running.delete(id);
      stopTimers();
      model.admission.ended();
      onEnd?.(ids, result);
    },
  });
  running.set(id, generation);
  try {
    const externalLogits = processor !== undefined;
    const place = { id, tokens: ids, maxTokens, stopTokens, priority, slideKeep, externalLogits, tokenizer };
    native.submit(nativeRequest(place, sampling));
    stopTimers = startDeadlines({ id, generation, native }, limits);
  } catch (error) {
    generation.fail(error);
    throw error;
  }
  return generation;
}

/** The prompt text of a chat, with control tokens only where the template puts them (see Tokenizer.protect). */
export function renderChat(
  model: Pick<TextModel, "tokenizer" | "chatTemplate">,
  messages: unknown,
  options: { addGenerationPrompt?: boolean; variables?: Readonly<Record<string, unknown>> } = {},
): string {
  const tokenizer = requireTokenizer(model.tokenizer);
  if (model.chatTemplate === undefined) {
    throw new MlcError(
      "ERR_CHAT_TEMPLATE",
      "Expected a model with a chat template but this package has none: send a raw prompt (text or token ids).",
    );
  }
  const plain = checkMessages(messages).map(({ role, content }) => ({
    role,
    content: tokenizer.protect(content),
  }));
  return model.chatTemplate.render(plain, options);
}

/** The tokenizer, or an error that says what a model without one can do. */
export function requireTokenizer(tokenizer: Tokenizer | undefined): Tokenizer {
  if (tokenizer !== undefined) return tokenizer;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    "Expected a model with a tokenizer but this package has none: only token ids go in and come out.",
  );
}

interface EncodedPrompt {
  readonly ids: Int32Array;
  readonly atStart: boolean;
}

interface FittedPrompt extends EncodedPrompt {
  readonly truncation: Truncation | undefined;
  /** First tokens that stay; undefined where the text does not slide. */
  readonly slideKeep: number | undefined;
}

/** The prompt's tokens, without those that its overflow policy leaves out. */
function fitPrompt(
  model: TextModel,
  prompt: Prompt,
  { overflow, slidingKeep, templateVariables }: GenerateOptions,
  maxTokens: number | undefined,
): FittedPrompt {
  const { contextLength } = model;
  const encode = (given: Prompt) => encodePrompt(model, given, templateVariables);
  const policy = expectOverflowPolicy(overflow);
  if (policy === "sliding") {
    const { ids: whole, atStart } = encode(prompt);
    const keep =
      expectSlidingKeep(slidingKeep, contextLength) ??
      (isChat(prompt)
        ? sharedBeginning(prompt, whole, (chat) => encode(chat).ids)
        : leadingSpecials(whole, model.tokenizer?.specialIds));
    const { ids, keep: slideKeep, truncation } = slidePrompt(whole, keep, contextLength);
    return { ids, atStart, truncation, slideKeep };
  }
  if (slidingKeep !== undefined) throw unexpected("overflow", '"sliding" for slidingKeep', policy);
  if (policy === "error") return { ...encode(prompt), truncation: undefined, slideKeep: undefined };
  if (!isChat(prompt)) throw unexpected("prompt", 'a chat for overflow "truncate-oldest"', prompt);
  const limits = { room: promptRoom(contextLength, maxTokens), contextLength };
  const { encoded, truncation } = truncateOldest(prompt, limits, encode);
  return { ...encoded, truncation, slideKeep: undefined };
}

function isChat(prompt: Prompt): prompt is readonly ChatMessage[] {
  return Array.isArray(prompt) && typeof prompt[0] === "object";
}

/** Token ids of a prompt, and whether the answer begins a text of its own (then it starts without a space). */
function encodePrompt(
  model: TextModel,
  prompt: Prompt,
  variables: Readonly<Record<string, unknown>> | undefined,
): EncodedPrompt {
  const vocabularySize = model.manifest.model.vocabSize;
  if (typeof prompt === "string") {
    const tokenizer = requireTokenizer(model.tokenizer);
    return { ids: nonEmpty(tokenizer.encode(prompt), vocabularySize), atStart: prompt === "" };
  }
  if (prompt instanceof Int32Array || (Array.isArray(prompt) && typeof prompt[0] === "number")) {
    const ids = nonEmpty(prompt as ArrayLike<number>, vocabularySize);
    const special = model.tokenizer?.specialIds;
    return { ids, atStart: special !== undefined && ids.every((id) => special.has(id)) };
  }
  if (!Array.isArray(prompt)) throw unexpected("prompt", "a text, a list of messages or token ids", prompt);
  const text = renderChat(model, prompt, variables === undefined ? {} : { variables });
  const ids = requireTokenizer(model.tokenizer).encode(text, { addSpecial: false, parseSpecial: true });
  return { ids: nonEmpty(ids, vocabularySize), atStart: true };
}

function nonEmpty(ids: ArrayLike<number>, vocabularySize: number): Int32Array {
  if (ids.length === 0) throw unexpected("prompt", "at least one token", "an empty prompt");
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index];
    if (!Number.isInteger(id) || id === undefined || id < 0 || id >= vocabularySize) {
      throw unexpected(`prompt token ${index}`, `a token id below ${vocabularySize}`, id);
    }
  }
  return Int32Array.from(ids);
}
