/** One model of a web-llm engine: its requests, what it said last, and how fast. */
import type { CreateEmbeddingResponse, EmbeddingCreateParams } from "../engine/embedding-types.js";
import type { Engine } from "../engine/engine.js";
import { unexpected } from "../engine/expectation.js";
import type { LogitProcessor } from "../engine/logit-processor.js";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  Completion,
  CompletionChunk,
  CompletionCreateParams,
  CompletionUsage,
} from "../engine/openai-types.js";
import { MlcError } from "../errors.js";

type Answer = ChatCompletion | Completion;
type Chunk = ChatCompletionChunk | CompletionChunk;
/** A chat's body; `extra_body` is web-llm's. */
export type ChatBody = ChatCompletionCreateParams & {
  readonly extra_body?: { readonly enable_thinking?: boolean | null } | null;
};
type Call = { readonly signal: AbortSignal };

/** A loaded model. */
export class LoadedModel {
  readonly #id: string;
  readonly #engine: Engine;
  readonly #defaults: Readonly<Record<string, number>>;
  readonly #running = new Set<AbortController>();
  readonly #processor: LogitProcessor | undefined;
  /** Tokens of forward(). */
  #forwarded: readonly number[] = [];
  #message = "";
  #usage: CompletionUsage | undefined;

  /** `defaults`: fields of requests that do not say otherwise. */
  constructor(
    id: string,
    engine: Engine,
    defaults: Readonly<Record<string, number>>,
    processor: LogitProcessor | undefined,
  ) {
    this.#processor = processor;
    this.#id = id;
    this.#engine = engine;
    this.#defaults = defaults;
  }

  get message(): string {
    return this.#message;
  }

  chat(body: ChatBody): Promise<Answer | AsyncIterable<Chunk>> {
    return this.#run(withExtraBody(body), (asked, call) => this.#engine.chat.completions.create(asked, call));
  }

  complete(body: CompletionCreateParams): Promise<Answer | AsyncIterable<Chunk>> {
    return this.#run(body, (asked, call) => this.#engine.completions.create(asked, call));
  }

  async embed(body: EmbeddingCreateParams): Promise<CreateEmbeddingResponse<number[] | string>> {
    return { ...(await this.#engine.embeddings.create(body)), model: this.#id };
  }

  /**
   * The token that follows all tokens since the last reset and these. Keys and values of those before are in the prefix cache. The
   * logit processor keeps its state.
   */
  async forward(inputIds: unknown): Promise<number> {
    if (!Array.isArray(inputIds) || inputIds.length === 0)
      throw unexpected("inputIds", "a list of token ids", inputIds);
    const tokens = [...this.#forwarded, ...(inputIds as number[])];
    const processor = this.#processor;
    const kept = processor === undefined ? {} : { logitProcessor: keepingState(processor) };
    const generation = this.#engine.generate(tokens, {
      ...sampling(this.#defaults),
      ...kept,
      maxTokens: 1,
      ignoreEos: true,
    });
    const { tokens: sampled } = await generation.result;
    this.#forwarded = tokens;
    return sampled[0] as number; // One was asked for, and none ends the text.
  }

  interrupt(): void {
    for (const request of this.#running) request.abort();
  }

  reset(keepStats: boolean): void {
    this.#message = "";
    this.#forwarded = [];
    this.#processor?.resetState();
    if (!keepStats) this.#usage = undefined;
  }

  statsText(): string {
    const rate = (value: number | null | undefined) => (value ?? 0).toFixed(4);
    const { extra } = this.#usage ?? {};
    return `prefill: ${rate(extra?.prefill_tokens_per_s)} tokens/sec, decoding: ${rate(extra?.decode_tokens_per_s)} tokens/sec`;
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  async #run<Body extends ChatCompletionCreateParams | CompletionCreateParams>(
    body: Body,
    create: (body: Body, call: Call) => Promise<Answer | AsyncIterable<Chunk>>,
  ): Promise<Answer | AsyncIterable<Chunk>> {
    const request = new AbortController();
    const asked = { ...this.#defaults, ...body };
    // The usage is always wanted: the statistics are made of it.
    const usage =
      asked.stream === true ? { stream_options: { ...asked.stream_options, include_usage: true } } : {};
    this.#running.add(request);
    try {
      const made = await create({ ...asked, ...usage }, { signal: request.signal });
      if (Symbol.asyncIterator in made) {
        const keepUsage = body.stream_options?.include_usage === true;
        return this.#chunks(made, request, keepUsage);
      }
      this.#running.delete(request);
      this.#message = textOf(made);
      this.#usage = made.usage;
      return { ...made, model: this.#id };
    } catch (error) {
      this.#running.delete(request);
      throw error;
    }
  }

  async *#chunks(
    chunks: AsyncIterable<Chunk>,
    request: AbortController,
    keepUsage: boolean,
  ): AsyncGenerator<Chunk> {
    let message = "";
    let last: Chunk | undefined;
    /** Choices that have begun and not ended. */
    const open = new Set<number>();
    try {
      for await (const chunk of chunks) {
        last = chunk;
        for (const { index, finish_reason: reason } of chunk.choices) {
          if (reason === null) open.add(index);
          else open.delete(index);
        }
        message += textOf(chunk);
        this.#message = message;
        this.#usage = chunk.usage ?? this.#usage;
        const { usage, ...rest } = chunk;
        if (keepUsage) yield { ...chunk, model: this.#id };
        else if (usage === undefined || usage === null) yield { ...rest, model: this.#id } as Chunk;
      }
    } catch (error) {
      if (!request.signal.aborted || last === undefined) throw error;
      for (const index of open) yield interrupted({ ...last, model: this.#id }, index);
    } finally {
      this.#running.delete(request);
    }
  }
}

/** Without the reset that a request begins with. */
function keepingState(processor: LogitProcessor): LogitProcessor {
  return {
    processLogits: (logits) => processor.processLogits(logits),
    processSampledToken: (token) => processor.processSampledToken(token),
    resetState: () => undefined,
  };
}

/** Defaults under the names of `generate`. */
function sampling(defaults: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [camel(name), value]));
}

/** The body with web-llm's own fields under the library's names. Errors: ERR_UNSUPPORTED_FIELD. */
function withExtraBody({ extra_body: extra, ...body }: ChatBody): ChatCompletionCreateParams {
  if (extra === undefined || extra === null) return body;
  const { enable_thinking: thinking, ...others } = extra;
  const [field] = Object.entries(others).find(([, value]) => value !== undefined && value !== null) ?? [];
  if (field !== undefined)
    throw new MlcError(
      "ERR_UNSUPPORTED_FIELD",
      `Expected enable_thinking alone in extra_body but received ${field}: remove it.`,
      { details: { field: `extra_body.${field}` } },
    );
  if (thinking === undefined || thinking === null) return body;
  return { ...body, chat_template_kwargs: { ...body.chat_template_kwargs, enable_thinking: thinking } };
}

/** The last chunk of a choice that was interrupted, with web-llm's finish reason. */
function interrupted(last: Chunk, index: number): Chunk {
  const nothing = last.object === "text_completion" ? { text: "" } : { delta: {} };
  const choice = { index, ...nothing, logprobs: null, finish_reason: "abort" };
  return { ...last, choices: [choice] } as unknown as Chunk;
}

/** The text of the first choice. */
function textOf({ choices }: Answer | Chunk): string {
  const first = (choices as readonly { readonly index: number }[]).find(({ index }) => index === 0);
  const said = (first ?? {}) as {
    message?: { content?: string | null };
    delta?: { content?: string };
    text?: string;
  };
  return said.message?.content ?? said.delta?.content ?? said.text ?? "";
}
