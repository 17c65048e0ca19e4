/**
 * The generate line: messages -> prompt text -> token ids -> request -> tokens -> text -> stream.
 *
 * The middle (tokens in, tokens out) is the native engine's; `startGeneration` is the whole of the rest.
 */
import type { NativeEngine } from "../ffi/native-engine.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import type { Admission } from "./admission.js";
import { DEADLINE_OPTION_NAMES, type DeadlineOptions, resolveDeadlines, startDeadlines } from "./deadline.js";
import { throwIfAborted } from "./engine-config.js";
import { expectInteger, expectKnownNames } from "./expectation.js";
import { Generation, type GenerationResult } from "./generation.js";
import { type Grammar, resolveGrammar } from "./grammar.js";
import { supplyVocabulary } from "./grammar-vocabulary.js";
import {
  callProcessor,
  chooseProcessor,
  type LogitProcessor,
  type LogitProcessorRegistry,
} from "./logit-processor.js";
import { nativeRequest } from "./native-request.js";
import {
  fitPrompt,
  isChat,
  PROMPT_OPTION_NAMES,
  type Prompt,
  type PromptModel,
  type PromptOptions,
  requireTokenizer,
} from "./prompt.js";
import type { RequestOutcomes } from "./request-outcomes.js";
import { RequestSpan, type SpanTracer } from "./request-span.js";
import { SAMPLING_OPTION_NAMES, type SamplingOptions } from "./sampling-options.js";
import { resolveSampling, roomFor } from "./sampling-params.js";
import { nativeThought, type ThoughtOptions } from "./thought.js";

/** Options of one generation. */
export interface GenerateOptions extends SamplingOptions, DeadlineOptions, PromptOptions {
  /** Higher goes first, -1000 to 1000; the longer a request waits, the higher it counts. Default 0. */
  priority?: number | undefined;
  /** Ends the generation with ERR_ABORTED. */
  signal?: AbortSignal | undefined;
  /** Spellings of control tokens that are part of the text, such as those that begin a tool call. Default: none is. */
  visibleTokens?: readonly string[] | undefined;
  /** Changes each token's logits: a processor, the name of a registered one, or null for none. Default: the model's registered one. */
  logitProcessor?: LogitProcessor | string | null | undefined;
  /** What the answer must match: JSON, a JSON schema, an expression and so on; see docs/structured-output.md. */
  grammar?: Grammar | undefined;
  /** What in the answer is a thought: its tokens are counted, and held to a budget. The chat API knows it from the chat template. */
  thought?: ThoughtOptions | undefined;
}

/** The model as text generation sees it. */
export interface TextModel extends PromptModel {
  readonly native: NativeEngine;
  readonly logitProcessors: LogitProcessorRegistry | undefined;
  /** Requests that run, by id. */
  readonly running: Map<number, Generation>;
  readonly admission: Admission;
  readonly outcomes: RequestOutcomes;
  readonly tracer: SpanTracer | undefined;
  nextId(): number;
}

const MOST_PRIORITY = 1000;

const OPTION_NAMES = [
  ...SAMPLING_OPTION_NAMES,
  ...DEADLINE_OPTION_NAMES,
  "priority",
  "signal",
  "visibleTokens",
  "logitProcessor",
  "grammar",
  "thought",
  ...PROMPT_OPTION_NAMES,
];

/** Called once when a generation has ended, before anybody else hears of it: its prompt, and its result unless an error ended it. */
export type OnGenerationEnd = (prompt: Int32Array, result: GenerationResult | undefined) => void;

/**
 * Starts one generation. Errors, at once: ERR_INVALID_ARGUMENT, ERR_INVALID_GRAMMAR, ERR_UNSUPPORTED_FIELD, ERR_CHAT_TEMPLATE, ERR_CONTEXT_OVERFLOW,
 * ERR_ENGINE_OVERLOADED, ERR_ABORTED.
 */
export function startGeneration(
  model: TextModel,
  prompt: Prompt,
  options: GenerateOptions = {},
  onEnd?: OnGenerationEnd,
): Generation {
  const operation = isChat(prompt) ? "chat" : "text_completion";
  const span = model.tracer && new RequestSpan(model.tracer, operation, model.manifest.model.name);
  try {
    return submitRequest(model, prompt, options, { span, onEnd });
  } catch (error) {
    span?.fail(error);
    throw error;
  }
}

function submitRequest(
  model: TextModel,
  prompt: Prompt,
  options: GenerateOptions,
  { span, onEnd }: { span: RequestSpan | undefined; onEnd: OnGenerationEnd | undefined },
): Generation {
  expectKnownNames("the generation's options", options, OPTION_NAMES);
  throwIfAborted(options.signal, "The generation");
  const { manifest, tokenizer, native, running } = model;
  const sampling = resolveSampling(options, manifest.generation, manifest.model.vocabSize);
  if (sampling.stop.length > 0) requireTokenizer(tokenizer);
  const limits = resolveDeadlines(options);
  const grammar = resolveGrammar(options.grammar);
  const thought = options.thought && nativeThought(requireTokenizer(tokenizer), options.thought);
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
    decoder: tokenizer?.stream({ atStart, shown: visibleIds(tokenizer, options.visibleTokens) }),
    stop: sampling.stop,
    minTokens: sampling.minTokens,
    processor,
    reply: (logits) => native.replyLogits(id, logits),
    stopTokens: new Set(stopTokens),
    signal: options.signal,
    cancel: () => native.abort(id),
    onEnd: (end) => {
      running.delete(id);
      stopTimers();
      model.admission.ended();
      model.outcomes.add(end);
      span?.end(end);
      onEnd?.(ids, end.result);
    },
  });
  running.set(id, generation);
  span?.accepted(sampling, maxTokens);
  try {
    const externalLogits = processor !== undefined;
    if (grammar !== undefined) supplyVocabulary(native, requireTokenizer(tokenizer), manifest);
    const place = {
      id,
      tokens: ids,
      maxTokens,
      stopTokens,
      priority,
      slideKeep,
      grammar,
      thought,
      externalLogits,
      tokenizer,
    };
    native.submit(nativeRequest(place, sampling));
    stopTimers = startDeadlines({ id, generation, native }, limits);
  } catch (error) {
    generation.fail(error);
    throw error;
  }
  return generation;
}

function visibleIds(tokenizer: Tokenizer, spellings: readonly string[] | undefined): Set<number> | undefined {
  if (spellings === undefined) return undefined;
  const ids = spellings.map((spelling) => tokenizer.tokenToId(spelling));
  return new Set(ids.filter((id) => id !== undefined));
}
