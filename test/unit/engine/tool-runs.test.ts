/** Runs of tools that tell what happens, over a scripted native engine and over the mock engine. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTool, type ToolRunEvent } from "../../../lib/engine/tool-runner.js";
import { createMockEngine, type MockAnswers } from "../../../lib/testing/index.js";
import { fakeEngine, fakeManifest, textScript } from "../../support/fake-engine.js";

const messages = [{ role: "user" as const, content: "hi" }];
const addition = (run: (given: { a: number; b: number }, context: { signal: AbortSignal }) => unknown) =>
  defineTool({ name: "add", parameters: z.object({ a: z.number(), b: z.number() }), run });
const sum = addition(({ a, b }) => ({ sum: a + b }));
const add = (a: number, b: number) => ({ name: "add", arguments: { a, b } });

const mock = async (answers: MockAnswers) => (await createMockEngine({ answers })).engine.chat.completions;
const twoRounds = [
  { reasoning: "sums", text: "I add.", toolCalls: [add(1, 2), add(3, 4)] },
  "They are 3 and 7.",
] as const;

async function all(events: AsyncIterable<ToolRunEvent>): Promise<ToolRunEvent[]> {
  const seen: ToolRunEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

/** A run without what differs from one to the next. */
function comparable<Run extends object>(run: Run): unknown {
  return JSON.parse(
    JSON.stringify(run, (name, value: unknown) =>
      ["id", "tool_call_id", "created", "extra"].includes(name) ? undefined : value,
    ),
  );
}

describe("a streamed run", () => {
  it("tells what the model says and calls, and what it is told, in that order", async () => {
    const stream = (await mock(twoRounds)).runTools({ messages, tools: [sum], stream: true });
    const events = await all(stream);
    const told = events.filter(({ type }) => type !== "chunk" && type !== "content");
    expect(told.map(({ type }) => type)).toEqual([
      "chatCompletion",
      "message",
      "functionToolCall",
      "functionToolCall",
      "functionToolCallResult",
      "functionToolCallResult",
      "message",
      "message",
      "chatCompletion",
      "message",
      "end",
    ]);
    const contents = events.filter((event) => event.type === "content");
    expect(contents.map(({ delta }) => delta).join("")).toBe("I add.They are 3 and 7.");
    expect(contents.at(-1)?.snapshot).toBe("They are 3 and 7.");
    expect(contents.length).toBeGreaterThan(10);
    const thoughts = events.map((event) =>
      event.type === "chunk" ? (event.chunk.choices[0]?.delta.reasoning_content ?? "") : "",
    );
    expect(thoughts.join("")).toBe("sums");
    const results = events.filter((event) => event.type === "functionToolCallResult");
    expect(results.map(({ call, content }) => [call.function.arguments, content])).toEqual([
      ['{"a":1,"b":2}', '{"sum":3}'],
      ['{"a":3,"b":4}', '{"sum":7}'],
    ]);
    const last = events.at(-1);
    expect(last?.type === "end" && last.run).toBe(await stream.final());
  });

  it.each([
    ["two rounds", twoRounds, {}],
    ["no call", ["Hello"], {}],
    ["a limit of rounds", [twoRounds[0]], { maxRounds: 2 }],
    ["an answer cut short", [twoRounds[0], { text: "They", finishReason: "length" as const }], {}],
    ["log-probabilities", twoRounds, { logprobs: true }],
  ])(
    "ends as a whole one does: %s",
    async (_, answers, { maxRounds, ...fields }: { maxRounds?: number; logprobs?: boolean }) => {
      const body = { messages, tools: [sum], ...fields };
      const whole = await (await mock(answers)).runTools(body, { maxRounds });
      const streamed = await (await mock(answers)).runTools({ ...body, stream: true }, { maxRounds }).final();
      expect(comparable(streamed)).toEqual(comparable(whole));
      expect(streamed.completion.usage).toMatchObject({
        completion_tokens: whole.completion.usage.completion_tokens,
      });
    },
  );

  it("tells results as handlers end, and gives them to the model as they were called", async () => {
    const slowFirst = addition(async ({ a, b }) => {
      await new Promise((resolve) => setTimeout(resolve, a === 1 ? 30 : 0));
      return a + b;
    });
    const stream = (await mock(twoRounds)).runTools({ messages, tools: [slowFirst], stream: true });
    const events = await all(stream);
    const results = events.filter((event) => event.type === "functionToolCallResult");
    expect(results.map(({ content }) => content)).toEqual(["7", "3"]);
    const { messages: said } = await stream.final();
    expect(said.filter(({ role }) => role === "tool").map(({ content }) => content)).toEqual(["3", "7"]);
  });

  it("goes no further than its events are taken", async () => {
    const answers: MockAnswers = () => ({ toolCalls: [add(1, 1)] });
    const { engine, requests } = await createMockEngine({ answers });
    const stream = engine.chat.completions.runTools({ messages, tools: [sum], stream: true });
    expect(requests).toHaveLength(0);
    const events = stream[Symbol.asyncIterator]();
    while ((await events.next()).value?.type !== "chatCompletion");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(requests).toHaveLength(1);
    await events.return();
    await expect(stream.final()).rejects.toMatchObject({ code: "ERR_ABORTED" });
  });
});

describe("a streamed run ends", () => {
  const waitsForSignal = () => {
    const told: unknown[] = [];
    const tool = addition(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            told.push(signal.reason);
            reject(signal.reason);
          });
        }),
    );
    return { tool, told };
  };

  it("where its loop is left, while the model speaks or handlers run", async () => {
    const base = fakeManifest();
    const manifest = fakeManifest({
      model: { ...base.model, contextLength: 4096 },
      limits: { ...base.limits, contextLength: 4096 },
    });
    const { engine, native } = await fakeEngine(textScript("a long answer ".repeat(50)), { manifest });
    for await (const { type } of engine.chat.completions.runTools({ messages, tools: [sum], stream: true }))
      if (type === "content") break;
    expect(native.aborted).toHaveLength(1);
    const { tool, told } = waitsForSignal();
    const one = { ...twoRounds[0], toolCalls: [add(1, 2), { name: "wait", arguments: { a: 1, b: 1 } }] };
    const named = { ...tool, tool: { ...tool.tool, function: { ...tool.tool.function, name: "wait" } } };
    const left = (await mock([one])).runTools({ messages, tools: [sum, named], stream: true });
    for await (const { type } of left) if (type === "functionToolCallResult") break;
    expect(told).toHaveLength(1);
  });

  it.each(["abort", "signal"] as const)("by %s", async (how) => {
    const { tool, told } = waitsForSignal();
    const controller = new AbortController();
    const stream = (await mock(twoRounds)).runTools(
      { messages, tools: [tool], stream: true },
      { signal: controller.signal },
    );
    const loop = (async () => {
      for await (const { type } of stream)
        if (type === "functionToolCall")
          setTimeout(() => (how === "abort" ? stream.abort() : controller.abort()), 5);
    })();
    await expect(loop).rejects.toMatchObject({ code: "ERR_ABORTED" });
    await expect(stream.final()).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(told).toHaveLength(2);
  });

  it("with a handler's error, or with that of wrong fields", async () => {
    const failing = addition(() => {
      throw new Error("no numbers today");
    });
    const completions = await mock(twoRounds);
    const thrown = completions.runTools({ messages, tools: [failing], stream: true }, { onError: "throw" });
    await expect(all(thrown)).rejects.toThrow("no numbers today");
    await expect(thrown.final()).rejects.toThrow("no numbers today");
    const wrong = completions.runTools({ messages, tools: [], stream: true });
    await expect(wrong.final()).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});
