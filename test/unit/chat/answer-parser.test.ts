/** Answers of the families of models, taken apart while they stream. */
import { describe, expect, it } from "vitest";
import { type AnswerEvent, AnswerParser, type AnswerSyntax } from "../../../lib/chat/answer-parser.js";
import { REASONING_SYNTAXES } from "../../../lib/chat/reasoning-syntax.js";
import { TOOL_SYNTAXES } from "../../../lib/chat/tool-families.js";
import { writeCalls } from "../../../lib/chat/tool-syntax.js";

const [THINK] = REASONING_SYNTAXES;
const FUNCTIONS = new Map([
  ["get_weather", { type: "object", properties: { city: { type: "string" }, days: { type: "array" } } }],
  ["add", { type: "object", properties: { a: { type: "integer" }, b: { type: "string" } } }],
]);
const tools = (name: string) => {
  const found = TOOL_SYNTAXES.find((syntax) => syntax.name === name);
  if (found === undefined) throw new Error(`no syntax ${name}`);
  return found;
};

interface Parsed {
  text: string;
  reasoning: string;
  calls: { name: string; arguments: string }[];
}

function parse(
  pieces: readonly string[],
  syntax: AnswerSyntax,
  options: { inThought?: boolean; guaranteed?: boolean } = {},
): Parsed {
  const { inThought = false, guaranteed = false } = options;
  const parser = new AnswerParser(syntax, { functions: FUNCTIONS, inThought, guaranteed });
  const parsed: Parsed = { text: "", reasoning: "", calls: [] };
  const take = (events: readonly AnswerEvent[]) => {
    for (const event of events) {
      if (event.type === "text" || event.type === "reasoning") parsed[event.type] += event.text;
      else if (event.type === "call") {
        expect(event.index).toBe(parsed.calls.length);
        parsed.calls.push({ name: event.name, arguments: "" });
      } else {
        const call = parsed.calls[event.index];
        if (call === undefined) throw new Error("arguments before their call");
        call.arguments += event.text;
      }
    }
  };
  for (const piece of pieces) take(parser.push(piece));
  take(parser.finish());
  expect(parser.calls).toBe(parsed.calls.length);
  return parsed;
}

/** The result, which must be the same for the text in one piece, character by character, and cut in two at every place. */
function everywhere(
  text: string,
  syntax: AnswerSyntax,
  options?: { inThought?: boolean; guaranteed?: boolean },
): Parsed {
  const whole = parse([text], syntax, options);
  expect(parse(text.split(""), syntax, options)).toEqual(whole);
  for (let cut = 1; cut < text.length; cut++) {
    expect(parse([text.slice(0, cut), text.slice(cut)], syntax, options), `cut at ${cut}`).toEqual(whole);
  }
  return whole;
}

const only = (name: string): AnswerSyntax => ({ tools: tools(name), reasoning: undefined, channels: false });
const PARIS = '{"city": "Paris \\"🗼\\"", "days": [1, 2.5e3, {"x": null}]}';
const calls = [
  { name: "get_weather", arguments: PARIS },
  { name: "add", arguments: '{"a": -1, "b": "<tool_call>[TOOL_CALLS]</tool_call>"}' },
];

describe.each(TOOL_SYNTAXES.map((syntax) => [syntax.name, syntax] as const))("%s", (name, syntax) => {
  it.each([false, true])("reads what it writes, cut anywhere (guaranteed: %s)", (guaranteed) => {
    for (const made of [calls.slice(0, 1), calls]) {
      const text = `Let me see.\n${writeCalls(syntax, made)}\n`;
      expect(everywhere(text, only(name), { guaranteed })).toEqual({
        text: "Let me see.",
        reasoning: "",
        calls: made,
      });
    }
  });

  it("leaves malformed calls and unknown functions as text", () => {
    const good = writeCalls(syntax, calls.slice(0, 1));
    const bad = [
      writeCalls(syntax, [{ name: "unknown", arguments: "{}" }]),
      good.replace("[1, 2.5e3", "[01, 2.5e3"),
      good.slice(0, good.indexOf("2.5e3")),
      `${syntax.begin}nothing of the kind`,
      syntax.begin,
    ];
    for (const text of bad) {
      const parsed = everywhere(`a ${text}`, only(name));
      expect(parsed.calls).toEqual([]);
      expect(parsed.text.replaceAll(/\s/g, "")).toBe(`a ${text}`.replaceAll(/\s/g, ""));
    }
  });

  it("reads a good call after a malformed one", () => {
    const text = `${syntax.begin}oops ${writeCalls(syntax, calls.slice(0, 1))}`;
    expect(everywhere(text, only(name)).calls).toEqual(calls.slice(0, 1));
  });
});

describe("variants that models write", () => {
  it.each([
    ["mistral", '[TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}, "id": "abc"}]'],
    ["mistral-args", '[TOOL_CALLS]add[CALL_ID]abcdefghi[ARGS]{"a": 1}'],
    ["hermes", '<tool_call>{"arguments": {"a": 1}, "name": "add"}'],
    ["hermes", '<tool_call>\n{"name": "add", "arguments": "{\\"a\\": 1}"}\n</tool_call>'],
    ["llama-3", '  {"type": "function", "name": "add", "parameters": {"a": 1}}'],
    ["llama-3", '<|python_tag|>{"name": "add", "parameters": {"a": 1}}'],
    [
      "command",
      '<|START_ACTION|>[\n {"tool_call_id": "0", "tool_name": "add", "parameters": {"a": 1}}\n]<|END_ACTION|>',
    ],
    [
      "kimi-k2",
      '<|tool_calls_section_begin|><|tool_call_begin|>functions.add:7<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|><|tool_calls_section_end|>',
    ],
    [
      "deepseek-v3.1",
      '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>{"a": 1}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    ],
    ["granite-3", '<|tool_call|>[{"name": "add", "arguments": {"a": 1}}]'],
  ])("%s: %s", (name, text) => {
    const parsed = everywhere(text, only(name));
    expect(parsed.calls.map((call) => [call.name, JSON.parse(call.arguments)])).toEqual([["add", { a: 1 }]]);
    expect(parsed.text).toBe("");
  });

  it("keeps the id that Kimi writes, and counts where a grammar could not", () => {
    const parser = new AnswerParser(only("kimi-k2"), {
      functions: FUNCTIONS,
      inThought: false,
      guaranteed: false,
    });
    const call = { name: "add", arguments: "{}" };
    const events = parser.push(writeCalls(tools("kimi-k2"), [call, call, call]));
    const ids = events.flatMap((event) => (event.type === "call" ? [event.id] : []));
    expect(ids).toEqual(["functions.add:0", "functions.add:1", "functions.add:2"]);
  });

  it("keeps what follows the calls of Llama as text", () => {
    const parsed = everywhere(
      '{"name": "add", "parameters": {}}; {"name": "add", "parameters": {}}; done',
      only("llama-3"),
    );
    expect(parsed.calls).toHaveLength(2);
    expect(parsed.text).toBe("; done");
  });

  it("passes guaranteed arguments on as they come, others when they are whole", () => {
    const text = writeCalls(tools("hermes"), calls.slice(0, 1));
    const half = text.slice(0, text.indexOf("days"));
    const first = (guaranteed: boolean) =>
      new AnswerParser(only("hermes"), { functions: FUNCTIONS, inThought: false, guaranteed }).push(half);
    expect(first(false)).toEqual([]);
    expect(first(true)).toEqual([
      expect.objectContaining({
        type: "call",
        name: "get_weather",
        id: expect.stringMatching(/^[A-Za-z0-9]{9}$/),
      }),
      { type: "arguments", index: 0, text: '{"city": "Paris \\"🗼\\"", "' },
    ]);
  });

  it("is linear in text made to be read again", () => {
    const text = '<tool_call>{"name": "add", "arguments": {"a": ['.repeat(20_000);
    const started = performance.now();
    expect(parse([text], only("hermes")).calls).toEqual([]);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("thoughts", () => {
  const both: AnswerSyntax = { tools: tools("hermes"), reasoning: THINK, channels: false };
  const call = writeCalls(tools("hermes"), calls.slice(0, 1));

  it("separates them, cut anywhere", () => {
    const text = `<think>\nHm <b>, </thin\n</think>\n\nHello\n${call}`;
    expect(everywhere(text, both)).toEqual({
      text: "Hello",
      reasoning: "Hm <b>, </thin",
      calls: calls.slice(0, 1),
    });
  });

  it("begins inside a thought where the prompt does", () => {
    expect(everywhere("Hm.\n</think>\n\nHello", both, { inThought: true })).toMatchObject({
      text: "Hello",
      reasoning: "Hm.",
    });
    expect(everywhere("<think>\nHm.</think>Hello", both, { inThought: true })).toMatchObject({
      text: "Hello",
      reasoning: "Hm.",
    });
  });

  it("takes no calls out of a thought", () => {
    expect(everywhere(`<think>${call}</think>x`, both)).toEqual({ text: "x", reasoning: call, calls: [] });
  });

  it("keeps a thought that was cut short", () => {
    expect(everywhere("<think>I was", both)).toEqual({ text: "", reasoning: "I was", calls: [] });
  });

  it("leaves other text alone, white space too", () => {
    const text = " a < b \n\n <thin <tool_cal \n";
    expect(everywhere(text, both)).toEqual({ text, reasoning: "", calls: [] });
  });
});

describe("gpt-oss's channels", () => {
  const channels: AnswerSyntax = { tools: undefined, reasoning: undefined, channels: true };

  it.each([false, true])("are thought, text and calls (guaranteed: %s)", (guaranteed) => {
    const text = `<|channel|>analysis<|message|>Let me <think>.<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>${PARIS}<|call|>`;
    expect(everywhere(text, channels, { guaranteed })).toEqual({
      text: "I look.",
      reasoning: "Let me <think>.",
      calls: calls.slice(0, 1),
    });
  });

  it("take the recipient before the channel too", () => {
    const text = '<|start|>assistant to=functions.add<|channel|>commentary json<|message|>{"a": 1}';
    expect(everywhere(text, channels).calls).toEqual([{ name: "add", arguments: '{"a": 1}' }]);
  });

  it("give the final answer as text", () => {
    const text =
      "<|channel|>analysis<|message|>2<|end|><|start|>assistant<|channel|>final<|message|>Four < five.";
    expect(everywhere(text, channels)).toEqual({ text: "Four < five.", reasoning: "2", calls: [] });
    expect(everywhere("just text", channels)).toEqual({ text: "just text", reasoning: "", calls: [] });
  });
});
