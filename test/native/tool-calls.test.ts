// Grammars of tool calls against the reader of calls: what is allowed is read as what the schema allows, and what is written is allowed.
import path from "node:path";
import Ajv from "ajv";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAnswer } from "../../lib/chat/answer-parser.js";
import type { FunctionTool } from "../../lib/chat/tool-call.js";
import { TOOL_SYNTAXES } from "../../lib/chat/tool-families.js";
import { type ToolSyntax, writeCalls } from "../../lib/chat/tool-syntax.js";
import { resolveGrammar } from "../../lib/engine/grammar.js";
import type { ControlToken } from "../../lib/engine/structural-tag.js";
import { answerGrammar } from "../../lib/engine/tool-grammar.js";
import type { NativeGrammar } from "../../lib/ffi/index.js";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.js";
import type { RunningEngine } from "../support/fake-model.js";
import { byteEngine, byteTokens, CONTROL, vocabularyEngine, wholeTexts } from "../support/grammar-engine.js";
import { Random } from "../support/random.js";
import { sharedData } from "../support/shared-data.js";

const PARAMETERS = {
  type: "object",
  properties: {
    text: { type: "string" },
    count: { type: "integer", minimum: 1 },
    flag: { type: "boolean" },
    mode: { type: "string", enum: ["fast", "slow", "5"] },
    list: { type: "array", items: { type: "string" } },
    nested: { $ref: "#/$defs/nested" },
    maybe: { anyOf: [{ type: "string" }, { type: "null" }] },
    kind: { enum: ["a", "null", null, 7] },
    either: { anyOf: [{ type: "string" }, { type: "integer", maximum: 5 }] },
    short: { type: "string", maxLength: 4 },
    some: { type: "string", minLength: 2 },
    code: { type: "string", pattern: "^[A-Z<]{2}-[0-9]+$" },
    date: { type: "string", format: "date" },
  },
  required: ["text"],
  additionalProperties: false,
  $defs: {
    nested: {
      type: "object",
      properties: { a: { type: "string" }, b: { $ref: "#/$defs/nested" } },
      additionalProperties: false,
    },
  },
};
const tool = (name: string, parameters: Record<string, unknown>, strict = false): FunctionTool => ({
  type: "function",
  function: { name, parameters, strict },
});
const F = tool("f", PARAMETERS);
const G = tool("g", { type: "object", properties: {}, additionalProperties: false }, true);
const OPEN = tool("f", {
  $ref: "#/definitions/all",
  definitions: {
    all: { properties: { a: { type: "string" } }, additionalProperties: { $ref: "#/definitions/whole" } },
    whole: { type: "integer" },
  },
});

interface Use {
  readonly tools?: readonly FunctionTool[];
  readonly required?: boolean;
  readonly parallel?: boolean;
}

/** An answer is one call or several, or text in which they may come, of which one function is strict. */
function grammarOf(
  syntax: ToolSyntax,
  { tools = [F, G], required = true, parallel = true }: Use = {},
  controlToken: ControlToken = () => undefined,
) {
  const grammar = answerGrammar(
    undefined,
    { tools, callable: tools, required, parallel },
    { tools: syntax, reasoning: undefined, inThought: false, channels: false, controlToken },
  );
  return resolveGrammar(grammar) as NativeGrammar;
}

function read(answer: string, tools: ToolSyntax, functions: readonly FunctionTool[] = [F, G]) {
  const events = parseAnswer(
    answer,
    { tools, reasoning: undefined, channels: false },
    {
      functions: new Map(functions.map((one) => [one.function.name, one.function.parameters])),
      inThought: false,
      guaranteed: true,
    },
  );
  const calls: { name: string; arguments: string }[] = [];
  let text = "";
  for (const event of events) {
    if (event.type === "text") text += event.text;
    if (event.type === "call") calls.push({ name: event.name, arguments: "" });
    const call = calls.at(-1);
    if (event.type === "arguments" && call !== undefined) call.arguments += event.text;
  }
  return { text, calls };
}

const VALID: readonly Record<string, unknown>[] = [
  { text: "" },
  { text: 'two\nlines, "quotes" \\ and 🗼\n' },
  { text: "</para <parameter=x> </arg> </function> </tool_call>" },
  { text: "a", count: 12, flag: false, mode: "slow", list: ["b", "</parameter>"], nested: { b: { a: "c" } } },
  { text: "a", mode: "5", maybe: null },
  { text: "a", maybe: "or\nnot" },
  { text: "a", maybe: "5", kind: 7 },
  { text: "a", kind: "a", either: 5 },
  { text: "a", kind: null, short: "a\n🗼b", some: "two", code: "AB-12", date: "2025-07-10" },
  { text: "a", short: "", some: "two words, or more" },
];

const INVALID: readonly Record<string, unknown>[] = [
  {},
  { count: 1 },
  { text: "a", count: 0 },
  { text: "a", count: 1.5 },
  { text: "a", flag: null },
  { text: "a", mode: "other" },
  { text: "a", list: [1] },
  { text: "a", nested: { c: 1 } },
  { text: "a", kind: "b" },
  { text: "a", either: 9 },
  { text: "a", short: "12345" },
  { text: "a", some: "a" },
  { text: "a", code: "ab-1" },
  { text: "a", date: "today" },
  { text: "a", more: "b" },
  { text: "a", flag: true, count: 1 },
];

let running: RunningEngine;
beforeAll(async () => {
  running = await byteEngine();
});
afterAll(() => running.engine.dispose());

const allowed = (grammar: NativeGrammar, answers: readonly string[]) =>
  wholeTexts(running, grammar, answers.map(byteTokens));

/** Calls of the function `f`. */
function callsOf(syntax: ToolSyntax, ...made: readonly object[]): string {
  return writeCalls(
    syntax,
    made.map((values) => ({ name: "f", arguments: JSON.stringify(values) })),
  );
}

/** An answer of calls; prompts or nothing stand for the first mark of some families. */
function answerOf(syntax: ToolSyntax, ...made: readonly object[]): string {
  const written = callsOf(syntax, ...made);
  return syntax.bare || syntax.speech !== undefined ? written.slice(syntax.begin.length) : written;
}

const validate = new Ajv.default({ strict: false, formats: { date: /^\d{4}-\d\d-\d\d$/ } }).compile(
  PARAMETERS,
);

describe.each(TOOL_SYNTAXES.map((syntax) => [syntax.name, syntax] as const))("%s", (_, syntax) => {
  it("allows what is written of valid arguments, and reads the same", async () => {
    const grammar = grammarOf(syntax);
    const answers = [...VALID.map((values) => answerOf(syntax, values)), answerOf(syntax, ...VALID)];
    expect(await allowed(grammar, answers)).toEqual(answers.map(() => true));
    for (const [index, values] of VALID.entries()) {
      const { text, calls } = read(answers[index] ?? "", syntax);
      expect(text).toBe("");
      expect(calls.map((call) => JSON.parse(call.arguments))).toEqual([values]);
    }
    expect(read(answers.at(-1) ?? "", syntax).calls).toHaveLength(VALID.length);
  });

  it("refuses invalid arguments, other functions, and text around calls that are demanded", async () => {
    const one = answerOf(syntax, { text: "a" });
    const answers = [
      ...INVALID.map((values) => answerOf(syntax, values)),
      one.replace("f", "other"),
      `text ${one}`,
      `${one} text`,
      "text",
      "",
    ];
    expect(await allowed(grammarOf(syntax), answers)).toEqual(answers.map(() => false));
    const two = answerOf(syntax, { text: "a" }, { text: "b" });
    expect(await allowed(grammarOf(syntax, { parallel: false }), [one, two])).toEqual([true, false]);
  });

  it("allows text, and calls in it that are as valid, where none is demanded", async () => {
    const speech = syntax.speech === undefined ? "" : `${syntax.speech}\n`;
    const call = (...made: readonly object[]) => callsOf(syntax, ...made);
    const yes = [
      `${speech}some text, < and {`,
      `${speech}Look: ${call({ text: "a" })}`,
      `${speech}Look:\n${call({ text: "a", count: 2 }, { text: "b" })}`,
      answerOf(syntax, { text: "a" }),
    ];
    const no = [
      `${speech}Look: ${call({ text: "a", count: 0 })}`,
      `${speech}Look: ${call({ text: "a" }, { text: "b", count: 0 })}`,
      answerOf(syntax, { text: "a", count: 0 }),
    ];
    const grammar = grammarOf(syntax, { required: false });
    expect(await allowed(grammar, [...yes, ...no])).toEqual([...yes.map(() => true), ...no.map(() => false)]);
    expect(yes.map((answer) => read(answer, syntax).calls.length)).toEqual([0, 1, 2, 1]);
  });

  it("allows nothing that is read otherwise: answers changed at random", { timeout: 120_000 }, async () => {
    const random = new Random(5);
    const marks = [
      ...["</parameter>", "</arg_value>", "<parameter=", "</function>", "<tool_call>", "</tool_call>"],
      ...["\n", " ", '"', "{", "}", "5", "a", "null", "<", ">", ">>>", "\\", ",", "f", syntax.begin.trim()],
    ];
    const changed = (made: (values: object) => string) =>
      Array.from({ length: 3000 }, () => {
        let answer = made(VALID[random.integer(VALID.length)] ?? {});
        for (let change = random.integer(3); change >= 0; change--) {
          const at = random.integer(answer.length);
          const mark = random.integer(3) === 0 ? "" : (marks[random.integer(marks.length)] ?? "");
          answer = answer.slice(0, at) + mark + answer.slice(at + random.integer(3));
        }
        return answer.replace(/\p{Surrogate}/gu, "?");
      });
    const check = async (answers: readonly string[], required: boolean) => {
      const taken = await allowed(grammarOf(syntax, { required }), answers);
      const kept = answers.filter((_, index) => taken[index] === true);
      expect(kept.length).toBeGreaterThan(100);
      for (const answer of kept) {
        const { text, calls } = read(answer, syntax);
        if (required)
          expect({ answer, text, called: calls.length > 0 }).toEqual({ answer, text: "", called: true });
        for (const call of calls) {
          const values: unknown = JSON.parse(call.arguments);
          expect(call.name === "g" || validate(values), answer).toBe(true);
        }
      }
    };
    const speech = syntax.speech === undefined ? "" : `${syntax.speech}\n`;
    await check(
      changed((values) => answerOf(syntax, values)),
      true,
    );
    await check(
      changed((values) => `${speech}Look: ${callsOf(syntax, values)}`),
      false,
    );
  });

  it("allows arguments that the schema does not name where it does not forbid them", async () => {
    const grammar = grammarOf(syntax, { tools: [OPEN] });
    const values = [{ a: "x", more: 5 }, { ab: 5 }, {}, { a: "x", more: "y" }, { a: 5 }];
    const answers = values.map((each) => answerOf(syntax, each));
    const tagged = syntax.calls.kind === "tagged";
    expect(await allowed(grammar, answers)).toEqual([true, true, true, false, tagged]);
    expect(read(answers[0] ?? "", syntax, [OPEN]).calls.map((call) => JSON.parse(call.arguments))).toEqual([
      { a: "x", more: 5 },
    ]);
  });
});

describe("marks that are control tokens", () => {
  const [begin, argumentEnd, end] = CONTROL;
  const tokens = new Map<string, number>([
    ["<tool_call>", begin],
    ["<minimax:tool_call>", begin],
    ["</arg_value>", argumentEnd],
    ["</parameter>", argumentEnd],
    ["</tool_call>", end],
  ]);
  const spelled = (answer: string) =>
    Int32Array.from(
      answer
        .split(/(<\/?[a-z:_]+>)/)
        .flatMap((part) => (tokens.has(part) ? [tokens.get(part) as number] : [...byteTokens(part)])),
    );
  const tagged = TOOL_SYNTAXES.filter((syntax) => syntax.calls.kind === "tagged");

  it.each(tagged.map((syntax) => [syntax.name, syntax] as const))("%s", async (_, syntax) => {
    const control = (spelling: string) => tokens.get(spelling);
    const valid = VALID.filter((values) => !JSON.stringify(values).includes("</"));
    const answers = valid.map((values) => answerOf(syntax, values));
    const calls = answerOf(syntax, ...valid);
    const invalid = [{ count: 1 }, { text: "a", short: "12345" }].map((values) => answerOf(syntax, values));
    const demanded = grammarOf(syntax, {}, control);
    expect(await wholeTexts(running, demanded, [...answers, calls, ...invalid].map(spelled))).toEqual([
      ...answers.map(() => true),
      true,
      ...invalid.map(() => false),
    ]);
    const possible = grammarOf(syntax, { required: false }, control);
    const mixed = [`Look: ${calls}`, "text < alone", `Look: ${invalid[0]}`];
    expect(await wholeTexts(running, possible, mixed.map(spelled))).toEqual([true, true, false]);
    // In bytes the mark would be read as the mark, but not held to anything.
    expect(await allowed(possible, [`Look: ${calls}`])).toEqual([false]);
    expect(await allowed(demanded, [answers[1] ?? ""])).toEqual([false]);
  });
});

describe("begin marks that are control tokens", () => {
  const TOKEN = /^(?:<[|｜].*[|｜]>|\[[A-Z_]+\]|<[a-z_:]+>)$/;
  const families = TOOL_SYNTAXES.filter((syntax) => TOKEN.test(syntax.begin.trim()));

  it.each(families.map((syntax) => [syntax.name, syntax] as const))("%s", async (_, syntax) => {
    const mark = syntax.begin.trim();
    const [begin, other] = CONTROL;
    const spelled = (answer: string) =>
      Int32Array.from(
        answer.split(mark).flatMap((part, index) => [...(index === 0 ? [] : [begin]), ...byteTokens(part)]),
      );
    const call = (...made: readonly object[]) => callsOf(syntax, ...made);
    const control = (spelling: string) => (spelling === mark ? begin : undefined);
    const grammar = grammarOf(syntax, { required: false }, control);
    const good = call({ text: "a" });
    const yes = ["some text", `Look: ${good}`, `Look: ${call({ text: "a" }, { text: "b" })}`, good];
    const no = [`Look: ${call({ text: "a", count: 0 })}`, `${mark}oops`];
    expect(await wholeTexts(running, grammar, [...yes, ...no].map(spelled))).toEqual([
      ...yes.map(() => true),
      ...no.map(() => false),
    ]);
    const unlike = [byteTokens(`Look: ${good}`), Int32Array.of(...byteTokens("Look"), other)];
    expect(await wholeTexts(running, grammar, unlike)).toEqual([false, false]);
    const single = grammarOf(syntax, { required: false, parallel: false }, control);
    expect(await wholeTexts(running, single, yes.map(spelled))).toEqual([true, true, false, true]);
  });
});

describe("Llama's other spellings", () => {
  const syntax = TOOL_SYNTAXES.find((known) => known.bare === true) as ToolSyntax;
  const good = '{"name": "f", "parameters": {"text": "a"}}';

  it.each([
    [good, true, 1],
    [` \n${good}`, true, 1],
    [`<|python_tag|>${good}; ${good}`, true, 2],
    [`text <|python_tag|>${good}`, true, 1],
    [`text ${good}`, true, 0],
    ["<b>text</b> <|python", true, 0],
    ["", true, 0],
    ['{"type": "function", "name": "f", "parameters": {"text": "a"}}', false, 1],
    ['{"name":"f","parameters":{"count":1}}', false, 1],
    ['<|python_tag|>{"name":"f","parameters":{"count":1}}', false, 1],
    ['\n\n{"count": 1}', false, 0],
  ])("%j: allowed %s, calls read %i", async (answer, isAllowed, calls) => {
    const grammar = grammarOf(syntax, { required: false });
    expect(await allowed(grammar, [answer])).toEqual([isAllowed]);
    expect(read(answer, syntax).calls).toHaveLength(calls);
  });
});

const vocabulary = sharedData("tokenizers", "smollm2");
describe.skipIf(vocabulary === undefined)("over a real vocabulary", () => {
  const LONG = {
    type: "object",
    properties: { text: { type: "string" }, long: { type: "string", minLength: 3, maxLength: 300 } },
    required: ["text", "long"],
    additionalProperties: false,
  };

  it("texts between marks are allowed in every way to cut them into tokens", {
    timeout: 120_000,
  }, async () => {
    const tokenizer = await Tokenizer.load(path.join(vocabulary ?? "", "tokenizer.json"));
    const real = await vocabularyEngine(tokenizer, tokenizer.tokenToId("<|im_end|>") ?? -1);
    const encode = (text: string) => tokenizer.encode(text, { addSpecial: false });
    const pieces = (text: string) => Int32Array.from([...text].flatMap(encode));
    const text = "if (a < b) { return '</param'; }\n\n  // é🗼\n";
    const values = [
      { text, long: "many words. ".repeat(25) },
      { text: "<<</", long: "abc" },
      { text, long: "a".repeat(301) },
      { text, long: "ab" },
    ];
    for (const syntax of TOOL_SYNTAXES.filter(({ calls }) => calls.kind === "tagged")) {
      const grammar = grammarOf(syntax, { tools: [tool("f", LONG, true)], required: false });
      const answers = values.map((each) => `Look < here: ${answerOf(syntax, each)}`);
      const expected = [true, true, false, false];
      expect(
        await wholeTexts(
          real,
          grammar,
          answers.map((each) => Int32Array.from(encode(each))),
        ),
      ).toEqual(expected);
      expect(await wholeTexts(real, grammar, answers.map(pieces))).toEqual(expected);
    }
    await real.engine.dispose();
  });
});
