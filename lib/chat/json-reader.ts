/** Reads one JSON value from text that streams, and stops at the first character that JSON (RFC 8259) does not allow. */
import { AnswerInput, type Reading } from "./answer-input.js";

// All but the quote, the backslash and control characters.
const PLAIN = /[ !#-[\]-\uffff]*/y;
const SCALAR_CHARACTERS = /[-+.\w]*/y;
const SCALAR = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
const MOST_DEPTH = 128;

/** Takes one value; false where the text is no JSON, or nests deeper than 128. */
export function* readJson(input: AnswerInput, depth = 0): Reading<boolean> {
  if (depth > MOST_DEPTH) return false;
  switch (yield* input.peek()) {
    case "{":
      return yield* readMembers(input, "}", () => readMember(input, depth));
    case "[":
      return yield* readMembers(input, "]", () => readJson(input, depth + 1));
    case '"':
      return yield* readString(input);
    default:
      return yield* readScalar(input);
  }
}

/** As `readJson`; the value is passed on as far as it has come at each wait. */
export function* readJsonEagerly(input: AnswerInput, emit: (text: string) => void): Reading<boolean> {
  let sent = input.at;
  const reading = readJson(input);
  for (;;) {
    const step = reading.next();
    if (input.at > sent) emit(input.text.slice(sent, input.at));
    sent = Math.max(sent, input.at);
    if (step.done === true) return step.value;
    yield;
  }
}

/** Takes a list of members between the bracket that is next and `close`; each `member` begins at no white space. */
export function* readMembers(
  input: AnswerInput,
  close: string,
  member: () => Reading<boolean>,
): Reading<boolean> {
  input.at++;
  yield* input.spaces();
  if (yield* input.literal(close)) return true;
  for (;;) {
    yield* input.spaces();
    if (!(yield* member())) return false;
    yield* input.spaces();
    if (yield* input.literal(close)) return true;
    if (!(yield* input.literal(","))) return false;
  }
}

/** Takes a member's name and colon; undefined where it is none. */
export function* readKey(input: AnswerInput): Reading<string | undefined> {
  const from = input.at;
  if (!(yield* readString(input))) return undefined;
  const key: unknown = JSON.parse(input.text.slice(from, input.at));
  yield* input.spaces();
  if (!(yield* input.literal(":"))) return undefined;
  yield* input.spaces();
  return String(key);
}

/** Names and JSON texts of the members of an object. */
export function membersOf(json: string): [key: string, value: string][] {
  const members: [string, string][] = [];
  const input = new AnswerInput();
  input.push(json.trim());
  input.close();
  const reading = readMembers(input, "}", function* () {
    const key = yield* readKey(input);
    const from = input.at;
    if (key === undefined || !(yield* readJson(input))) return false;
    members.push([key, input.text.slice(from, input.at)]);
    return true;
  });
  reading.next();
  return members;
}

function* readMember(input: AnswerInput, depth: number): Reading<boolean> {
  if ((yield* readKey(input)) === undefined) return false;
  return yield* readJson(input, depth + 1);
}

function* readString(input: AnswerInput): Reading<boolean> {
  if (!(yield* input.literal('"'))) return false;
  for (;;) {
    const next = yield* input.peek();
    if (next === "") return false;
    if (takeMatch(input, PLAIN)) continue;
    if (next === '"') {
      input.at++;
      return true;
    }
    if (next === "\\") {
      input.at++;
      if (!(yield* readEscape(input))) return false;
    } else return false;
  }
}

function* readEscape(input: AnswerInput): Reading<boolean> {
  const letter = yield* input.peek();
  input.at++;
  if (letter !== "u") return letter !== "" && '"\\/bfnrt'.includes(letter);
  for (let digit = 0; digit < 4; digit++) {
    if (!/^[0-9a-fA-F]$/.test(yield* input.peek())) return false;
    input.at++;
  }
  return true;
}

function* readScalar(input: AnswerInput): Reading<boolean> {
  const from = input.at;
  do takeMatch(input, SCALAR_CHARACTERS);
  while (input.at >= input.text.length && input.at - from < 400 && (yield* input.more()));
  return SCALAR.test(input.text.slice(from, input.at));
}

/** Takes what the pattern matches here; whether it is anything. */
function takeMatch(input: AnswerInput, pattern: RegExp): boolean {
  const from = input.at;
  pattern.lastIndex = from;
  pattern.test(input.text);
  input.at = pattern.lastIndex;
  return input.at > from;
}
