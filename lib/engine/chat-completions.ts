/** `engine.chat.completions`: OpenAI's chat completions, streamed and whole. */
import { randomUUID } from "node:crypto";
import type { AnswerParser } from "../chat/answer-parser.js";
import type { ChatTemplate } from "../chat/chat-template.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { deltaOf, messageOf } from "./chat-answer.js";
import { type ChatParseParams, type ParsedChatCompletion, parseChat } from "./chat-parse.js";
import { chatRequestOf } from "./chat-request.js";
import { choiceResults, startChoices } from "./choices.js";
import { type ChunkWriter, CompletionStream, openAiFinishReason, openAiUsage } from "./completion-stream.js";
import type { Generation, GenerationResult, TokenLogprobs } from "./generation.js";
import { generateOptionsOf, logprobsOf, maxTokensOf, streamRequestOf } from "./openai-request.js";
import type {
  CallOptions,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  ChatFinishReason,
  ChatLogprobs,
  TokenLogprob,
} from "./openai-types.js";
import type { Prompt } from "./prompt.js";
import { REASONING_FIELDS } from "./reasoning.js";
import { GRAMMAR_FIELDS } from "./response-format.js";
import type { GenerateOptions } from "./text-generation.js";
import type { ToolRunStream } from "./tool-run-stream.js";
import {
  runTools,
  streamTools,
  type ToolRun,
  type ToolRunOptions,
  type ToolRunParams,
} from "./tool-runner.js";

/** What the completion APIs need of their engine. */
export interface CompletionHost {
  generate(prompt: Prompt, options: GenerateOptions): Generation;
  readonly modelName: string;
  readonly fingerprint: string;
  readonly tokenizer: Tokenizer | undefined;
  readonly chatTemplate: ChatTemplate | undefined;
}

const OWN_FIELDS = [
  "messages",
  "max_completion_tokens",
  "max_tokens",
  "logprobs",
  "top_logprobs",
  "chat_template_kwargs",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  ...REASONING_FIELDS,
  ...GRAMMAR_FIELDS,
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
    const sampling = generateOptionsOf(fields, OWN_FIELDS);
    const request = chatRequestOf(this.#host, fields);
    const options = {
      ...sampling,
      ...request.options,
      maxTokens: maxTokensOf(fields),
      logprobs: logprobsOf(fields),
      signal,
      logitProcessor,
    };
    const generate = this.#host.generate;
    const generations = startChoices(generate, request.messages, options, body.n);
    const withLogprobs = body.logprobs === true;
    if (stream) {
      const writer = this.#writer(includeUsage, withLogprobs, request.parser);
      return new CompletionStream(generations, writer);
    }
    const results = await choiceResults(generations);
    return {
      ...this.#head("chat.completion"),
      choices: results.map((result, index) => {
        const message = messageOf(result.text, request.parser?.());
        return {
          index,
          message,
          logprobs: withLogprobs ? this.#logprobs(result.tokens, result.logprobs) : null,
          finish_reason: finishReason(result, message.tool_calls?.length ?? 0),
        };
      }),
      usage: openAiUsage(results),
    };
  }

  /**
   * Answers with a value of `schema` (Standard Schema with a JSON schema, such as zod's): the answer is held to it by a
   * grammar and checked by the schema itself. `message.parsed` is the value, null where the answer was cut short.
   * Errors: those of `create`, ERR_INVALID_ARGUMENT with `details.issues` where the schema asks for more than a JSON schema can say.
   */
  parse<Value>(body: ChatParseParams<Value>, options?: CallOptions): Promise<ParsedChatCompletion<Value>> {
    return parseChat((given, call) => this.create(given, call), body, options);
  }

  /**
   * Lets the model call tools (see `defineTool`) and gives it their results, until it calls no more or `maxRounds` is reached. Calls of
   * one answer run side by side. With `stream: true` it gives the run's events while it goes on.
   * Errors: those of `create`; with `onError: "throw"` what a handler throws.
   */
  runTools(body: ToolRunParams & { stream: true }, options?: ToolRunOptions): ToolRunStream;
  runTools(body: ToolRunParams & { stream?: false | null }, options?: ToolRunOptions): Promise<ToolRun>;
  runTools(body: ToolRunParams, options?: ToolRunOptions): Promise<ToolRun> | ToolRunStream {
    if (body.stream === true) return streamTools((given, call) => this.create(given, call), body, options);
    return runTools((given, call) => this.create(given, call), body, options);
  }

  #writer(
    includeUsage: boolean,
    withLogprobs: boolean,
    parser: (() => AnswerParser) | undefined,
  ): ChunkWriter<ChatCompletionChunk> {
    const head = this.#head("chat.completion.chunk");
    const usage = includeUsage ? { usage: null } : {};
    const parsers = new Map<number, AnswerParser>();
    const parserOf = (index: number): AnswerParser | undefined => {
      const made = parsers.get(index) ?? parser?.();
      if (made !== undefined) parsers.set(index, made);
      return made;
    };
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
        const parsing = parserOf(index);
        const delta = parsing === undefined ? textDelta(text) : deltaOf(parsing.push(text));
        if (delta === undefined && !withLogprobs) return undefined;
        return chunk(index, delta ?? { content: "" }, withLogprobs ? this.#logprobs(tokens, logprobs) : null);
      },
      last: (result, index) => {
        const parsing = parserOf(index);
        const rest = parsing === undefined ? undefined : deltaOf(parsing.finish());
        const end = chunk(index, {}, null, finishReason(result, parsing?.calls ?? 0));
        return rest === undefined ? [end] : [chunk(index, rest), end];
      },
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

function textDelta(text: string): { content: string } | undefined {
  return text === "" ? undefined : { content: text };
}

/** An answer that stopped with calls in it waits for their results. */
function finishReason(result: GenerationResult, calls: number): ChatFinishReason {
  const reason = openAiFinishReason(result);
  return reason === "stop" && calls > 0 ? "tool_calls" : reason;
}
