/**
 * gpt-oss's answers ("harmony"): messages in channels. `analysis` is what the model thinks, `final` and `commentary` what it
 * says; a message `to=functions.NAME` is a call, its text the JSON of the arguments.
 */
import type { AnswerInput, Reading } from "./answer-input.js";
import type { CallSink } from "./call-sink.js";
import { argumentsObject } from "./tool-call.js";

/** Matches the templates of models that answer in channels. */
export const CHANNEL_TEMPLATE = /<\|channel\|>/;

/** Control tokens that are part of an answer's text. */
export const CHANNEL_MARKS = "<|start|><|channel|><|constrain|><|message|><|end|><|call|><|return|>";

/** Marks around a thought, and what leads out of one to the answer. */
export const CHANNEL_THOUGHT = {
  begin: "<|channel|>analysis<|message|>",
  end: "<|end|>",
  close: "<|end|><|start|>assistant<|channel|>final<|message|>",
} as const;

const ENDS = ["<|end|>", "<|call|>", "<|return|>", "<|start|>"];
const LONGEST_HEADER = 400;

/** Where the messages of an answer go. */
interface ChannelSink extends CallSink {
  text(type: "text" | "reasoning", text: string): void;
  turn(): void;
}

/** Reads messages until the answer ends. Text outside any message is text. */
export function* readChannels(input: AnswerInput, sink: ChannelSink): Reading<void> {
  let first = true;
  while ((yield* input.peek()) !== "") {
    const from = input.at;
    const header = yield* readHeader(input);
    if (header === undefined) {
      input.at = from;
      yield* readBody(input, (text) => sink.text("text", text));
      continue;
    }
    if (!first) sink.turn();
    first = false;
    const name = /to=functions\.([^\s<]+)/.exec(header)?.[1];
    if (name !== undefined && sink.isKnown(name)) yield* readCall(input, name, sink);
    else {
      const type = /<\|channel\|>\s*analysis/.test(header) ? "reasoning" : "text";
      yield* readBody(input, (text) => sink.text(type, text));
    }
  }
}

/** What stands before `<|message|>`; undefined where the text does not begin a message. */
function* readHeader(input: AnswerInput): Reading<string | undefined> {
  yield* input.spaces();
  const begins = ["<|start|>", "<|channel|>", "to=", "assistant"];
  const from = input.at;
  for (;;) {
    const rest = input.text.slice(from);
    if (begins.some((mark) => rest.startsWith(mark))) break;
    if (!begins.some((mark) => mark.startsWith(rest)) || !(yield* input.more())) return undefined;
  }
  return yield* input.until("<|message|>", LONGEST_HEADER);
}

/** A body is passed on as it comes. */
function* readBody(input: AnswerInput, emit: (text: string) => void): Reading<void> {
  for (;;) {
    const rest = input.text.slice(input.at);
    const end = firstEnd(rest);
    const length = end?.at ?? rest.length - heldEnd(rest);
    if (length > 0) emit(rest.slice(0, length));
    input.at += length;
    if (end !== undefined) {
      // `<|start|>` begins the next header.
      if (end.mark !== "<|start|>") input.at += end.mark.length;
      else if (length === 0) input.at += end.mark.length;
      input.forget();
      return;
    }
    input.forget();
    if (yield* input.more()) continue;
    emit(input.text.slice(input.at));
    input.at = input.text.length;
    return;
  }
}

function* readCall(input: AnswerInput, name: string, sink: ChannelSink): Reading<void> {
  if (sink.eager) {
    sink.call(name);
    yield* readBody(input, (text) => sink.arguments(text));
    return;
  }
  let text = "";
  yield* readBody(input, (piece) => {
    text += piece;
  });
  if (argumentsObject(text) === undefined) {
    sink.text("text", text);
    return;
  }
  sink.call(name);
  sink.arguments(text.trim() === "" ? "{}" : text.trim());
}

function firstEnd(text: string): { at: number; mark: string } | undefined {
  const match = /<\|(?:end|call|return|start)\|>/.exec(text);
  return match === null ? undefined : { at: match.index, mark: match[0] };
}

function heldEnd(text: string): number {
  const from = text.lastIndexOf("<");
  if (from < 0) return 0;
  const end = text.slice(from);
  return ENDS.some((mark) => mark.startsWith(end)) ? end.length : 0;
}
