/** LangChain.js on the engine, by its own runnables. */
import { type AIMessage, HumanMessage, SystemMessage, type ToolMessage } from "@langchain/core/messages";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { tool } from "@langchain/core/tools";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ChatNodeMlc } from "../../../lib/providers/langchain.js";
import { createMockEngine, type MockAnswers } from "../../../lib/testing/mock-engine.js";

const mock = async (answers: MockAnswers) => {
  const { engine, requests } = await createMockEngine({ answers });
  return { engine, requests, model: new ChatNodeMlc({ engine, fields: { temperature: 0.4 } }) };
};
const weather = tool(async ({ city }: { city: string }) => `sunny in ${city}`, {
  name: "weather",
  description: "The weather of a city",
  schema: z.object({ city: z.string() }),
});

describe("ChatNodeMlc", () => {
  it("answers, with usage, in a chain", async () => {
    const { model, requests } = await mock("Hello");
    const message = await model.invoke([new SystemMessage("Be short."), new HumanMessage("Hi")], { seed: 9 });
    expect(message.content).toBe("Hello");
    expect(message.usage_metadata).toMatchObject({ output_tokens: 6 });
    expect(message.response_metadata).toMatchObject({ finish_reason: "stop", model_name: "mock" });
    expect(requests[0]).toMatchObject({ temperature: 0.4, seed: 9n });
    const chain = ChatPromptTemplate.fromTemplate("Say {word}").pipe(model).pipe(new StringOutputParser());
    expect(await chain.invoke({ word: "hello" })).toBe("Hello");
    expect(requests[1]?.prompt).toContain("Say hello");
  });

  it("streams, and tells callbacks", async () => {
    const { model } = await mock([{ reasoning: "Hm.", text: "Hello, world" }]);
    const tokens: string[] = [];
    let whole: AIMessage | undefined;
    const stream = await model.stream("Hi", {
      callbacks: [{ handleLLMNewToken: (token: string) => void tokens.push(token) }],
    });
    for await (const chunk of stream)
      whole = whole === undefined ? chunk : (whole as typeof chunk).concat(chunk);
    expect(whole?.content).toBe("Hello, world");
    expect(tokens.join("")).toBe("Hello, world");
    expect(whole?.usage_metadata).toMatchObject({ output_tokens: expect.any(Number) });
    expect(String(whole?.additional_kwargs.reasoning_content).trim()).toBe("Hm.");
  });

  it("calls tools in two turns", async () => {
    const { model, requests } = await mock([
      { toolCalls: [{ name: "weather", arguments: { city: "Rome" } }] },
      "Sunny.",
    ]);
    const bound = model.bindTools([weather]);
    const asked = [new HumanMessage("Weather in Rome?")];
    const first = await bound.invoke(asked);
    expect(first.tool_calls).toMatchObject([{ name: "weather", args: { city: "Rome" } }]);
    const [call] = first.tool_calls ?? [];
    if (call === undefined) throw new Error("no call");
    const result: ToolMessage = await weather.invoke(call);
    const second = await bound.invoke([...asked, first, result]);
    expect(second.content).toBe("Sunny.");
    expect(requests[1]?.prompt).toContain("sunny in Rome");
    let streamed: AIMessage | undefined;
    const { model: again } = await mock([{ toolCalls: [{ name: "weather", arguments: { city: "Oslo" } }] }]);
    for await (const chunk of await again.bindTools([weather]).stream("Weather?"))
      streamed = streamed === undefined ? chunk : (streamed as typeof chunk).concat(chunk);
    expect(streamed?.tool_calls).toMatchObject([{ name: "weather", args: { city: "Oslo" } }]);
  });

  it("makes objects", async () => {
    const { model } = await mock([{ toolCalls: [{ name: "person", arguments: { name: "Ada", age: 36 } }] }]);
    const schema = z.object({ name: z.string(), age: z.number() });
    const person = await model.withStructuredOutput(schema, { name: "person" }).invoke("A person");
    expect(person).toEqual({ name: "Ada", age: 36 });
  });

  it("is ended by its signal, and refuses what it cannot read", async () => {
    const { engine } = await createMockEngine({ answers: "x".repeat(5000), tokenDelayMs: 1 });
    const model = new ChatNodeMlc({ engine });
    await expect(model.invoke("Hi", { signal: AbortSignal.timeout(10) })).rejects.toThrow();
    await expect.poll(() => engine.stats().requests).toBe(0);
    const image = new HumanMessage({ content: [{ type: "image_url", image_url: { url: "data:," } }] });
    await expect(model.invoke([image])).rejects.toThrow(/image_url/);
    await expect(model.invoke("Hi", { temprature: 1 } as never)).rejects.toThrow(/temprature/);
    expect((await model.invoke("Hi", { max_tokens: 3 })).content).toBe("xxx");
  });
});
