/** `chat.completions.runTools`: the model calls, handlers answer, until the model has nothing more to call. */
import type { ChatMessage } from "../chat/message.js";
import type { FunctionTool, FunctionToolCall } from "../chat/tool-call.js";
import { ChatAccumulator } from "./chat-accumulator.js";
import type { CreateChat } from "./chat-parse.js";
import { throwIfAborted } from "./engine-config.js";
import { expectInteger, unexpected } from "./expectation.js";
import type {
  CallOptions,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  ToolChoice,
} from "./openai-types.js";
import { ToolRunStream } from "./tool-run-stream.js";
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
export type ToolRunParams = Omit<ChatCompletionCreateParams, "tools" | "n" | "stream_options"> & {
  tools: readonly RunnableTool[];
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

/** What happens in a run, under the names that the openai package has for it. */
export type ToolRunEvent =
  /** A chunk of an answer as it came: pieces of thoughts, calls and log-probabilities are there. */
  | { readonly type: "chunk"; readonly chunk: ChatCompletionChunk }
  /** A piece of an answer's text, and the text so far. */
  | { readonly type: "content"; readonly delta: string; readonly snapshot: string }
  /** An answer is whole. */
  | { readonly type: "chatCompletion"; readonly completion: ChatCompletion }
  /** A call is about to be run. */
  | { readonly type: "functionToolCall"; readonly call: FunctionToolCall }
  /** A handler has ended, in whichever order they do; `content` goes to the model. */
  | { readonly type: "functionToolCallResult"; readonly call: FunctionToolCall; readonly content: string }
  /** A message has been added to the conversation. */
  | { readonly type: "message"; readonly message: ChatMessage }
  /** The last event. */
  | { readonly type: "end"; readonly run: ToolRun };

/** Gets one answer of the model, and tells of it meanwhile. */
type Answer = (
  body: ChatCompletionCreateParams,
  options: CallOptions,
) => AsyncGenerator<ToolRunEvent, ChatCompletion, undefined>;

/** Creates one streamed completion. */
export type StreamChat = (
  body: ChatCompletionCreateParams & { stream: true },
  options?: CallOptions,
) => Promise<AsyncIterable<ChatCompletionChunk>>;

/** See ChatCompletions.runTools. */
export async function runTools(
  create: CreateChat,
  body: ToolRunParams,
  options?: ToolRunOptions,
): Promise<ToolRun> {
  const events = runEvents((asked, call) => wholeAnswer(create, asked, call), body, options);
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) return value;
  }
}

/** See ChatCompletions.runTools. */
export function streamTools(
  create: StreamChat,
  body: ToolRunParams,
  options: ToolRunOptions = {},
): ToolRunStream {
  return new ToolRunStream(
    (signal) => runEvents((asked, call) => streamedAnswer(create, asked, call), body, { ...options, signal }),
    options.signal,
  );
}

// biome-ignore lint/correctness/useYield: there is nothing to tell before its end.
async function* wholeAnswer(
  create: CreateChat,
  body: ChatCompletionCreateParams,
  options: CallOptions,
): AsyncGenerator<ToolRunEvent, ChatCompletion, undefined> {
  return await create({ ...body, stream: false }, options);
}

async function* streamedAnswer(
  create: StreamChat,
  body: ChatCompletionCreateParams,
  options: CallOptions,
): AsyncGenerator<ToolRunEvent, ChatCompletion, undefined> {
  const answer = new ChatAccumulator();
  const chunks = await create({ ...body, stream: true, stream_options: { include_usage: true } }, options);
  for await (const chunk of chunks) {
    answer.add(chunk);
    yield { type: "chunk", chunk };
    const delta = chunk.choices[0]?.delta.content ?? "";
    if (delta !== "") yield { type: "content", delta, snapshot: answer.content };
  }
  return answer.completion();
}

async function* runEvents(
  answer: Answer,
  { tools, stream: _, ...body }: ToolRunParams,
  { maxRounds = 8, onError = "model", ...options }: ToolRunOptions = {},
): AsyncGenerator<ToolRunEvent, ToolRun, undefined> {
  const rounds = expectInteger("maxRounds", maxRounds, 1, 100);
  if (onError !== "model" && onError !== "throw") throw unexpected("onError", '"model" or "throw"', onError);
  if (!Array.isArray(tools) || tools.length === 0)
    throw unexpected("tools", "a list of tools with handlers", tools);
  const handlers = new Map(tools.map((tool: RunnableTool) => [tool.tool.function.name, tool]));
  const definitions = tools.map((tool: RunnableTool) => tool.tool);
  const messages: ChatMessage[] = [...body.messages];
  for (let round = 1; ; round++) {
    const choice = round === 1 ? {} : { tool_choice: laterChoice(body.tool_choice) };
    const asked = { ...body, ...choice, messages: [...messages], tools: definitions, n: 1 };
    const completion = yield* answer(asked, options);
    yield { type: "chatCompletion", completion };
    const message = completion.choices[0]?.message;
    if (message !== undefined) {
      messages.push(message);
      yield { type: "message", message };
    }
    const waits = completion.choices[0]?.finish_reason === "tool_calls";
    if (!waits || round === rounds) {
      const run = { completion, messages, rounds: round, finished: !waits };
      yield { type: "end", run };
      return run;
    }
    for (const result of yield* callAll(message?.tool_calls ?? [], handlers, onError, options.signal)) {
      messages.push(result);
      yield { type: "message", message: result };
    }
  }
}

/** A demand for a call was met by the first answer. */
function laterChoice(choice: ToolChoice | null | undefined): ToolChoice {
  if (typeof choice === "object" && choice?.type === "allowed_tools") {
    return { ...choice, allowed_tools: { ...choice.allowed_tools, mode: "auto" } };
  }
  return choice === "none" ? "none" : "auto";
}

/** Runs the calls of one answer side by side; where one throws, or nobody wants to hear more, the others are told by their signal. */
async function* callAll(
  calls: readonly FunctionToolCall[],
  handlers: ReadonlyMap<string, RunnableTool>,
  onError: "model" | "throw",
  signal: AbortSignal | undefined,
): AsyncGenerator<ToolRunEvent, ChatMessage[], undefined> {
  for (const call of calls) yield { type: "functionToolCall", call };
  const stop = new AbortController();
  const signals = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const run = async (call: FunctionToolCall, index: number) => {
    try {
      return { index, call, content: await runCall(call, handlers, signals, signal) };
    } catch (error) {
      throwIfAborted(signal, "The run of tools");
      if (onError === "throw") throw error;
      const message = error instanceof Error ? error.message : String(error);
      return { index, call, content: JSON.stringify({ error: message }) };
    }
  };
  const running = new Map(calls.map((call, index) => [index, run(call, index)]));
  const results: ChatMessage[] = [];
  try {
    while (running.size > 0) {
      const { index, call, content } = await Promise.race(running.values());
      running.delete(index);
      results[index] = { role: "tool", tool_call_id: call.id, content };
      yield { type: "functionToolCallResult", call, content };
    }
    return results;
  } catch (error) {
    stop.abort(error);
    throw error;
  } finally {
    if (running.size > 0) stop.abort();
    // What still ends ends unheard.
    for (const call of running.values()) call.catch(() => undefined);
  }
}

async function runCall(
  { id, function: called }: FunctionToolCall,
  handlers: ReadonlyMap<string, RunnableTool>,
  signals: AbortSignal,
  signal: AbortSignal | undefined,
): Promise<string> {
  const handler = handlers.get(called.name);
  if (handler === undefined)
    throw unexpected("a call", `one of ${[...handlers.keys()].join(", ")}`, called.name);
  return await untilAborted(handler.run(called.arguments, { signal: signals, id }), signal);
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
