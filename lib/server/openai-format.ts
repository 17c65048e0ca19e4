/** Server-sent events with OpenAI's chunks and events. */
import type { CompletionUsage } from "../engine/openai-types.js";
import type { ResponseObject, ResponseStreamEvent } from "../engine/responses-types.js";
import type { AnswerFormat } from "./answer.js";
import { apiError } from "./api-error.js";

const EVENT_STREAM = "text/event-stream; charset=utf-8";
const PING = ": ping\n\n";

/** A whole completion, or a chunk of one. */
export interface CompletionObject {
  model: string;
  usage?: CompletionUsage | null;
  choices: readonly unknown[];
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

/** Completions; `keepUsage`: the client asked for the chunk of usage. */
export function completionFormat(keepUsage: boolean): AnswerFormat<CompletionObject, CompletionObject> {
  return {
    contentType: EVENT_STREAM,
    ping: PING,
    whole: (completion, model) => ({ ...completion, model }),
    part(chunk, model) {
      if (keepUsage) return data({ ...chunk, model });
      const { usage, ...rest } = chunk;
      return usage === undefined || usage === null ? data({ ...rest, model }) : "";
    },
    tokens: ({ usage }) => usage?.total_tokens,
    end: () => "data: [DONE]\n\n",
    error: (error) => data({ error: apiError(error).error }),
  };
}

/** Responses, whose events have names. */
export const RESPONSE_FORMAT: AnswerFormat<ResponseObject, ResponseStreamEvent> = {
  contentType: EVENT_STREAM,
  ping: PING,
  whole: (response, model) => ({ ...response, model }),
  part(event, model) {
    const named = "response" in event ? { ...event, response: { ...event.response, model } } : event;
    return `event: ${event.type}\n${data(named)}`;
  },
  tokens(said) {
    const response = "type" in said ? ("response" in said ? said.response : undefined) : said;
    return response?.usage?.total_tokens;
  },
  end: () => "",
  error(error) {
    const { message, code, param } = apiError(error).error;
    return `event: error\n${data({ type: "error", message, code, param })}`;
  },
};
