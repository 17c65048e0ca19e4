/** Answers of the mock engine as messages and in pieces. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTool } from "../../../lib/engine/tool-runner.js";
import { createMockEngine, type MockAnswer, type MockAnswers } from "../../../lib/testing/index.js";

const messages = [{ role: "user", content: "What is the weather in Rome?" }] as const;
const tools = [{ type: "function" as const, function: { name: "get_weather" } }];
const CALL = {
  id: "call_1",
  type: "function",
  function: { name: "get_weather", arguments: '{"city":"Rome"}' },
} as const;

const completions = async (answers: MockAnswers) =>
  (await createMockEngine({ answers })).engine.chat.completions;

/** The deltas of a streamed answer, those without anything left out. */
async function deltas(answer: MockAnswer) {
  const stream = await (await completions([answer])).create({ messages, tools, stream: true });
  const seen: object[] = [];
  for await (const { choices } of stream) {
    const { role: _, ...delta } = choices[0]?.delta ?? {};
    if (Object.values(delta).some((value) => value !== "")) seen.push(delta);
  }
  return seen;
}

describe("a message", () => {
  it("comes back as it was given, but for ids", async () => {
    const answer = {
      role: "assistant",
      content: "I look.",
      reasoning_content: "I need the weather.",
      tool_calls: [CALL, { ...CALL, function: { name: "get_weather", arguments: '{"city":"Oslo"}' } }],
      refusal: null,
    } as const;
    const made = await (await completions([answer])).create({ messages, tools });
    const [choice] = made.choices;
    expect(choice?.finish_reason).toBe("tool_calls");
    expect(choice?.message).toMatchObject({ content: "I look.", reasoning_content: "I need the weather." });
    expect(choice?.message.tool_calls?.map((call) => call.function)).toEqual(
      answer.tool_calls.map((call) => call.function),
    );
  });

  it("that an engine gave is an answer of a mock", async () => {
    const source = await completions([
      { reasoning: "hm", text: "x", toolCalls: [{ name: "get_weather", arguments: {} }] },
    ]);
    const first = (await source.create({ messages, tools })).choices[0]?.message;
    if (first === undefined) throw new Error("no answer");
    const again = (await (await completions([first])).create({ messages, tools })).choices[0]?.message;
    expect({ ...again, tool_calls: again?.tool_calls?.map((call) => call.function) }).toEqual({
      ...first,
      tool_calls: first.tool_calls?.map((call) => call.function),
    });
  });

  it("with a call of arguments that are no JSON stays text, as with a model", async () => {
    const broken = { content: null, tool_calls: [{ function: { name: "get_weather", arguments: "{city" } }] };
    const { choices } = await (await completions([broken])).create({ messages, tools });
    expect(choices[0]?.finish_reason).toBe("stop");
    expect(choices[0]?.message.content).toContain("{city");
  });

  it("drives a loop of tools", async () => {
    const { engine, requests } = await createMockEngine({
      answers: [{ content: null, tool_calls: [CALL] }, { content: "It is sunny in Rome." }],
    });
    const asked: string[] = [];
    const weather = defineTool({
      name: "get_weather",
      parameters: z.object({ city: z.string() }),
      run: ({ city }) => {
        asked.push(city);
        return "sunny";
      },
    });
    const run = await engine.chat.completions.runTools({ messages, tools: [weather] });
    expect(run).toMatchObject({ rounds: 2, finished: true });
    expect(asked).toEqual(["Rome"]);
    expect(requests[1]?.prompt).toContain("sunny");
  });
});

describe("an answer in chunks", () => {
  it("streams them one by one", async () => {
    const { engine } = await createMockEngine({ answers: [{ chunks: ["The ", "wéather ", "", "is 😀."] }] });
    const texts: string[] = [];
    for await (const { text } of engine.generate("a")) if (text !== "") texts.push(text);
    expect(texts).toEqual(["The ", "wéather ", "is 😀."]);
  });

  it("may have thoughts and calls in pieces, as OpenAI's deltas", async () => {
    const piece = (text: string) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] });
    const answer = {
      chunks: [
        { role: "assistant", reasoning_content: "I need " },
        { reasoning_content: "the weather." },
        { content: "I look." },
        { tool_calls: [{ index: 0, ...CALL, function: { name: "get_weather", arguments: "" } }] },
        piece('{"city":'),
        piece('"Rome"}'),
        { tool_calls: [{ index: 1, function: { name: "get_weather", arguments: "{}" } }] },
      ],
    } as const;
    const { choices } = await (await completions([answer])).create({ messages, tools });
    expect(choices[0]?.message).toMatchObject({
      content: "I look.",
      reasoning_content: "I need the weather.",
    });
    expect(choices[0]?.message.tool_calls?.map((call) => call.function.arguments)).toEqual([
      '{"city":"Rome"}',
      "{}",
    ]);
    const thoughts = (await deltas(answer)).filter((delta) => "reasoning_content" in delta);
    expect(thoughts.length).toBeGreaterThan(1);
  });

  it("ends at the request's limit, and as it says", async () => {
    const { engine } = await createMockEngine({
      answers: [{ chunks: ["abc", "def"] }, { chunks: ["abc"], finishReason: "length" }],
    });
    expect(await engine.generate("a", { maxTokens: 4 }).result).toMatchObject({
      text: "abcd",
      finishReason: "length",
    });
    expect(await engine.generate("a").result).toMatchObject({ text: "abc", finishReason: "length" });
  });
});

it.each([
  [{ text: "a", content: "b" }, "text"],
  [{ toolcalls: [] }, "toolcalls"],
  [{ chunks: ["a"], text: "b" }, "text"],
  [{ chunks: "a" }, "chunks"],
  [{ chunks: [{ text: "a" }] }, "text"],
  [null, "answer"],
])("refuses %j", async (answer, name) => {
  await expect(createMockEngine({ answers: [answer as MockAnswer] })).rejects.toMatchObject({
    code: "ERR_INVALID_ARGUMENT",
    message: expect.stringContaining(name),
  });
});
