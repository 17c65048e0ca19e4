/**
 * Reads calls whose arguments stand between marks, and gives the arguments as JSON. Texts are not escaped: one ends at the first mark
 * that is followed by what may follow an argument.
 */
import { type AnswerInput, heldLength, type Reading } from "./answer-input.js";
import { isJsonOf, type JsonKinds } from "./argument-kinds.js";
import type { CallSink } from "./call-sink.js";
import { readJson, readJsonEagerly } from "./json-reader.js";
import type { TaggedCalls } from "./tool-syntax.js";

const NAME_CHARACTER = /^[\w.\-/:]$/;
/** Longest text between two marks that is taken for the name of an argument. */
const LONGEST_KEY = 400;
/** How Python writes constants, which templates put into the history and models copy. */
const PYTHON_CONSTANTS = [
  ["True", "true"],
  ["False", "false"],
  ["None", "null"],
] as const;

/** The marks around an argument's name and value, without white space. */
export function argumentMarks({ argument }: TaggedCalls): {
  readonly keyEnd: string;
  readonly valueBegin: readonly string[];
  readonly mark: string;
  readonly longestKey: number;
} {
  const [keyEnd = "", ...valueBegin] = argument.between.trim().split(/(?<=>)\s*(?=<)/);
  return { keyEnd, valueBegin, mark: argument.after.trim(), longestKey: LONGEST_KEY };
}

type Emit = (json: string) => void;

/** What ends a value. */
interface ValueEnd {
  readonly mark: string;
  /** A line break before the mark, and after the one that begins the value, is no part of a text. */
  readonly lineEnd: boolean;
  readonly followers: readonly string[];
}

/** Takes the call after its begin mark; false where it is malformed. `end` ends the call where its own mark is missing. */
export function* readTaggedCall(
  input: AnswerInput,
  calls: TaggedCalls,
  end: string,
  sink: CallSink,
): Reading<boolean> {
  if (!(yield* input.literal(calls.before))) return false;
  const name = yield* readName(input);
  if (!sink.isKnown(name) || !(yield* input.literal(calls.between.trim()))) return false;
  if (sink.eager) {
    sink.call(name);
    yield* readArguments(
      input,
      calls,
      end,
      (key) => sink.kindsOf(name, key),
      (json) => sink.arguments(json),
    );
    return true;
  }
  let json = "";
  const seen = new Set<string>();
  const kinds = (key: string) => {
    if (seen.has(key)) return undefined;
    seen.add(key);
    return sink.kindsOf(name, key);
  };
  const read = yield* readArguments(input, calls, end, kinds, (piece) => {
    json += piece;
  });
  if (!read) return false;
  sink.call(name);
  sink.arguments(json);
  return true;
}

function* readName(input: AnswerInput): Reading<string> {
  const from = input.at;
  while (NAME_CHARACTER.test(yield* input.peek())) input.at++;
  return input.text.slice(from, input.at);
}

/** Takes all arguments and the mark after them. */
function* readArguments(
  input: AnswerInput,
  calls: TaggedCalls,
  end: string,
  kindsOf: (key: string) => JsonKinds | undefined,
  emit: Emit,
): Reading<boolean> {
  const { argument, after } = calls;
  const { keyEnd, valueBegin, mark, longestKey } = argumentMarks(calls);
  const close = after.trim();
  const valueEnd: ValueEnd = {
    mark,
    lineEnd: argument.after.startsWith("\n"),
    followers: [argument.before, close, end.trim()].filter((follower) => follower !== ""),
  };
  let separator = "";
  emit("{");
  for (;;) {
    yield* input.spaces();
    if (!(yield* input.literal(argument.before))) break;
    const key = yield* input.until(keyEnd, longestKey);
    const kinds = key === undefined ? undefined : kindsOf(key);
    if (kinds === undefined) return false;
    for (const begin of valueBegin) {
      yield* input.spaces();
      if (!(yield* input.literal(begin))) return false;
    }
    emit(`${separator}${JSON.stringify(key)}: `);
    separator = ", ";
    if (!(yield* readValue(input, kinds, valueEnd, emit))) return false;
  }
  emit("}");
  if (close !== "" && (yield* input.literal(close))) return true;
  return end !== "" && (yield* isFollowed(input, [end.trim()]));
}

/** Takes a value and the mark after it. */
function* readValue(input: AnswerInput, kinds: JsonKinds, end: ValueEnd, emit: Emit): Reading<boolean> {
  if (kinds.has("string")) {
    return kinds.size === 1 ? yield* readText(input, end, emit) : yield* readEither(input, kinds, end, emit);
  }
  yield* input.spaces();
  if (!(yield* readConstant(input, emit)) && !(yield* readJsonEagerly(input, emit))) return false;
  yield* input.spaces();
  return yield* input.literal(end.mark);
}

function* readConstant(input: AnswerInput, emit: Emit): Reading<boolean> {
  for (const [written, json] of PYTHON_CONSTANTS) {
    if (!(yield* input.literal(written))) continue;
    emit(json);
    return true;
  }
  return false;
}

/** What is JSON of one of the kinds is that value, all else is a text. */
function* readEither(input: AnswerInput, kinds: JsonKinds, end: ValueEnd, emit: Emit): Reading<boolean> {
  const from = input.at;
  yield* input.spaces();
  const begin = input.at;
  if (yield* readJson(input)) {
    const json = input.text.slice(begin, input.at);
    yield* input.spaces();
    if (
      isJsonOf(kinds, json) &&
      (yield* input.literal(end.mark)) &&
      (yield* isFollowed(input, end.followers))
    ) {
      emit(json);
      return true;
    }
  }
  input.at = from;
  return yield* readText(input, end, emit);
}

function* readText(input: AnswerInput, end: ValueEnd, emit: Emit): Reading<boolean> {
  if (end.lineEnd) yield* input.literal("\n");
  emit('"');
  let half = "";
  const read = yield* readRaw(input, end, (piece) => {
    // The halves of one character are written together.
    const text = half + piece;
    half = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : "";
    emit(JSON.stringify(text.slice(0, text.length - half.length)).slice(1, -1));
  });
  emit(`${half === "" ? "" : JSON.stringify(half).slice(1, -1)}"`);
  return read;
}

/** Takes text and the mark after it; false where the mark does not come. */
function* readRaw(input: AnswerInput, end: ValueEnd, emit: Emit): Reading<boolean> {
  const from = input.at;
  if (input.isMissing(end.mark)) return false;
  const marks = end.lineEnd ? [`\n${end.mark}`, end.mark] : [end.mark];
  for (;;) {
    const found = input.text.indexOf(end.mark, input.at);
    if (found < 0) {
      const rest = input.text.slice(input.at);
      const length = rest.length - heldLength(rest, marks);
      emit(rest.slice(0, length));
      input.at += length;
      if (yield* input.more()) continue;
      input.miss(end.mark, from);
      return false;
    }
    const begin = input.at;
    input.at = found + end.mark.length;
    const isEnd = yield* isFollowed(input, end.followers);
    const text = input.text.slice(begin, isEnd ? found : input.at);
    emit(isEnd && end.lineEnd ? text.replace(/\n$/, "") : text);
    if (isEnd) return true;
  }
}

/** Whether one of the marks is next, after white space; nothing is taken. */
function* isFollowed(input: AnswerInput, marks: readonly string[]): Reading<boolean> {
  const from = input.at;
  yield* input.spaces();
  const next = input.at;
  let found = false;
  for (const mark of marks) {
    found ||= yield* input.literal(mark);
    input.at = next;
  }
  input.at = from;
  return found;
}
