/** `engine.completions`: OpenAI's text completions, streamed and whole. */
import { randomUUID } from "node:crypto";
import type { CompletionHost } from "./chat-completions.js";
import { choiceResults, startChoices } from "./choices.js";
import { type ChunkWriter, CompletionStream, openAiFinishReason, openAiUsage } from "./completion-stream.js";
import { expectInteger, unexpected } from "./expectation.js";
import { generateOptionsOf, streamRequestOf } from "./openai-request.js";
import type {
  CallOptions,
  Completion,
  CompletionChunk,
  CompletionCreateParams,
  CompletionFinishReason,
  TextLogprobs,
} from "./openai-types.js";
import { GRAMMAR_FIELDS, grammarOf } from "./response-format.js";
import { TextLogprobsWriter } from "./text-logprobs.js";

const OWN_FIELDS = ["prompt", "max_tokens", "logprobs", ...GRAMMAR_FIELDS];
const DEFAULT_MAX_TOKENS = 16;
const MOST_LOGPROBS = 20;

/** OpenAI's `completions`: continues a text. */
export class Completions {
  readonly #host: CompletionHost;

  constructor(host: CompletionHost) {
    this.#host = host;
  }

  /**
   * Continues a prompt. With `stream: true` the promise gives an AsyncIterable of chunks.
   * Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD, ERR_CONTEXT_OVERFLOW, ERR_ABORTED, ERR_DISPOSED.
   */
  create(
    body: CompletionCreateParams & { stream: true },
    options?: CallOptions,
  ): Promise<CompletionStream<CompletionChunk>>;
  create(
    body: CompletionCreateParams & { stream?: false | null },
    options?: CallOptions,
  ): Promise<Completion>;
  create(
    body: CompletionCreateParams,
    options?: CallOptions,
  ): Promise<Completion | CompletionStream<CompletionChunk>>;
  async create(
    body: CompletionCreateParams,
    { signal, logitProcessor }: CallOptions = {},
  ): Promise<Completion | CompletionStream<CompletionChunk>> {
    const { stream, includeUsage } = streamRequestOf(body);
    const { prompt, max_tokens: maxTokens } = body;
    if (typeof prompt !== "string" && !(Array.isArray(prompt) && typeof prompt[0] === "number")) {
      throw unexpected("prompt", "one text or one list of token ids", prompt);
    }
    const grammar = grammarOf({ ...body });
    const top = body.logprobs ?? undefined;
    const logprobs = top === undefined ? undefined : expectInteger("logprobs", top, 0, MOST_LOGPROBS);
    const options = {
      ...generateOptionsOf({ ...body }, OWN_FIELDS),
      logprobs,
      ...(grammar === undefined ? {} : { grammar }),
      maxTokens: expectInteger("max_tokens", maxTokens ?? DEFAULT_MAX_TOKENS, 1, Number.MAX_SAFE_INTEGER),
      signal,
      logitProcessor,
    };
    const generations = startChoices(this.#host.generate, prompt, options, body.n);
    const writerOf = () =>
      logprobs === undefined ? undefined : new TextLogprobsWriter(this.#host.tokenizer);
    if (stream) return new CompletionStream(generations, this.#writer(includeUsage, writerOf));
    const results = await choiceResults(generations);
    return {
      ...this.#head(),
      choices: results.map((result, index) => ({
        index,
        text: result.text,
        logprobs: writerOf()?.write(result.tokens, result.logprobs) ?? null,
        finish_reason: openAiFinishReason(result),
      })),
      usage: openAiUsage(results),
    };
  }

  #writer(
    includeUsage: boolean,
    writerOf: () => TextLogprobsWriter | undefined,
  ): ChunkWriter<CompletionChunk> {
    const head = this.#head();
    const usage = includeUsage ? { usage: null } : {};
    const writers = new Map<number, TextLogprobsWriter | undefined>();
    const chunk = (
      index: number,
      text: string,
      logprobs: TextLogprobs | null,
      finish: CompletionFinishReason | null,
    ): CompletionChunk => ({
      ...head,
      choices: [{ index, text, logprobs, finish_reason: finish }],
      ...usage,
    });
    return {
      first: () => undefined,
      piece: ({ text, tokens, logprobs }, index) => {
        if (!writers.has(index)) writers.set(index, writerOf());
        const written = writers.get(index)?.write(tokens, logprobs) ?? null;
        return text === "" && written === null ? undefined : chunk(index, text, written, null);
      },
      last: (result, index) => [chunk(index, "", null, openAiFinishReason(result))],
      ...(includeUsage ? { usage: (total) => ({ ...head, choices: [], usage: total }) } : {}),
    };
  }

  #head() {
    return {
      id: `cmpl-${randomUUID()}`,
      object: "text_completion" as const,
      created: Math.floor(Date.now() / 1000),
      model: this.#host.modelName,
      system_fingerprint: this.#host.fingerprint,
    };
  }
}
