/**
 * Takes a model's answer apart while it streams: what it thinks, what it says, which tools it calls.
 *
 * What comes out depends on the text alone, not on how it was cut into pieces. A call that is malformed, or names no known
 * function, stays text. White space around thoughts and calls belongs to neither.
 */
import { randomBytes } from "node:crypto";
import { AnswerInput, heldLength, type Reading } from "./answer-input.js";
import { argumentKinds, type JsonKinds } from "./argument-kinds.js";
import { readChannels } from "./harmony.js";
import type { ReasoningSyntax } from "./reasoning-syntax.js";
import { readCalls } from "./tool-call-reader.js";
import { callFrame, type ToolSyntax } from "./tool-syntax.js";

/** A piece of an answer. `index` counts the calls. */
export type AnswerEvent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "call"; readonly index: number; readonly id: string; readonly name: string }
  | { readonly type: "arguments"; readonly index: number; readonly text: string };

/** How a model's answers are written. */
export interface AnswerSyntax {
  readonly tools: ToolSyntax | undefined;
  readonly reasoning: ReasoningSyntax | undefined;
  /** gpt-oss's channels; the other two then say nothing. */
  readonly channels: boolean;
}

/** What may be in one answer. */
export interface AnswerExpectation {
  /** The functions that may be called and the schemas of their arguments, by name; none: calls stay text. */
  readonly functions: ReadonlyMap<string, unknown>;
  /** The prompt ends inside a thought. */
  readonly inThought: boolean;
  /** A grammar guarantees the calls: their arguments are passed on as they come. */
  readonly guaranteed: boolean;
}

/** Parses one answer: `push` its text as it comes, `finish` at its end. */
export class AnswerParser {
  readonly #input = new AnswerInput();
  readonly #writer: AnswerWriter;
  readonly #reading: Reading<void>;

  constructor(syntax: AnswerSyntax, expectation: AnswerExpectation) {
    this.#writer = new AnswerWriter(expectation);
    this.#reading = syntax.channels
      ? readChannels(this.#input, this.#writer)
      : readAnswer(this.#input, this.#writer, syntax, expectation);
  }

  /** Calls that have begun. */
  get calls(): number {
    return this.#writer.calls;
  }

  /** What a further piece of text says for certain. */
  push(text: string): AnswerEvent[] {
    this.#input.push(text);
    this.#reading.next();
    return this.#writer.take();
  }

  /** The rest, at the end of the answer. */
  finish(): AnswerEvent[] {
    this.#input.close();
    this.#reading.next();
    this.#writer.end();
    return this.#writer.take();
  }
}

/** The whole of an answer that is already there. */
export function parseAnswer(
  text: string,
  syntax: AnswerSyntax,
  expectation: AnswerExpectation,
): AnswerEvent[] {
  const parser = new AnswerParser(syntax, expectation);
  return [...parser.push(text), ...parser.finish()];
}

/** Collects events; joins neighbours and leaves out white space around thoughts and calls. */
export class AnswerWriter {
  calls = 0;
  readonly eager: boolean;
  readonly #functions: ReadonlyMap<string, unknown>;
  #events: AnswerEvent[] = [];
  /** White space that is text only if text follows. */
  #space = "";
  #trimStart = false;
  readonly #written = new Set<string>();

  constructor({ functions, guaranteed }: Pick<AnswerExpectation, "functions" | "guaranteed">) {
    this.#functions = functions;
    this.eager = guaranteed;
  }

  isKnown(name: string): boolean {
    return this.#functions.has(name);
  }

  kindsOf(name: string, key: string): JsonKinds {
    return argumentKinds(this.#functions.get(name), key);
  }

  /** Text or thought; a change between the two goes through `turn`. */
  text(type: "text" | "reasoning", piece: string): void {
    let text = this.#space + piece;
    if (this.#trimStart) text = text.trimStart();
    if (text !== "") this.#trimStart = false;
    const kept = text.trimEnd();
    this.#space = text.slice(kept.length);
    if (kept !== "") this.#add(type, kept);
  }

  /** Something else begins: white space before and after it goes. */
  turn(): void {
    this.#space = "";
    this.#trimStart = true;
  }

  call(name: string, written?: string): void {
    this.turn();
    // A grammar that guarantees calls cannot count them: Kimi's ids end in the call's number.
    const isTaken = written !== undefined && this.#written.has(written);
    const id = isTaken ? written.replace(/\d*$/, String(this.calls)) : (written ?? callId());
    this.#written.add(id);
    this.#events.push({ type: "call", index: this.calls++, id, name });
  }

  arguments(text: string): void {
    const last = this.#events.at(-1);
    const index = this.calls - 1;
    if (last?.type === "arguments") this.#events.pop();
    const before = last?.type === "arguments" ? last.text : "";
    this.#events.push({ type: "arguments", index, text: before + text });
  }

  /** The answer has ended: white space that was held is text, unless it followed a call or a thought. */
  end(): void {
    if (this.#space !== "" && !this.#trimStart) this.#add("text", this.#space);
    this.#space = "";
  }

  take(): AnswerEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #add(type: "text" | "reasoning", text: string): void {
    const last = this.#events.at(-1);
    if (last?.type === type) this.#events.splice(-1, 1, { type, text: last.text + text });
    else this.#events.push({ type, text });
  }
}

function* readAnswer(
  input: AnswerInput,
  writer: AnswerWriter,
  { tools, reasoning }: AnswerSyntax,
  { functions, inThought }: AnswerExpectation,
): Reading<void> {
  const callable = tools !== undefined && (functions.size > 0 || tools.speech !== undefined);
  const callMark = callable ? tools.begin.trim() : undefined;
  const marks = [reasoning?.begin, callMark].filter((mark) => mark !== undefined);
  if (reasoning !== undefined && inThought) yield* readThought(input, writer, reasoning);
  for (let first = true; ; ) {
    if (first && callable) yield* readUnmarked(input, tools, writer);
    first = false;
    const mark = yield* readText(input, marks, (text) => writer.text("text", text));
    if (mark === undefined) return;
    if (mark === reasoning?.begin) {
      yield* readThought(input, writer, reasoning);
      first = true;
    } else if (callable && !(yield* readMarked(input, tools, writer))) writer.text("text", mark);
  }
}

/** Takes what may begin an answer without a mark: calls, or what says that text follows. */
function* readUnmarked(input: AnswerInput, tools: ToolSyntax, writer: AnswerWriter): Reading<void> {
  if (tools.speech !== undefined) {
    yield* readMarked(input, tools, writer);
    return;
  }
  const from = input.at;
  if (tools.bare !== true) return;
  yield* input.spaces();
  if ((yield* input.peek()) !== "{" || !(yield* readCalls(input, tools, writer))) input.at = from;
}

/** Takes what follows the mark of a call; false where that is none. */
function* readMarked(input: AnswerInput, tools: ToolSyntax, writer: AnswerWriter): Reading<boolean> {
  const from = input.at;
  const before = writer.calls;
  if (tools.speech !== undefined && (yield* input.literal(callFrame(tools, tools.speech).before)))
    return true;
  if ((yield* readCalls(input, tools, writer)) || writer.calls > before) return true;
  input.at = from;
  return false;
}

function* readThought(input: AnswerInput, writer: AnswerWriter, syntax: ReasoningSyntax): Reading<void> {
  writer.turn();
  // A model that was put into its thought may still write the mark itself.
  yield* input.spaces();
  yield* input.literal(syntax.begin);
  yield* readText(input, [syntax.end], (text) => writer.text("reasoning", text));
  writer.turn();
}

/** Passes text on until a mark comes, and takes the mark; undefined at the end of the answer. */
export function* readText(
  input: AnswerInput,
  marks: readonly string[],
  emit: (text: string) => void,
): Reading<string | undefined> {
  for (;;) {
    const found = firstMark(input.text, input.at, marks);
    const rest = input.text.slice(input.at);
    const length = found === undefined ? rest.length - heldLength(rest, marks) : found.at - input.at;
    if (length > 0) emit(rest.slice(0, length));
    input.at += length;
    if (found !== undefined) {
      input.at += found.mark.length;
      return found.mark;
    }
    input.forget();
    if (yield* input.more()) continue;
    emit(input.text.slice(input.at));
    input.at = input.text.length;
    return undefined;
  }
}

function firstMark(
  text: string,
  from: number,
  marks: readonly string[],
): { at: number; mark: string } | undefined {
  let first: { at: number; mark: string } | undefined;
  for (const mark of marks) {
    const at = text.indexOf(mark, from);
    if (at >= 0 && (first === undefined || at < first.at)) first = { at, mark };
  }
  return first;
}

/** Nine letters and digits, as Mistral's templates demand. */
function callId(): string {
  return randomBytes(16)
    .toString("base64")
    .replace(/[^A-Za-z0-9]/g, "")
    .padEnd(9, "0")
    .slice(0, 9);
}
