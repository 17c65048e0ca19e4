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
    { signal, logitProcessor }: CallOptions = {},
  ): Promise<Completion | CompletionStream<CompletionChunk>> {
    const { stream, includeUsage } = streamRequestOf(body);
    const { prompt, max_tokens: maxTokens } = body;
    if (typeof prompt !== "string" && !(Array.isArray(prompt) && typeof prompt[0] === "number")) {
      throw unexpected("prompt", "one text or one list of token ids", prompt);
    }
    const options = {
      ...generateOptionsOf({ ...body }, OWN_FIELDS),
      maxTokens: expectInteger("max_tokens", maxTokens ?? DEFAULT_MAX_TOKENS, 1, Number.MAX_SAFE_INTEGER),
      signal,
      logitProcessor,
    };
    const generations = startChoices(this.#host.generate, prompt, options, body.n);
    if (stream) return new CompletionStream(generations, this.#writer(includeUsage));
    const results = await choiceResults(generations);
    return {
      ...this.#head(),
      choices: results.map((result, index) => ({
        index,
        text: result.text,
        logprobs: null,
        finish_reason: openAiFinishReason(result),
      })),
      usage: openAiUsage(results),
    };
  }

  #writer(includeUsage: boolean): ChunkWriter<CompletionChunk> {
    const head = this.#head();
    const usage = includeUsage ? { usage: null } : {};
    const chunk = (index: number, text: string, finish: CompletionFinishReason | null): CompletionChunk => ({
      ...head,
      choices: [{ index, text, logprobs: null, finish_reason: finish }],
      ...usage,
    });
    return {
      first: () => undefined,
      piece: ({ text }, index) => (text === "" ? undefined : chunk(index, text, null)),
      last: (result, index) => [chunk(index, "", openAiFinishReason(result))],
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
