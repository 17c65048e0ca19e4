/** OpenAI's Responses API, the part of it that makes sense for one model without a store: https://platform.openai.com/docs/api-reference/responses. */
import type { CompletionParamsBase, ReasoningEffort, ReasoningParams } from "./openai-types.js";

/** How far an item, or a whole response, has come. */
export type ResponseStatus = "in_progress" | "completed" | "incomplete";

/** A part of an input message. */
export interface ResponseInputText {
  type: "input_text" | "output_text";
  text: string;
}

/** A message of the input. */
export interface ResponseInputMessage {
  type?: "message";
  role: "user" | "assistant" | "system" | "developer";
  content: string | readonly (ResponseInputText | ResponseRefusal)[];
  /** Of answers that come back. */
  id?: string;
  status?: ResponseStatus;
}

/** An answer that refused; it counts as text. */
export interface ResponseRefusal {
  type: "refusal";
  refusal: string;
}

/** What a function gave back for the call of `call_id`. */
export interface ResponseFunctionCallOutput {
  type: "function_call_output";
  call_id: string;
  output: string | readonly ResponseInputText[];
  id?: string | null;
  status?: ResponseStatus | null;
}

/** An item of the input; the output of an answer goes back as it is. */
export type ResponseInputItem =
  | ResponseInputMessage
  | (Omit<ResponseFunctionCall, "id" | "status"> & Partial<Pick<ResponseFunctionCall, "id" | "status">>)
  | ResponseReasoning
  | ResponseFunctionCallOutput;

/** A function the model may call. */
export interface ResponseTool {
  type: "function";
  name: string;
  description?: string | null;
  /** JSON schema of the arguments. */
  parameters: { [key: string]: unknown } | null;
  /** Arguments are held to the schema by a grammar, which wants objects closed. Null: only where a call is required. */
  strict: boolean | null;
}

/** Which functions an answer may or must call. */
export type ResponseToolChoice =
  | "none"
  | "auto"
  | "required"
  | { type: "function"; name: string }
  | { type: "allowed_tools"; mode: "auto" | "required"; tools: { [key: string]: unknown }[] };

/** What the text of an answer looks like. */
export type ResponseTextFormat =
  | { type: "text" }
  | { type: "json_object" }
  | {
      type: "json_schema";
      name: string;
      schema: { [key: string]: unknown };
      description?: string;
      strict?: boolean | null;
    };

/** Body of a response; the sampling fields and grammars beyond OpenAI's are those of a chat completion. */
export interface ResponseCreateParams
  extends Omit<CompletionParamsBase, "n" | "stream_options" | "response_format"> {
  input: string | readonly ResponseInputItem[];
  /** A system message before the input. */
  instructions?: string | null;
  max_output_tokens?: number | null;
  /** "auto" leaves out the oldest turns of what is too long for the context. Default "disabled": an error. */
  truncation?: "auto" | "disabled" | null;
  text?: { format?: ResponseTextFormat; verbosity?: "medium" | null } | null;
  tools?: readonly ResponseTool[] | null;
  tool_choice?: ResponseToolChoice | null;
  parallel_tool_calls?: boolean | null;
  /** Thoughts come whole as items of the output: there is no summary of them. */
  reasoning?: (ReasoningParams & { summary?: "auto" | null }) | null;
  thinking_token_budget?: number | null;
  /** Thoughts are in the output in plain, which is what encrypted ones are for. */
  include?: readonly "reasoning.encrypted_content"[] | null;
  /** Variables of the chat template. */
  chat_template_kwargs?: Record<string, unknown> | null;
  /** Nothing is stored: true is refused. */
  store?: boolean | null;
  background?: false | null;
  stream_options?: { include_obfuscation?: false } | null;
}

/** A text of an answer. */
export interface ResponseOutputText {
  type: "output_text";
  text: string;
  annotations: [];
}

/** A text of a thought. */
export interface ResponseReasoningText {
  type: "reasoning_text";
  text: string;
}

/** What the model says. */
export interface ResponseOutputMessage {
  id: string;
  type: "message";
  role: "assistant";
  status: ResponseStatus;
  content: ResponseOutputText[];
}

/** What the model thinks. */
export interface ResponseReasoning {
  id: string;
  type: "reasoning";
  summary: { type: "summary_text"; text: string }[];
  content?: ResponseReasoningText[];
  status?: ResponseStatus;
}

/** A call of a function; `arguments` is JSON text of an object. */
export interface ResponseFunctionCall {
  id: string;
  type: "function_call";
  call_id: string;
  name: string;
  arguments: string;
  status: ResponseStatus;
}

/** A part of an answer. */
export type ResponseOutputItem = ResponseOutputMessage | ResponseReasoning | ResponseFunctionCall;

/** Tokens of a request. */
export interface ResponseUsage {
  input_tokens: number;
  /** What enters the prefix cache is not counted apart: 0. */
  input_tokens_details: { cached_tokens: number; cache_write_tokens: 0 };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

/** What a response repeats of its request. */
export interface ResponseEcho {
  instructions: string | null;
  max_output_tokens: number | null;
  metadata: Record<string, string>;
  parallel_tool_calls: boolean;
  reasoning: { effort: ReasoningEffort | null; summary: null };
  temperature: number | null;
  text: { format: ResponseTextFormat };
  tool_choice: ResponseToolChoice;
  tools: ResponseTool[];
  top_p: number | null;
  truncation: "auto" | "disabled";
}

/** An answer, also one that is under way. */
export interface ResponseObject extends ResponseEcho {
  id: string;
  object: "response";
  /** Seconds since 1970. */
  created_at: number;
  status: ResponseStatus;
  background: false;
  error: null;
  /** Why it is incomplete. */
  incomplete_details: { reason: "max_output_tokens" } | null;
  model: string;
  output: ResponseOutputItem[];
  /** All text of the output's messages, as OpenAI's SDK has it. */
  output_text: string;
  previous_response_id: null;
  store: false;
  usage: ResponseUsage | null;
}

/** What a stream tells, numbered from 0. */
export type ResponseStreamEvent = { sequence_number: number } & ResponseEvent;

/** An event before it has its number. */
export type ResponseEvent =
  | {
      type: "response.created" | "response.in_progress" | "response.completed" | "response.incomplete";
      response: ResponseObject;
    }
  | ResponseItemEvent;

/** An event of one item of the output. */
export type ResponseItemEvent =
  | {
      type: "response.output_item.added" | "response.output_item.done";
      output_index: number;
      item: ResponseOutputItem;
    }
  | ({
      type: "response.content_part.added" | "response.content_part.done";
      part: ResponseOutputText | ResponseReasoningText;
    } & ResponsePlace)
  | ({ type: "response.output_text.delta"; delta: string; logprobs: [] } & ResponsePlace)
  | ({ type: "response.output_text.done"; text: string; logprobs: [] } & ResponsePlace)
  | ({ type: "response.reasoning_text.delta"; delta: string } & ResponsePlace)
  | ({ type: "response.reasoning_text.done"; text: string } & ResponsePlace)
  | ({ type: "response.function_call_arguments.delta"; delta: string } & Omit<ResponsePlace, "content_index">)
  | ({ type: "response.function_call_arguments.done"; name: string; arguments: string } & Omit<
      ResponsePlace,
      "content_index"
    >);

/** Where a piece of an answer belongs. */
export interface ResponsePlace {
  item_id: string;
  output_index: number;
  content_index: number;
}
