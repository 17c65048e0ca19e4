/** `usage.extra`: what web-llm tells of a request's times beside its tokens. */
import type { GenerationResult } from "./generation.js";
import type { UsageExtra } from "./openai-types.js";

/** Times of a finished generation. A time or rate that cannot be told, as too few tokens came, is null. */
export function usageExtra(result: GenerationResult | undefined): UsageExtra {
  const { usage, timings, truncation } = result ?? EMPTY;
  const { prefillMs, firstTokenMs, totalMs } = timings;
  const further = usage.completionTokens - 1;
  const decodeMs = firstTokenMs === undefined || further < 1 ? undefined : totalMs - firstTokenMs;
  return {
    e2e_latency_s: totalMs / 1000,
    time_to_first_token_s: firstTokenMs === undefined ? null : firstTokenMs / 1000,
    time_per_output_token_s: decodeMs === undefined ? null : decodeMs / 1000 / further,
    prefill_tokens_per_s: rate(usage.promptTokens - usage.cachedTokens, prefillMs),
    decode_tokens_per_s: rate(further, decodeMs),
    ...(truncation === undefined
      ? {}
      : {
          truncation: {
            dropped_turns: truncation.droppedTurns,
            dropped_messages: truncation.droppedMessages,
            dropped_tokens: truncation.droppedTokens,
            original_prompt_tokens: truncation.originalPromptTokens,
          },
        }),
  };
}

const EMPTY: Pick<GenerationResult, "usage" | "timings" | "truncation"> = {
  usage: { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0, totalTokens: 0 },
  timings: { queueMs: undefined, prefillMs: undefined, firstTokenMs: undefined, totalMs: 0 },
  truncation: undefined,
};

/** Tokens a second. */
function rate(tokens: number, ms: number | undefined): number | null {
  return ms === undefined || ms <= 0 ? null : (tokens / ms) * 1000;
}
