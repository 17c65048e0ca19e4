/** `chat.completions.runTools`: the model calls, handlers answer, until the model has nothing more to call. */
import type { ChatMessage } from "../chat/message.js";
import type { FunctionTool, FunctionToolCall } from "../chat/tool-call.js";
import type { CreateChat } from "./chat-parse.js";
import { throwIfAborted } from "./engine-config.js";
import { expectInteger, unexpected } from "./expectation.js";
import type { CallOptions, ChatCompletion, ChatCompletionCreateParams, ToolChoice } from "./openai-types.js";
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
export type ToolRunParams = Omit<ChatCompletionCreateParams, "tools" | "stream" | "n"> & {
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

/** See ChatCompletions.runTools. */
export async function runTools(
  create: CreateChat,
  { tools, ...body }: ToolRunParams,
  { maxRounds = 8, onError = "model", ...options }: ToolRunOptions = {},
): Promise<ToolRun> {
  const rounds = expectInteger("maxRounds", maxRounds, 1, 100);
  if (onError !== "model" && onError !== "throw") throw unexpected("onError", '"model" or "throw"', onError);
  if (!Array.isArray(tools) || tools.length === 0)
    throw unexpected("tools", "a list of tools with handlers", tools);
  const handlers = new Map(tools.map((tool: RunnableTool) => [tool.tool.function.name, tool]));
  const definitions = tools.map((tool: RunnableTool) => tool.tool);
  const messages: ChatMessage[] = [...body.messages];
  for (let round = 1; ; round++) {
    const choice = round === 1 ? {} : { tool_choice: laterChoice(body.tool_choice) };
    const completion = await create({ ...body, ...choice, messages, tools: definitions, n: 1 }, options);
    const message = completion.choices[0]?.message;
    if (message !== undefined) messages.push(message);
    const waits = completion.choices[0]?.finish_reason === "tool_calls";
    if (!waits || round === rounds) return { completion, messages, rounds: round, finished: !waits };
    const results = await callAll(message?.tool_calls ?? [], handlers, onError, options.signal);
    messages.push(...results);
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
): Promise<ChatMessage[]> {
  const stop = new AbortController();
  const signals = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const running = calls.map(async ({ id, function: called }): Promise<ChatMessage> => {
    const result = (content: string) => ({ role: "tool" as const, tool_call_id: id, content });
    try {
      const handler = handlers.get(called.name);
      if (handler === undefined)
        throw unexpected("a call", `one of ${[...handlers.keys()].join(", ")}`, called.name);
      return result(await untilAborted(handler.run(called.arguments, { signal: signals, id }), signal));
    } catch (error) {
      throwIfAborted(signal, "The run of tools");
      if (onError === "model") {
        return result(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
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
