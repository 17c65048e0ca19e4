/** Chat completions as the AI SDK's results and stream parts. */
import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import type { ChatCompletionChunk, ChatCompletionMessage, CompletionUsage } from "../engine/openai-types.js";

/** The parts of a whole answer. */
export function contentOf({
  reasoning_content: thoughts,
  content,
  tool_calls: calls = [],
}: ChatCompletionMessage) {
  const parts: LanguageModelV4Content[] = [];
  if (thoughts !== undefined && thoughts !== "") parts.push({ type: "reasoning", text: thoughts });
  if (content !== null && content !== "") parts.push({ type: "text", text: content });
  for (const { id, function: called } of calls)
    parts.push({ type: "tool-call", toolCallId: id, toolName: called.name, input: called.arguments });
  return parts;
}

const REASONS: Readonly<Record<string, LanguageModelV4FinishReason["unified"]>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool-calls",
};

export function finishReasonOf(raw: string | null | undefined): LanguageModelV4FinishReason {
  return { unified: REASONS[raw ?? ""] ?? "other", raw: raw ?? undefined };
}

/** What the prefix cache gave is `cacheRead`. */
export function usageOf(usage: CompletionUsage | null | undefined): LanguageModelV4Usage {
  const cached = usage?.prompt_tokens_details.cached_tokens;
  const prompt = usage?.prompt_tokens;
  const answer = usage?.completion_tokens;
  const reasoning = usage?.completion_tokens_details.reasoning_tokens;
  return {
    inputTokens: {
      total: prompt,
      noCache: prompt === undefined || cached === undefined ? undefined : prompt - cached,
      cacheRead: cached,
      cacheWrite: undefined,
    },
    outputTokens: {
      total: answer,
      text: answer === undefined || reasoning === undefined ? undefined : answer - reasoning,
      reasoning,
    },
  };
}

type Block = "text" | "reasoning";

/** Turns chunks into parts: blocks are opened and closed, and a call is whole when its arguments are. */
export class AnswerParts {
  #open: Block | undefined;
  #blocks = 0;
  readonly #calls: { id: string; name: string; input: string }[] = [];
  #reason: string | null | undefined;
  #usage: CompletionUsage | null | undefined;

  /** The parts of one chunk. */
  *take({ choices: [choice], usage }: ChatCompletionChunk): Generator<LanguageModelV4StreamPart> {
    this.#usage = usage ?? this.#usage;
    this.#reason = choice?.finish_reason ?? this.#reason;
    const { reasoning_content: thoughts = "", content = "", tool_calls: calls = [] } = choice?.delta ?? {};
    if (thoughts !== "") yield* this.#piece("reasoning", thoughts);
    if (content !== "") yield* this.#piece("text", content);
    for (const { index, id, function: called } of calls) {
      let call = this.#calls[index];
      if (call === undefined) {
        yield* this.#close();
        call = { id: id ?? `call_${index}`, name: called.name ?? "", input: "" };
        this.#calls[index] = call;
        yield { type: "tool-input-start", id: call.id, toolName: call.name };
      }
      call.input += called.arguments;
      if (called.arguments !== "") yield { type: "tool-input-delta", id: call.id, delta: called.arguments };
    }
  }

  /** The parts after the last chunk. */
  *end(): Generator<LanguageModelV4StreamPart> {
    yield* this.#close();
    for (const { id, name, input } of this.#calls) {
      yield { type: "tool-input-end", id };
      yield { type: "tool-call", toolCallId: id, toolName: name, input };
    }
    yield { type: "finish", finishReason: finishReasonOf(this.#reason), usage: usageOf(this.#usage) };
  }

  *#piece(block: Block, delta: string): Generator<LanguageModelV4StreamPart> {
    if (this.#open !== block) {
      yield* this.#close();
      this.#open = block;
      this.#blocks++;
      yield { type: `${block}-start`, id: String(this.#blocks) };
    }
    yield { type: `${block}-delta`, id: String(this.#blocks), delta };
  }

  *#close(): Generator<LanguageModelV4StreamPart> {
    if (this.#open !== undefined) yield { type: `${this.#open}-end`, id: String(this.#blocks) };
    this.#open = undefined;
  }
}
