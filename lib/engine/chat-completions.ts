/** `engine.chat.completions`: OpenAI's chat completions, streamed and whole. */
import { randomUUID } from "node:crypto";
import { checkMessages } from "../chat/message.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { choiceResults, startChoices } from "./choices.js";
import { type ChunkWriter, CompletionStream, openAiFinishReason, openAiUsage } from "./completion-stream.js";
import type { Generation, TokenLogprobs } from "./generation.js";
import { generateOptionsOf, logprobsOf, maxTokensOf, streamRequestOf } from "./openai-request.js";
import type {
  CallOptions,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  ChatLogprobs,
  TokenLogprob,
} from "./openai-types.js";
import type { Prompt } from "./prompt.js";
import type { GenerateOptions } from "./text-generation.js";

/** What the completion APIs need of their engine. */
export interface CompletionHost {
  generate(prompt: Prompt, options: GenerateOptions): Generation;
  readonly modelName: string;
  readonly fingerprint: string;
  readonly tokenizer: Tokenizer | undefined;
}

const OWN_FIELDS = [
  "messages",
  "max_completion_tokens",
  "max_tokens",
  "logprobs",
  "top_logprobs",
  "chat_template_kwargs",
];

/** A stream of chat completion chunks. */
export type ChatCompletionStream = CompletionStream<ChatCompletionChunk>;

/** OpenAI's `chat.completions`. */
export class ChatCompletions {
  readonly #host: CompletionHost;

  constructor(host: CompletionHost) {
    this.#host = host;
  }

  /**
   * Answers a chat. With `stream: true` the promise gives an AsyncIterable of chunks.
   * Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD, ERR_CHAT_TEMPLATE, ERR_CONTEXT_OVERFLOW, ERR_ABORTED, ERR_DISPOSED.
   */
  create(
    body: ChatCompletionCreateParams & { stream: true },
    options?: CallOptions,
  ): Promise<ChatCompletionStream>;
  create(
    body: ChatCompletionCreateParams & { stream?: false | null },
    options?: CallOptions,
  ): Promise<ChatCompletion>;
  create(
    body: ChatCompletionCreateParams,
    options?: CallOptions,
  ): Promise<ChatCompletion | ChatCompletionStream>;
  async create(
    body: ChatCompletionCreateParams,
    { signal, logitProcessor }: CallOptions = {},
  ): Promise<ChatCompletion | ChatCompletionStream> {
    const { stream, includeUsage } = streamRequestOf(body);
    const fields = { ...body };
    const options = {
      ...generateOptionsOf(fields, OWN_FIELDS),
      maxTokens: maxTokensOf(fields),
      logprobs: logprobsOf(fields),
      templateVariables: body.chat_template_kwargs ?? undefined,
      signal,
      logitProcessor,
    };
    const generate = this.#host.generate;
    const generations = startChoices(generate, checkMessages(body.messages), options, body.n);
    const withLogprobs = body.logprobs === true;
    if (stream) return new CompletionStream(generations, this.#writer(includeUsage, withLogprobs));
    const results = await choiceResults(generations);
    return {
      ...this.#head("chat.completion"),
      choices: results.map((result, index) => ({
        index,
        message: { role: "assistant", content: result.text, refusal: null },
        logprobs: withLogprobs ? this.#logprobs(result.tokens, result.logprobs) : null,
        finish_reason: openAiFinishReason(result),
      })),
      usage: openAiUsage(results),
    };
  }

  #writer(includeUsage: boolean, withLogprobs: boolean): ChunkWriter<ChatCompletionChunk> {
    const head = this.#head("chat.completion.chunk");
    const usage = includeUsage ? { usage: null } : {};
    const chunk = (
      index: number,
      delta: ChatCompletionChunk["choices"][number]["delta"],
      logprobs: ChatLogprobs | null = null,
      finish: ChatCompletionChunk["choices"][number]["finish_reason"] = null,
    ): ChatCompletionChunk => ({
      ...head,
      choices: [{ index, delta, logprobs, finish_reason: finish }],
      ...usage,
    });
    return {
      first: (index) => chunk(index, { role: "assistant", content: "" }),
      piece: ({ text, tokens, logprobs }, index) => {
        if (text === "" && !withLogprobs) return undefined;
        return chunk(index, { content: text }, withLogprobs ? this.#logprobs(tokens, logprobs) : null);
      },
      last: (finishReason, index) => chunk(index, {}, null, finishReason),
      ...(includeUsage ? { usage: (total) => ({ ...head, choices: [], usage: total }) } : {}),
    };
  }

  #head<ObjectName extends string>(object: ObjectName) {
    return {
      id: `chatcmpl-${randomUUID()}`,
      object,
      created: Math.floor(Date.now() / 1000),
      model: this.#host.modelName,
      system_fingerprint: this.#host.fingerprint,
    };
  }

  #logprobs(tokens: readonly number[], logprobs: readonly TokenLogprobs[]): ChatLogprobs {
    return {
      content: logprobs.map(({ logprob, top }, index) => ({
        ...this.#tokenLogprob(tokens[index] ?? 0, logprob),
        top_logprobs: top.map(({ id, logprob: value }) => this.#tokenLogprob(id, value)),
      })),
      refusal: null,
    };
  }

  #tokenLogprob(id: number, logprob: number): TokenLogprob {
    const { tokenizer } = this.#host;
    return {
      token: tokenizer?.decode([id], { skipSpecial: false, atStart: false }) ?? "",
      bytes: tokenizer === undefined ? null : [...tokenizer.tokenBytes(id)],
      logprob,
    };
  }
}
