/** `engine.completions`: OpenAI's text completions, streamed and whole. */
import { randomUUID } from "node:crypto";
import type { CompletionHost } from "./chat-completions.js";
import { type ChunkWriter, CompletionStream, openAiFinishReason, openAiUsage } from "./completion-stream.js";
import { expectInteger, unexpected } from "./expectation.js";
import { generateOptionsOf, streamRequestOf } from "./openai-request.js";
import type {
  CallOptions,
  Completion,
  CompletionChunk,
  CompletionCreateParams,
  CompletionFinishReason,
} from "./openai-types.js";

const OWN_FIELDS = ["prompt", "max_tokens"];
const DEFAULT_MAX_TOKENS = 16;

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
    { signal }: CallOptions = {},
  ): Promise<Completion | CompletionStream<CompletionChunk>> {
    const { stream, includeUsage } = streamRequestOf(body);
    const { prompt, max_tokens: maxTokens } = body;
    if (typeof prompt !== "string" && !(Array.isArray(prompt) && typeof prompt[0] === "number")) {
      throw unexpected("prompt", "one text or one list of token ids", prompt);
    }
    const generation = this.#host.generate(prompt, {
      ...generateOptionsOf({ ...body }, OWN_FIELDS),
      maxTokens: expectInteger("max_tokens", maxTokens ?? DEFAULT_MAX_TOKENS, 1, Number.MAX_SAFE_INTEGER),
      signal,
    });
    if (stream) return new CompletionStream(generation, this.#writer(includeUsage));
    const result = await generation.result;
    return {
      ...this.#head(),
      choices: [{ index: 0, text: result.text, logprobs: null, finish_reason: openAiFinishReason(result) }],
      usage: openAiUsage(result.usage),
    };
  }

  #writer(includeUsage: boolean): ChunkWriter<CompletionChunk> {
    const head = this.#head();
    const usage = includeUsage ? { usage: null } : {};
    const chunk = (text: string, finish: CompletionFinishReason | null): CompletionChunk => ({
      ...head,
      choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
      ...usage,
    });
    return {
      first: () => undefined,
      piece: ({ text }) => (text === "" ? undefined : chunk(text, null)),
      last: (finishReason) => chunk("", finishReason),
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
