/** OpenAI's Responses API, the part of it that makes sense for one model without a store: https://platform.openai.com/docs/api-reference/responses. */
import type { CompletionParamsBase } from "./openai-types.js";

/** A part of an input message. */
export interface ResponseInputText {
  type: "input_text" | "output_text";
  text: string;
}

/** A message of the input. */
export interface ResponseInputMessage {
  type?: "message";
  role: "user" | "assistant" | "system" | "developer";
  content: string | readonly ResponseInputText[];
}

/** Body of a response; the sampling fields beyond OpenAI's are those of a chat completion. */
export interface ResponseCreateParams extends Omit<CompletionParamsBase, "n" | "stream_options"> {
  input: string | readonly ResponseInputMessage[];
  /** A system message before the input. */
  instructions?: string | null;
  max_output_tokens?: number | null;
  metadata?: Record<string, string> | null;
  /** "auto" leaves out the oldest turns of what is too long for the context. Default "disabled": an error. */
  truncation?: "auto" | "disabled" | null;
  text?: { format?: { type: "text" } } | null;
  /** Nothing is stored: true is refused. */
  store?: boolean | null;
}

export interface ResponseOutputText {
  type: "output_text";
  text: string;
  annotations: [];
}

export interface ResponseOutputMessage {
  id: string;
  type: "message";
  role: "assistant";
  status: "in_progress" | "completed" | "incomplete";
  content: ResponseOutputText[];
}

export interface ResponseUsage {
  input_tokens: number;
  /** What enters the prefix cache is not counted apart: 0. */
  input_tokens_details: { cached_tokens: number; cache_write_tokens: 0 };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

/** An answer, also one that is under way. */
export interface ResponseObject {
  id: string;
  object: "response";
  /** Seconds since 1970. */
  created_at: number;
  status: "in_progress" | "completed" | "incomplete";
  error: null;
  /** Why it is incomplete. */
  incomplete_details: { reason: "max_output_tokens" } | null;
  instructions: string | null;
  max_output_tokens: number | null;
  metadata: Record<string, string>;
  model: string;
  output: ResponseOutputMessage[];
  /** All text of the output, as OpenAI's SDK has it. */
  output_text: string;
  parallel_tool_calls: boolean;
  previous_response_id: null;
  store: false;
  temperature: number | null;
  text: { format: { type: "text" } };
  tool_choice: "auto";
  tools: [];
  top_p: number | null;
  truncation: "auto" | "disabled";
  usage: ResponseUsage | null;
}

/** What a stream tells, numbered from 0. */
export type ResponseStreamEvent = { sequence_number: number } & (
  | {
      type: "response.created" | "response.in_progress" | "response.completed" | "response.incomplete";
      response: ResponseObject;
    }
  | {
      type: "response.output_item.added" | "response.output_item.done";
      output_index: number;
      item: ResponseOutputMessage;
    }
  | ({
      type: "response.content_part.added" | "response.content_part.done";
      part: ResponseOutputText;
    } & ResponsePlace)
  | ({ type: "response.output_text.delta"; delta: string; logprobs: [] } & ResponsePlace)
  | ({ type: "response.output_text.done"; text: string; logprobs: [] } & ResponsePlace)
);

/** Where a piece of text belongs. */
export interface ResponsePlace {
  item_id: string;
  output_index: number;
  content_index: number;
}
