/** One model of a web-llm engine: its requests, what it said last, and how fast. */
import type { CreateEmbeddingResponse, EmbeddingCreateParams } from "../engine/embedding-types.js";
import type { Engine } from "../engine/engine.js";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  Completion,
  CompletionChunk,
  CompletionCreateParams,
  CompletionUsage,
} from "../engine/openai-types.js";

type Answer = ChatCompletion | Completion;
type Chunk = ChatCompletionChunk | CompletionChunk;
type Call = { readonly signal: AbortSignal };

/** A loaded model. */
export class LoadedModel {
  readonly #id: string;
  readonly #engine: Engine;
  readonly #defaults: Readonly<Record<string, number>>;
  readonly #running = new Set<AbortController>();
  #message = "";
  #usage: CompletionUsage | undefined;

  /** `defaults`: fields of requests that do not say otherwise. */
  constructor(id: string, engine: Engine, defaults: Readonly<Record<string, number>>) {
    this.#id = id;
    this.#engine = engine;
    this.#defaults = defaults;
  }

  get message(): string {
    return this.#message;
  }

  chat(body: ChatCompletionCreateParams): Promise<Answer | AsyncIterable<Chunk>> {
    return this.#run(body, (asked, call) => this.#engine.chat.completions.create(asked, call));
  }

  complete(body: CompletionCreateParams): Promise<Answer | AsyncIterable<Chunk>> {
    return this.#run(body, (asked, call) => this.#engine.completions.create(asked, call));
  }

  async embed(body: EmbeddingCreateParams): Promise<CreateEmbeddingResponse<number[] | string>> {
    return { ...(await this.#engine.embeddings.create(body)), model: this.#id };
  }

  interrupt(): void {
    for (const request of this.#running) request.abort();
  }

  reset(keepStats: boolean): void {
    this.#message = "";
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
