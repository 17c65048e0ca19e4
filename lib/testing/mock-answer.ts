/** What a mock engine answers: as a text, as a message, or in pieces; and the events of the native engine that they are. */
import { expectKnownNames, unexpected } from "../engine/expectation.js";
import type { MlcError } from "../errors.js";
import type { NativeEvent } from "../ffi/native-engine.js";
import { END } from "./byte-model.js";

/** How an answer ends. */
export interface MockEnding {
  /** "length": the answer ends as if at its token limit. Default "stop". */
  readonly finishReason?: "stop" | "length" | undefined;
  /** The request fails with this after the text. */
  readonly error?: MlcError | undefined;
}

/** What the engine says to one request, in short. */
export interface MockText extends MockEnding {
  readonly text?: string | undefined;
  /** Calls of tools, after the text. */
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: object }[] | undefined;
  /** Thoughts, before the text. */
  readonly reasoning?: string | undefined;
}

/** A call of a tool in OpenAI's shape. Ids are accepted; the engine gives its own. */
export interface MockToolCall {
  /** Of a piece: which call it belongs to. In a message the calls are in their order. */
  readonly index?: number | undefined;
  readonly id?: string | undefined;
  readonly type?: "function" | undefined;
  /** Of a piece that is not a call's first the name is left out. `arguments` is JSON text. */
  readonly function: { readonly name?: string | undefined; readonly arguments?: string | undefined };
}

/** A whole message in OpenAI's shape, such as one that a model has given: thoughts, then content, then calls. */
export interface MockMessage extends MockEnding {
  readonly role?: "assistant" | undefined;
  readonly content?: string | null | undefined;
  readonly reasoning_content?: string | null | undefined;
  readonly tool_calls?: readonly MockToolCall[] | null | undefined;
  readonly refusal?: null | undefined;
}

/** An answer in pieces: each arrives at once. A piece is a text, or a delta in OpenAI's shape. */
export interface MockChunks extends MockEnding {
  readonly chunks: readonly (string | Omit<MockMessage, keyof MockEnding>)[];
}

/** An answer in one of the three forms. */
export type MockAnswer = MockText | MockMessage | MockChunks;

type Delta = Omit<MockMessage, keyof MockEnding>;

const ENDING = ["finishReason", "error"];
const TEXT = ["text", "toolCalls", "reasoning"];
const DELTA = ["role", "content", "reasoning_content", "tool_calls", "refusal"];

/** Checks an answer. Errors: ERR_INVALID_ARGUMENT for names that are none, or of two forms. */
export function checkedAnswer(answer: string | MockAnswer): MockAnswer {
  if (typeof answer === "string") return { text: answer };
  if (typeof answer !== "object" || answer === null)
    throw unexpected("an answer", "a text or an object", answer);
  if ("chunks" in answer) {
    expectKnownNames("an answer in chunks", answer, ["chunks", ...ENDING]);
    if (!Array.isArray(answer.chunks)) throw unexpected("chunks", "a list", answer.chunks);
    for (const chunk of answer.chunks)
      if (typeof chunk !== "string") expectKnownNames("a chunk", chunk, DELTA);
  } else {
    const isMessage = DELTA.some((name) => name in answer);
    expectKnownNames("an answer", answer, [...(isMessage ? DELTA : TEXT), ...ENDING]);
  }
  return answer;
}

/**
 * The answer's bytes, a token each, and its end; no more than the request allows, and no more thoughts than their budget. A step of
 * the engine gives one byte, or of an answer in chunks one chunk.
 */
export function answerEvents(
  answer: MockAnswer,
  maxTokens: number,
  budget = Number.POSITIVE_INFINITY,
): Omit<NativeEvent, "id">[] {
  const written = new WrittenAnswer(budget);
  const steps = "chunks" in answer ? chunkSteps(answer, written) : byteSteps(answer, written);
  const { finishReason = "stop", error } = answer;
  const thoughtTokens = written.thoughtTokens === 0 ? {} : { thoughtTokens: written.thoughtTokens };
  const events: Omit<NativeEvent, "id">[] = [];
  let left = maxTokens;
  for (const step of steps) {
    const tokens = [...step.subarray(0, left)];
    if (tokens.length > 0) events.push({ tokens, ...thoughtTokens });
    left -= tokens.length;
  }
  if (error !== undefined) return [...events, { tokens: [], finish: "error", error }];
  const cut = left <= 0 || finishReason === "length";
  return [...events, cut ? { tokens: [], finish: "length" } : { tokens: [END], finish: "stop" }];
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

function chunkSteps({ chunks }: MockChunks, written: WrittenAnswer): Uint8Array[] {
  const texts = chunks.map((chunk) => written.write(typeof chunk === "string" ? { content: chunk } : chunk));
  return [...texts, written.end()].map(bytesOf);
}

function byteSteps(answer: MockText | MockMessage, written: WrittenAnswer): Uint8Array[] {
  const bytes = bytesOf(written.write(deltaOf(answer)) + written.end());
  return Array.from(bytes, (_, place) => bytes.subarray(place, place + 1));
}

function deltaOf(answer: MockText | MockMessage): Delta {
  if (!TEXT.some((name) => name in answer)) {
    const { tool_calls: calls, ...message } = answer as MockMessage;
    return { ...message, tool_calls: calls?.map((call, index) => ({ ...call, index })) };
  }
  const { text, reasoning, toolCalls = [] } = answer as MockText;
  return {
    content: text,
    reasoning_content: reasoning,
    tool_calls: toolCalls.map(({ name, arguments: given }, index) => ({
      index,
      function: { name, arguments: JSON.stringify(given) },
    })),
  };
}

/** Writes deltas as the mock's model would: thoughts and calls between their marks. */
class WrittenAnswer {
  /** Bytes of thoughts so far, with the line breaks about them. */
  thoughtTokens = 0;
  readonly #budget: number;
  #thoughts: string | undefined;
  #thinking = false;
  #call: number | undefined;
  #calls = 0;

  /** `budget`: most characters of thoughts. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  write({ reasoning_content: thought, content, tool_calls: calls }: Delta): string {
    let text = "";
    if (thought != null) text += this.#think(thought);
    if (content != null && content !== "") text += this.#close() + content;
    for (const call of calls ?? []) text += this.#called(call);
    return text;
  }

  end(): string {
    return this.#close();
  }

  #think(thought: string): string {
    const before = this.#thoughts ?? "";
    const kept = thought.slice(0, Math.max(0, this.#budget - before.length));
    this.#thoughts = before + kept;
    this.thoughtTokens = Buffer.byteLength(this.#thoughts) + 2;
    const opened = this.#thinking ? "" : "<think>\n";
    this.#thinking = true;
    return opened + kept;
  }

  #called({ index = 0, function: { name, arguments: given = "" } }: MockToolCall): string {
    if (this.#call === index) return given;
    if (name === undefined)
      throw unexpected("the name of a call", "a text in the first piece of each call", name);
    const between = this.#calls++ === 0 ? "" : "\n";
    const closed = this.#close();
    this.#call = index;
    return `${closed}${between}<tool_call>\n{"name":${JSON.stringify(name)},"arguments":${given}`;
  }

  #close(): string {
    const thought = this.#thinking ? "\n</think>\n\n" : "";
    const call = this.#call === undefined ? "" : "}\n</tool_call>";
    this.#thinking = false;
    this.#call = undefined;
    return thought + call;
  }
}
