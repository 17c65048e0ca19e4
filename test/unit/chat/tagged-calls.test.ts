/** Calls whose arguments stand between marks: texts as they are, other values as JSON, by the function's schema. */
import { describe, expect, it } from "vitest";
import { type AnswerEvent, AnswerParser } from "../../../lib/chat/answer-parser.js";
import { argumentKinds } from "../../../lib/chat/argument-kinds.js";
import { TOOL_SYNTAXES } from "../../../lib/chat/tool-families.js";
import { type ToolSyntax, writeCalls } from "../../../lib/chat/tool-syntax.js";
import { Random } from "../../support/random.js";

const PARAMETERS = {
  type: "object",
  properties: {
    text: { type: "string" },
    count: { type: "integer" },
    ratio: { type: "number" },
    flag: { type: "boolean" },
    mode: { enum: ["fast", "slow"] },
    list: { type: "array" },
    nested: { $ref: "#/$defs/nested" },
    maybe: { anyOf: [{ type: "string" }, { type: "null" }] },
    either: { type: ["string", "integer"] },
  },
  $defs: { nested: { type: "object", properties: { a: { type: "string" } } } },
};
const FUNCTIONS = new Map<string, unknown>([
  ["f", PARAMETERS],
  ["g", undefined],
]);
const TAGGED = TOOL_SYNTAXES.filter((syntax) => syntax.calls.kind === "tagged");
const named = (name: string): ToolSyntax => {
  const found = TOOL_SYNTAXES.find((syntax) => syntax.name === name);
  if (found === undefined) throw new Error(`no syntax ${name}`);
  return found;
};

function parse(pieces: readonly string[], tools: ToolSyntax, guaranteed = false) {
  const parser = new AnswerParser(
    { tools, reasoning: undefined, channels: false },
    { functions: FUNCTIONS, inThought: false, guaranteed },
  );
  const events: AnswerEvent[] = pieces.flatMap((piece) => parser.push(piece));
  events.push(...parser.finish());
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

/** The same however the text is cut: whole, in single units, and in two at every place; whether a grammar holds the calls or not. */
function everywhere(text: string, tools: ToolSyntax, guaranteed = false) {
  const whole = parse([text], tools, guaranteed);
  expect(parse(text.split(""), tools, guaranteed)).toEqual(whole);
  for (let cut = 1; cut < text.length; cut++) {
    expect(parse([text.slice(0, cut), text.slice(cut)], tools, guaranteed), `cut at ${cut}`).toEqual(whole);
  }
  return whole;
}

const VALUES = {
  text: 'two\nlines, "quotes" \\ and 🗼\n',
  count: -3,
  ratio: 2.5e-3,
  flag: false,
  mode: "slow",
  list: [1, "</parameter>", { x: null }],
  nested: { a: "b" },
  maybe: null,
  either: "7b",
  more: [true],
};

describe.each(TAGGED.map((syntax) => [syntax.name, syntax] as const))("%s", (_, syntax) => {
  const write = (...made: readonly object[]) =>
    writeCalls(
      syntax,
      made.map((values) => ({ name: "f", arguments: JSON.stringify(values) })),
    );

  it.each([false, true])("gives every kind of value back (guaranteed: %s)", (guaranteed) => {
    const { text, calls } = everywhere(`Look:\n${write(VALUES, { text: "" }, {})}`, syntax, guaranteed);
    expect(text).toBe("Look:");
    expect(calls.map((call) => JSON.parse(call.arguments))).toEqual([VALUES, { text: "" }, {}]);
  });

  it.each([
    "</parameter>",
    "a\n</parameter>\nb",
    "a</arg_value>b",
    "<parameter=x>\ny",
    "</function>\n</tool_call>",
    "<tool_call>f</tool_call>",
    "\n\n a \n\n",
    "5",
    "true",
    '{"a": 1}',
    "\ud800 alone",
  ])("keeps the text %j", (value) => {
    const { text, calls } = everywhere(write({ text: value, count: 1 }), syntax);
    expect(text).toBe("");
    expect(calls.map((call) => JSON.parse(call.arguments))).toEqual([{ text: value, count: 1 }]);
  });

  it("tells texts from other values by the kinds the schema allows", () => {
    const read = (key: string, value: string) => {
      const [call] = parse([write({ [key]: "VALUE" }).replace("VALUE", () => value)], syntax).calls;
      return call === undefined ? undefined : (JSON.parse(call.arguments) as Record<string, unknown>)[key];
    };
    expect(read("maybe", "null")).toBe(null);
    expect(read("maybe", "5")).toBe("5");
    expect(read("either", "5")).toBe(5);
    expect(read("either", "5.5")).toBe("5.5");
    expect(read("unknown", "[5]")).toEqual([5]);
    expect(read("unknown", "[5")).toBe("[5");
    expect(read("mode", "fast")).toBe("fast");
    expect(read("flag", "True")).toBe(true);
    expect(read("count", " 5 ")).toBe(5);
    expect(read("count", "five")).toBeUndefined();
  });

  it("gives malformed calls back as text", () => {
    const good = write({ count: 12, text: "VALUE" });
    const bad = [
      good.replace("12", "twelve"),
      good.replace("12", "12 13"),
      good.slice(0, good.indexOf("VALUE") + 3),
      good.replace("count", "text"),
      write({ count: 1 }).replace("f", "unknown"),
    ];
    for (const text of bad)
      expect(everywhere(`a ${text} b`, syntax)).toEqual({ text: `a ${text} b`, calls: [] });
  });

  it("passes guaranteed arguments on as they come", () => {
    const text = write({ text: "half 🗼 of it", count: 1 });
    const parser = new AnswerParser(
      { tools: syntax, reasoning: undefined, channels: false },
      { functions: FUNCTIONS, inThought: false, guaranteed: true },
    );
    const events = parser.push(text.slice(0, text.indexOf(" of")));
    expect(events).toEqual([
      expect.objectContaining({ type: "call", name: "f" }),
      { type: "arguments", index: 0, text: '{"text": "half 🗼' },
    ]);
  });

  it("reads random values cut at random places", () => {
    const random = new Random(17);
    const integer = (limit: number) => random.integer(limit);
    const pieces = [
      "\n",
      " ",
      "<",
      "</",
      "parameter>",
      "</arg_value>",
      "a",
      "é",
      "🗼",
      '"',
      "\\",
      "=",
      "1",
      "true",
    ];
    const string = () => Array.from({ length: integer(8) }, () => pieces[integer(pieces.length)]).join("");
    for (let round = 0; round < 300; round++) {
      const made = Array.from({ length: 1 + integer(3) }, () => ({
        ...(integer(2) === 0 ? { text: string() } : {}),
        ...(integer(2) === 0 ? { list: [string(), { [string()]: string() }] } : {}),
        ...(integer(2) === 0 ? { ratio: integer(1000) / 8 } : {}),
        ...(integer(2) === 0 ? { nested: { a: string() } } : {}),
      }));
      const text = `${string().trim()} ok ${write(...made)}`;
      const cuts: string[] = [];
      for (let at = 0; at < text.length; ) {
        const length = 1 + integer(20);
        cuts.push(text.slice(at, at + length));
        at += length;
      }
      const { calls } = parse(cuts, syntax, integer(2) === 0);
      expect(
        calls.map((call) => JSON.parse(call.arguments)),
        text,
      ).toEqual(made);
    }
  });

  it("is linear in text made to be read again", () => {
    const call = write({ text: "VALUE" });
    for (const until of ["ext", "VALUE"]) {
      const text = call.slice(0, call.indexOf(until)).repeat(20_000);
      expect(parse([text], syntax).calls).toEqual([]);
    }
  });
});

describe("variants that models write", () => {
  it.each([
    ["qwen3-coder", "<tool_call><function=f><parameter=count>1</parameter></function></tool_call>"],
    ["qwen3-coder", "<tool_call>\n<function=f>\n<parameter=count>\n1\n</parameter>\n</tool_call>"],
    ["qwen3-coder", "<tool_call>\n<function=f>\n<parameter=count>\n1\n</parameter>\n</function>"],
    ["glm-4.5", "<tool_call>f<arg_key>count</arg_key><arg_value>1</arg_value></tool_call>"],
    ["glm-4.7", "<tool_call>f\n<arg_key>count</arg_key>\n<arg_value>1</arg_value>\n</tool_call>"],
  ])("%s: %j", (name, text) => {
    expect(everywhere(text, named(name))).toEqual({
      text: "",
      calls: [{ name: "f", arguments: '{"count": 1}' }],
    });
  });
});

describe("functionary 3.2, whose prompts end with the mark", () => {
  const tools = named("functionary-3.2");

  it.each([
    ["all\nHello >>> there", "Hello >>> there", []],
    ['f\n{"count": 1}', "", ["f"]],
    ['f\n{"count": 1}>>>g\n{}', "", ["f", "g"]],
    ['all\nI look.>>>f\n{"count": 1}', "I look.", ["f"]],
    ['f\n{"count": 1}>>>all\nSo.', "So.", ["f"]],
    ["other\n{}", "other\n{}", []],
    ["f\n{1}", "f\n{1}", []],
    ["all", "all", []],
  ])("%j", (answer, text, names) => {
    const read = everywhere(answer, tools);
    expect({ text: read.text, names: read.calls.map(({ name }) => name) }).toEqual({ text, names });
  });
});

describe("kinds of arguments", () => {
  it.each([
    [{ properties: { a: { type: ["string", "null"] } } }, ["string", "null"]],
    [{ properties: { a: { type: "number" } } }, ["integer", "number"]],
    [{ properties: { a: { enum: ["x", 1, 1.5, null] } } }, ["string", "integer", "number", "null"]],
    [{ properties: { a: { const: [] } } }, ["array"]],
    [{ properties: { a: { oneOf: [{ const: true }, { type: "object" }] } } }, ["boolean", "object"]],
    [{ properties: { a: { allOf: [{ type: ["string", "null"] }, { type: ["null", "array"] }] } } }, ["null"]],
    [{ $ref: "#/$defs/x", $defs: { x: { properties: { a: { type: "string" } } } } }, ["string"]],
    [
      { anyOf: [{ properties: { a: { type: "string" } } }, { properties: { a: { type: "null" } } }] },
      ["string", "null"],
    ],
    [{ properties: { b: {} }, additionalProperties: { type: "string" } }, ["string"]],
    [
      { properties: { a: { $ref: "#/properties/a" } } },
      ["string", "integer", "number", "boolean", "null", "object", "array"],
    ],
    [undefined, ["string", "integer", "number", "boolean", "null", "object", "array"]],
  ])("%j", (schema, kinds) => {
    expect([...argumentKinds(schema, "a")]).toEqual(kinds);
  });
});
