/** Answers as Ollama's lines of JSON. */
import type { ChatCompletionDelta, CompletionUsage } from "../engine/openai-types.js";
import type { AnswerFormat } from "./answer.js";
import { apiError } from "./api-error.js";
import type { CompletionObject } from "./openai-format.js";
import type { JsonObject } from "./request-context.js";

/** A piece of an answer, or all of it. */
export interface OllamaPiece {
  readonly content: string;
  readonly thinking?: string;
  readonly tool_calls?: readonly {
    readonly function: { readonly name: string; readonly arguments: unknown };
  }[];
}

/** How a piece is written: in a message (chat) or as a response (generate). */
export type Shape = (piece: OllamaPiece) => JsonObject;

export const CHAT: Shape = (piece) => ({ message: { role: "assistant", ...piece } });
export const GENERATE: Shape = ({ content, ...rest }) => ({ response: content, ...rest });

/** Now, as Ollama writes times. */
export const createdAt = (): string => new Date().toISOString();

interface Choice {
  readonly message?: Omit<ChatCompletionDelta, "role" | "content"> & { readonly content?: string | null };
  readonly delta?: ChatCompletionDelta;
  readonly text?: string;
  readonly finish_reason?: string | null;
}

/** The pieces of one answer: text and thoughts as they come, a tool call when all of its arguments are there. */
class AnswerPieces {
  readonly #calls: { name: string; arguments: string }[] = [];
  reason: string | null = null;
  usage: CompletionUsage | undefined;

  take({ choices: [first], usage }: CompletionObject): OllamaPiece {
    const choice = (first ?? {}) as Choice;
    this.reason = choice.finish_reason ?? this.reason;
    this.usage = usage ?? this.usage;
    const said = choice.message ?? choice.delta ?? {};
    for (const [place, call] of (said.tool_calls ?? []).entries()) {
      const index = call.index ?? place;
      const known = this.#calls[index] ?? { name: "", arguments: "" };
      known.name += call.function.name ?? "";
      known.arguments += call.function.arguments;
      this.#calls[index] = known;
    }
    const thinking = said.reasoning_content ?? "";
    return {
      content: said.content ?? choice.text ?? "",
      ...(thinking === "" ? {} : { thinking }),
      ...(this.reason === "tool_calls" ? this.#takeCalls() : {}),
    };
  }

  #takeCalls(): Pick<OllamaPiece, "tool_calls"> {
    const calls = this.#calls.splice(0);
    return calls.length === 0
      ? {}
      : {
          tool_calls: calls.map(({ name, arguments: text }) => ({
            function: { name, arguments: parsedArguments(text) },
          })),
        };
  }
}

/** Arguments as a value; a text that is no JSON stays one. */
function parsedArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The format of one answer of the model that the client calls `model`. */
export function ollamaFormat(model: string, shape: Shape): AnswerFormat<CompletionObject, CompletionObject> {
  const line = (value: JsonObject) => `${JSON.stringify({ model, created_at: createdAt(), ...value })}\n`;
  const pieces = new AnswerPieces();
  return {
    contentType: "application/x-ndjson",
    whole(completion) {
      const piece = pieces.take(completion);
      return { model, created_at: createdAt(), ...shape(piece), ...ending(pieces) };
    },
    part(chunk) {
      const piece = pieces.take(chunk);
      const empty = piece.content === "" && piece.thinking === undefined && piece.tool_calls === undefined;
      return empty ? "" : line({ ...shape(piece), done: false });
    },
    tokens: ({ usage }) => usage?.total_tokens,
    end: () => line({ ...shape({ content: "" }), ...ending(pieces) }),
    error: (error) => line({ error: apiError(error).error.message }),
  };
}

/** Times in nanoseconds, as Ollama has them. A call of tools is a stop to Ollama. */
function ending({ reason, usage }: AnswerPieces): JsonObject {
  const done = { done: true, done_reason: reason === "length" ? "length" : "stop" };
  if (usage === undefined) return done;
  const { extra, prompt_tokens: promptTokens, completion_tokens: answerTokens } = usage;
  const ns = (seconds: number) => Math.round(seconds * 1e9);
  const first = extra.time_to_first_token_s ?? extra.e2e_latency_s;
  return {
    ...done,
    total_duration: ns(extra.e2e_latency_s),
    load_duration: 0,
    prompt_eval_count: promptTokens,
    prompt_eval_duration: ns(first),
    eval_count: answerTokens,
    eval_duration: ns(extra.e2e_latency_s - first),
  };
}
