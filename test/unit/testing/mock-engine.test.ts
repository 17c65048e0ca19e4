/** The mock engine as a user's test would use it. */
import { describe, expect, it } from "vitest";
import { MlcError } from "../../../lib/errors.js";
import { createHandler } from "../../../lib/server/handler.js";
import { createMockEngine } from "../../../lib/testing/mock-engine.js";

const messages = [{ role: "user", content: "What is the weather in Rome?" }] as const;

describe("a mock engine", () => {
  it("answers in turn, the last answer again and again", async () => {
    const { engine, requests } = await createMockEngine({ answers: ["one", { text: "two" }], name: "tiny" });
    const ask = async () => (await engine.chat.completions.create({ messages })).choices[0]?.message.content;
    expect([await ask(), await ask(), await ask()]).toEqual(["one", "two", "two"]);
    expect(requests[0]?.prompt).toContain("What is the weather in Rome?");
    expect(requests.map(({ index }) => index)).toEqual([0, 1, 2]);
    const { model, usage } = await engine.chat.completions.create({ messages });
    expect(model).toBe("tiny");
    expect(usage.completion_tokens).toBe("two".length + 1);
  });

  it("answers by what it is asked, and streams", async () => {
    const { engine, requests } = await createMockEngine({
      answers: ({ prompt, temperature }) => `${prompt.length > 5 ? "long" : "short"} at ${temperature}`,
      tokenDelayMs: 1,
    });
    let text = "";
    let pieces = 0;
    for await (const chunk of engine.generate("a longer prompt", { temperature: 0.5, seed: 3 })) {
      text += chunk.text;
      pieces++;
    }
    expect(text).toBe("long at 0.5");
    expect(pieces).toBeGreaterThan(3);
    expect(requests[0]).toMatchObject({ temperature: 0.5, seed: 3n });
  });

  it("calls tools and thinks, through the chat API's own parsers", async () => {
    const { engine } = await createMockEngine({
      answers: [
        {
          reasoning: "I need the weather.",
          toolCalls: [{ name: "get_weather", arguments: { city: "Rome" } }],
        },
        "Sunny.",
      ],
    });
    const tools = [{ type: "function" as const, function: { name: "get_weather" } }];
    const { choices } = await engine.chat.completions.create({ messages, tools });
    const [choice] = choices;
    expect(choice?.finish_reason).toBe("tool_calls");
    expect(choice?.message.reasoning_content?.trim()).toBe("I need the weather.");
    const call = choice?.message.tool_calls?.[0];
    expect(JSON.parse(call?.function.arguments ?? "")).toEqual({ city: "Rome" });
    const result = { role: "tool", tool_call_id: call?.id ?? "", content: "sunny" } as const;
    const next = choice === undefined ? [] : [choice.message, result];
    const second = await engine.chat.completions.create({ messages: [...messages, ...next], tools });
    expect(second.choices[0]?.message.content).toBe("Sunny.");
  });

  it("embeds: texts of the same bytes are the same, others are not", async () => {
    const { engine } = await createMockEngine({ answers: "" });
    const { data } = await engine.embeddings.create({ input: ["ab", "ba", "abc"] });
    const [first, second, third] = data.map(({ embedding }) => embedding);
    expect(first).toEqual(second);
    expect(first).not.toEqual(third);
    const { results } = await engine.rerank({ query: "rain in Rome", documents: ["snow", "Rome: rain in"] });
    expect(results[0]?.index).toBe(1);
  });

  it("ends at a limit, fails, and is aborted", async () => {
    const error = new MlcError("ERR_INSUFFICIENT_MEMORY", "Expected more memory.");
    const { engine } = await createMockEngine({
      answers: [
        "x".repeat(50),
        { text: "cut", finishReason: "length" },
        { text: "par", error },
        "y".repeat(5000),
      ],
    });
    expect((await engine.generate("a", { maxTokens: 7 }).result).text).toBe("x".repeat(7));
    expect((await engine.generate("a").result).finishReason).toBe("length");
    const failing = engine.generate("a");
    let text = "";
    const read = async () => {
      for await (const chunk of failing) text += chunk.text;
    };
    await expect(read()).rejects.toMatchObject({
      code: "ERR_INSUFFICIENT_MEMORY",
      message: "Expected more memory.",
    });
    expect(text).toBe("par");
    const signal = AbortSignal.timeout(5);
    await expect(engine.generate("a", { signal }).result).rejects.toMatchObject({ code: "ERR_ABORTED" });
    await engine.dispose();
    expect(() => engine.generate("a")).toThrow(expect.objectContaining({ code: "ERR_DISPOSED" }));
  });

  it("is served like any other", async () => {
    const { engine } = await createMockEngine({ answers: "hello" });
    const handler = await createHandler({ models: [{ engine }] });
    const body = JSON.stringify({ model: "mock", messages });
    const response = await handler.fetch(
      new Request("http://localhost/v1/chat/completions", { method: "POST", body }),
    );
    expect(await response.json()).toMatchObject({ choices: [{ message: { content: "hello" } }] });
  });

  it.each([{ answers: [] }, { answers: 5 }, { answers: "a", anwsers: "b" }])(
    "refuses %j",
    async (options) => {
      await expect(createMockEngine(options as never)).rejects.toMatchObject({
        code: "ERR_INVALID_ARGUMENT",
      });
    },
  );
});
