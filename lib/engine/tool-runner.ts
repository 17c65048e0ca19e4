/** `chat.completions.runTools`: the model calls, handlers answer, until the model has nothing more to call. */
import type { ChatMessage } from "../chat/message.js";
import type { FunctionTool, FunctionToolCall } from "../chat/tool-call.js";
import type { CreateChat } from "./chat-parse.js";
import { throwIfAborted } from "./engine-config.js";
import { expectInteger, unexpected } from "./expectation.js";
import type {
  CallOptions,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  ChatCompletionMessage,
  ToolChoice,
} from "./openai-types.js";
import { jsonSchemaOf, parseTyped, type TypedSchema } from "./typed-schema.js";

/** What a handler is told beside its arguments. */
export interface ToolContext {
  /** Fires where the run is aborted, or another handler's error ended it. */
  readonly signal: AbortSignal;
  /** The call's id. */
  readonly id: string;
}

/** A function the model may call, with its handler. */
export interface RunnableTool {
  readonly tool: FunctionTool;
  /** Runs one call and gives the text for the model. */
  readonly run: (argumentsText: string, context: ToolContext) => Promise<string>;
}

/** How a tool is defined: the type of the handler's arguments is that of `parameters`. */
export interface ToolDefinition<Arguments> {
  readonly name: string;
  readonly description?: string;
  readonly parameters: TypedSchema<Arguments>;
  /** Arguments are held to the schema by a grammar. Default false. */
  readonly strict?: boolean;
  /** What it gives back goes to the model: a text as it is, anything else as JSON. */
  readonly run: (given: Arguments, context: ToolContext) => unknown;
}

/** A tool for `runTools`. Errors: ERR_INVALID_ARGUMENT for parameters without a JSON schema. */
export function defineTool<Arguments>(definition: ToolDefinition<Arguments>): RunnableTool {
  const { name, description, parameters, strict, run } = definition;
  return {
    tool: {
      type: "function",
      function: {
        name,
        ...(description === undefined ? {} : { description }),
        parameters: jsonSchemaOf(`the parameters of ${name}`, parameters),
        ...(strict === undefined ? {} : { strict }),
      },
    },
    async run(text, context) {
      const given = await parseTyped(`the arguments of ${name}`, parameters, text);
      const result: unknown = await run(given, context);
      return typeof result === "string" ? result : (JSON.stringify(result) ?? "null");
    },
  };
}

/** Body of a run. A `tool_choice` that demands a call demands it of the first answer only. */
export type ToolRunParams = Omit<ChatCompletionCreateParams, "tools" | "stream" | "stream_options" | "n"> & {
  tools: readonly RunnableTool[];
  /** Gives the run's events as they come. */
  stream?: boolean | null;
};

/** Options of a run. */
export interface ToolRunOptions extends CallOptions {
  /** Most answers of the model, 1 to 100. Default 8. */
  maxRounds?: number | undefined;
  /** A handler's error goes to the model as the call's result, or ends the run. Default "model". */
  onError?: "model" | "throw" | undefined;
}

/** A run that has ended. */
export interface ToolRun {
  /** The model's last answer. */
  readonly completion: ChatCompletion;
  /** The whole conversation, the last answer included. */
  readonly messages: readonly ChatMessage[];
  readonly rounds: number;
  /** False where `maxRounds` was reached and the last answer's calls have no results. */
  readonly finished: boolean;
}

/** What happens in a run; `round` counts the model's answers from 1. */
export type ToolRunEvent = { readonly round: number } & (
  | { readonly type: "chunk"; readonly chunk: ChatCompletionChunk }
  /** An answer that is whole. */
  | { readonly type: "message"; readonly message: ChatCompletionMessage }
  /** What a call gave back, in the order of the calls. */
  | { readonly type: "tool_result"; readonly call: FunctionToolCall; readonly content: string }
);

/** Asks the model once; the pieces of its answer are events. */
export type AskChat = (
  body: Omit<ChatCompletionCreateParams, "stream" | "stream_options">,
  round: number,
) => AsyncGenerator<ToolRunEvent, ChatCompletion, undefined>;

/** The options of a run without those of its rounds. Errors: ERR_INVALID_ARGUMENT. */
export function checkToolRun(
  { tools }: ToolRunParams,
  { maxRounds = 8, onError = "model" }: ToolRunOptions,
): { readonly rounds: number; readonly onError: "model" | "throw" } {
  const rounds = expectInteger("maxRounds", maxRounds, 1, 100);
  if (onError !== "model" && onError !== "throw") throw unexpected("onError", '"model" or "throw"', onError);
  if (!Array.isArray(tools) || tools.length === 0)
    throw unexpected("tools", "a list of tools with handlers", tools);
  return { rounds, onError };
}

/** See ChatCompletions.runTools. */
export async function* runTools(
  ask: AskChat,
  params: ToolRunParams,
  options: ToolRunOptions,
): AsyncGenerator<ToolRunEvent, ToolRun, undefined> {
  const { rounds, onError } = checkToolRun(params, options);
  const { tools, stream: _, ...body } = params;
  const handlers = new Map(tools.map((tool: RunnableTool) => [tool.tool.function.name, tool]));
  const definitions = tools.map((tool: RunnableTool) => tool.tool);
  const messages: ChatMessage[] = [...body.messages];
  for (let round = 1; ; round++) {
    const choice = round === 1 ? {} : { tool_choice: laterChoice(body.tool_choice) };
    const completion = yield* ask({ ...body, ...choice, messages, tools: definitions, n: 1 }, round);
    const message = completion.choices[0]?.message;
    if (message !== undefined) {
      messages.push(message);
      yield { type: "message", round, message };
    }
    const waits = completion.choices[0]?.finish_reason === "tool_calls";
    if (!waits || round === rounds) return { completion, messages, rounds: round, finished: !waits };
    const calls = message?.tool_calls ?? [];
    const results = await callAll(calls, handlers, onError, options.signal);
    for (const [index, call] of calls.entries()) {
      const content = results[index] ?? "";
      messages.push({ role: "tool", tool_call_id: call.id, content });
      yield { type: "tool_result", round, call, content };
    }
  }
}

/** A run whose answers are not streamed. */
export async function wholeRun(
  create: CreateChat,
  params: ToolRunParams,
  { maxRounds, onError, ...call }: ToolRunOptions,
): Promise<ToolRun> {
  // biome-ignore lint/correctness/useYield: an answer that is whole has no pieces.
  const ask: AskChat = async function* (body) {
    return create(body, call);
  };
  const run = runTools(ask, params, { maxRounds, onError, ...call });
  for (;;) {
    const { done, value } = await run.next();
    if (done === true) return value;
  }
}

/** A demand for a call was met by the first answer. */
function laterChoice(choice: ToolChoice | null | undefined): ToolChoice {
  if (typeof choice === "object" && choice?.type === "allowed_tools") {
    return { ...choice, allowed_tools: { ...choice.allowed_tools, mode: "auto" } };
  }
  return choice === "none" ? "none" : "auto";
}

/** Runs the calls of one answer side by side; the first error that is thrown tells the others by their signal. */
async function callAll(
  calls: readonly FunctionToolCall[],
  handlers: ReadonlyMap<string, RunnableTool>,
  onError: "model" | "throw",
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const stop = new AbortController();
  const signals = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const running = calls.map(async ({ id, function: called }): Promise<string> => {
    try {
      const handler = handlers.get(called.name);
      if (handler === undefined)
        throw unexpected("a call", `one of ${[...handlers.keys()].join(", ")}`, called.name);
      return await untilAborted(handler.run(called.arguments, { signal: signals, id }), signal);
    } catch (error) {
      throwIfAborted(signal, "The run of tools");
      if (onError === "model") {
        return JSON.stringify({ error: error instanceof Error ? error.message : String(error) });
      }
      stop.abort(error);
      throw error;
    }
  });
  return Promise.all(running);
}

/** A handler that does not listen to its signal must not hold the run up. */
async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return work;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
