/** A loaded model for LangChain.js: "node-mlc/langchain". */
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
} from "@langchain/core/language_models/chat_models";
import {
  AIMessageChunk,
  type AIMessageChunkFields,
  type BaseMessage,
  type UsageMetadata,
} from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import type { Engine } from "../engine/engine.js";
import { expectKnownNames } from "../engine/expectation.js";
import type {
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  CompletionUsage,
  ToolCallDelta,
} from "../engine/openai-types.js";
import { chatMessagesOf } from "./langchain-messages.js";

export { NodeMlcEmbeddings, type NodeMlcEmbeddingsParams } from "./langchain-embeddings.js";

/** Fields of the chat API that a model or a call may set. */
const FIELD_NAMES = [
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "seed",
  "max_completion_tokens",
  "presence_penalty",
  "frequency_penalty",
  "repetition_penalty",
  "logit_bias",
  "response_format",
  "tools",
  "parallel_tool_calls",
  "reasoning_effort",
  "chat_template_kwargs",
  "priority",
  "overflow",
  "timeout_ms",
  "max_tokens",
  "min_tokens",
  "logprobs",
  "top_logprobs",
  "ignore_eos",
  "grammar",
] as const satisfies readonly (keyof ChatCompletionCreateParams)[];

/** LangChain's own options of a call, which are read elsewhere or concern LangChain alone. */
const OTHER_NAMES = [
  "stop",
  "signal",
  "timeout",
  "tool_choice",
  "outputVersion",
  "ls_structured_output_format",
  "maxConcurrency",
  "promptIndex",
];

/** Fields of the chat API: `temperature`, `max_completion_tokens`, `response_format`, `min_p`, ... */
export type ChatFields = {
  [Name in (typeof FIELD_NAMES)[number]]?: NonNullable<ChatCompletionCreateParams[Name]> | undefined;
};

/** What a model is made of: a loaded engine, and fields of every request. */
export interface ChatNodeMlcParams extends BaseChatModelParams {
  readonly engine: Engine;
  readonly fields?: ChatFields | undefined;
}

/** Options of a call: fields of the chat API beside LangChain's own (`stop`, `signal`, `tool_choice`, ...). */
export interface ChatNodeMlcCallOptions extends BaseChatModelCallOptions, ChatFields {}

/**
 * The engine as a chat model: `new ChatNodeMlc({ engine })`. Streams, tools (`bindTools`), structured output, callbacks and signals are
 * LangChain's; errors are the engine's. The engine stays its owner's.
 */
export class ChatNodeMlc extends BaseChatModel<ChatNodeMlcCallOptions> {
  readonly #engine: Engine;
  readonly #fields: ChatFields;

  static override lc_name(): string {
    return "ChatNodeMlc";
  }

  constructor({ engine, fields = {}, ...params }: ChatNodeMlcParams) {
    super(params);
    this.#engine = engine;
    this.#fields = fields;
  }

  /** LangChain's name of this kind of model. */
  override _llmType(): string {
    return "node-mlc";
  }

  override bindTools(
    tools: BindToolsInput[],
    kwargs: Partial<ChatNodeMlcCallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ChatNodeMlcCallOptions> {
    const functions = tools.map((tool) => convertToOpenAITool(tool)) as NonNullable<ChatFields["tools"]>;
    return this.withConfig({ ...kwargs, tools: functions });
  }

  /** What `invoke` runs. */
  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    const completion = await this.#engine.chat.completions.create(
      { ...this.#body(messages, options), stream: false },
      signalOf(options),
    );
    const [choice] = completion.choices;
    const {
      content,
      reasoning_content: thoughts,
      tool_calls: calls = [],
    } = choice?.message ?? { content: "" };
    const message = answerMessage({
      content: content ?? "",
      thoughts,
      calls: calls.map((call, index) => ({ ...call, index })),
      usage: completion.usage,
      metadata: { finish_reason: choice?.finish_reason, model_name: completion.model },
    });
    const text = content ?? "";
    await runManager?.handleLLMNewToken(text);
    return { generations: [{ text, message }], llmOutput: { tokenUsage: usageOf(completion.usage) } };
  }

  /** What `stream` runs. */
  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const body = {
      ...this.#body(messages, options),
      stream: true as const,
      stream_options: { include_usage: true },
    };
    for await (const chunk of await this.#engine.chat.completions.create(body, signalOf(options))) {
      const generation = generationOf(chunk);
      yield generation;
      await runManager?.handleLLMNewToken(generation.text, undefined, undefined, undefined, undefined, {
        chunk: generation,
      });
    }
  }

  #body(messages: readonly BaseMessage[], options: this["ParsedCallOptions"]): ChatCompletionCreateParams {
    expectKnownNames("the call's options", options, [...FIELD_NAMES, ...OTHER_NAMES]);
    const given = FIELD_NAMES.filter((name) => options[name] !== undefined);
    const body = {
      ...this.#fields,
      ...Object.fromEntries(given.map((name) => [name, options[name]])),
      ...(options.tool_choice === undefined ? {} : { tool_choice: toolChoiceOf(options.tool_choice) }),
      ...(options.stop === undefined ? {} : { stop: options.stop }),
      messages: chatMessagesOf(messages),
    };
    return body as ChatCompletionCreateParams;
  }
}

/** LangChain's "any" is "required", and another text the name of a function. */
function toolChoiceOf(choice: NonNullable<BaseChatModelCallOptions["tool_choice"]>): unknown {
  if (choice === "any") return "required";
  if (typeof choice !== "string" || ["auto", "none", "required"].includes(choice)) return choice;
  return { type: "function", function: { name: choice } };
}

function signalOf({ signal }: { signal?: AbortSignal }): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function usageOf(usage: CompletionUsage): UsageMetadata {
  return {
    input_tokens: usage.prompt_tokens,
    output_tokens: usage.completion_tokens,
    total_tokens: usage.total_tokens,
    input_token_details: { cache_read: usage.prompt_tokens_details.cached_tokens },
    output_token_details: { reasoning: usage.completion_tokens_details.reasoning_tokens },
  };
}

interface AnswerPiece {
  readonly content: string;
  readonly thoughts?: string | undefined;
  readonly calls: readonly ToolCallDelta[];
  readonly usage?: CompletionUsage | null | undefined;
  readonly metadata: Record<string, unknown>;
}

/** A piece of an answer, or all of it; LangChain joins pieces and reads the arguments of calls. */
function answerMessage({ content, thoughts, calls, usage, metadata }: AnswerPiece): AIMessageChunk {
  const fields = {
    content,
    tool_call_chunks: calls.map(({ index, id, function: called }) => ({
      index,
      id,
      name: called.name,
      args: called.arguments,
      type: "tool_call_chunk",
    })),
    additional_kwargs: thoughts === undefined ? {} : { reasoning_content: thoughts },
    response_metadata: metadata,
    ...(usage ? { usage_metadata: usageOf(usage) } : {}),
  };
  return new AIMessageChunk(fields as AIMessageChunkFields);
}

function generationOf({ choices: [choice], usage, model }: ChatCompletionChunk): ChatGenerationChunk {
  const { content = "", reasoning_content: thoughts, tool_calls: calls = [] } = choice?.delta ?? {};
  const reason = choice?.finish_reason ?? undefined;
  const metadata = reason === undefined ? {} : { finish_reason: reason, model_name: model };
  const message = answerMessage({ content, thoughts, calls, usage, metadata });
  return new ChatGenerationChunk({ text: content, message });
}
