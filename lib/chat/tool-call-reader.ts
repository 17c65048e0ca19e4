/** Reads tool calls from a streaming answer by the data of `tool-syntax.ts`. */
import type { AnswerInput, Reading } from "./answer-input.js";
import type { CallSink } from "./call-sink.js";
import { readJson, readJsonEagerly, readKey, readMembers } from "./json-reader.js";
import { readTaggedCall } from "./tagged-call-reader.js";
import { argumentsObject } from "./tool-call.js";
import { callSeparator, type NamedCalls, type ToolSyntax } from "./tool-syntax.js";

const NAME_KEYS = ["name", "tool_name"];
const ARGUMENT_KEYS = ["arguments", "parameters"];
/** Longest text between two marks that is taken for a name. */
const LONGEST_NAME = 400;

/**
 * Reads the calls that follow `begin`, and `end` where it follows. False where the first of them is malformed: the reader is then
 * anywhere. What follows the last whole call is not taken.
 */
export function* readCalls(input: AnswerInput, syntax: ToolSyntax, sink: CallSink): Reading<boolean> {
  let whole: number | undefined;
  const { calls, each, end } = syntax;
  yield* input.spaces();
  if (calls.kind === "objects" && (yield* input.peek()) === "[") {
    let count = 0;
    const counted: CallSink = {
      isKnown: (name) => sink.isKnown(name),
      kindsOf: (name, key) => sink.kindsOf(name, key),
      eager: sink.eager,
      arguments: (text) => sink.arguments(text),
      call(name, written) {
        count++;
        sink.call(name, written);
      },
    };
    const from = input.at;
    const read = yield* readMembers(input, "]", function* () {
      if (!(yield* readObjectCall(input, counted))) return false;
      whole = input.at;
      return true;
    });
    if (count === 0) return false;
    if (!read) input.at = whole ?? from;
  } else {
    const one = () => readCall(input, syntax, sink);
    if (!(yield* one())) return false;
    whole = input.at;
    const separator = callSeparator(syntax).trim();
    while (!each && (separator !== "" || calls.kind !== "objects")) {
      yield* input.spaces();
      const next = separator === "" || (yield* input.literal(separator));
      yield* input.spaces();
      if (next && (yield* one())) whole = input.at;
      else break;
    }
    input.at = whole;
  }
  yield* takeEnd(input, end.trim());
  return true;
}

function readCall(input: AnswerInput, { calls, end }: ToolSyntax, sink: CallSink): Reading<boolean> {
  if (calls.kind === "objects") return readObjectCall(input, sink);
  return calls.kind === "named" ? readNamedCall(input, calls, sink) : readTaggedCall(input, calls, end, sink);
}

/** Takes white space and the end mark, or neither. */
function* takeEnd(input: AnswerInput, end: string): Reading<void> {
  if (end === "") return;
  const from = input.at;
  yield* input.spaces();
  if (!(yield* input.literal(end))) input.at = from;
}

/** `{"name": ..., "arguments": {...}}`, in any order, other members ignored. */
function* readObjectCall(input: AnswerInput, sink: CallSink): Reading<boolean> {
  if ((yield* input.peek()) !== "{") return false;
  let name: string | undefined;
  let text: string | undefined;
  let announced = false;
  const read = yield* readMembers(input, "}", function* () {
    const key = yield* readKey(input);
    if (key === undefined) return false;
    const from = input.at;
    if (ARGUMENT_KEYS.includes(key) && name !== undefined && sink.eager && !announced) {
      announced = true;
      sink.call(name);
      return yield* readJsonEagerly(input, (piece) => sink.arguments(piece));
    }
    if (!(yield* readJson(input))) return false;
    const value = input.text.slice(from, input.at);
    if (ARGUMENT_KEYS.includes(key)) text = argumentsText(value);
    if (NAME_KEYS.includes(key)) {
      name = nameOf(value);
      return name !== undefined && sink.isKnown(name);
    }
    return true;
  });
  if (announced) return true;
  if (!read || name === undefined || argumentsObject(text ?? "{}") === undefined) return false;
  sink.call(name);
  sink.arguments(text ?? "{}");
  return true;
}

/** A name between marks, then the JSON of the arguments. */
function* readNamedCall(input: AnswerInput, calls: NamedCalls, sink: CallSink): Reading<boolean> {
  const { before, between, after, pattern } = calls;
  if (before !== "" && !(yield* input.literal(before))) return false;
  const text = yield* input.until(between.trim() || between, LONGEST_NAME);
  // Where a line break alone ends the name, a line of other text may hold it.
  const written = between.trim() === "" ? text : text?.trim();
  const name = written === undefined ? undefined : pattern.exec(written)?.[1]?.trim();
  if (name === undefined || !sink.isKnown(name)) return false;
  const id = calls.writesId === true ? written : undefined;
  yield* input.spaces();
  if ((yield* input.peek()) !== "{") return false;
  if (sink.eager) {
    sink.call(name, id);
    yield* readJsonEagerly(input, (text) => sink.arguments(text));
  } else {
    const from = input.at;
    if (!(yield* readJson(input))) return false;
    sink.call(name, id);
    sink.arguments(input.text.slice(from, input.at));
  }
  for (const mark of after.trim().split(/(?<=```)/)) yield* takeEnd(input, mark);
  return true;
}

function nameOf(json: string): string | undefined {
  const name: unknown = JSON.parse(json);
  return typeof name === "string" ? name : undefined;
}

/** Some models write the arguments as a text that holds JSON. */
function argumentsText(json: string): string {
  const value: unknown = JSON.parse(json);
  return typeof value === "string" ? value : json;
}
