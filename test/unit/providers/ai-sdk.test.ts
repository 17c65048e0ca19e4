/** The AI SDK on the engine, by its own functions. */
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { languageModel } from "../../../lib/providers/ai-sdk.js";
import { createMockEngine, type MockAnswers } from "../../../lib/testing/mock-engine.js";

const mock = async (answers: MockAnswers) => {
  const { engine, requests } = await createMockEngine({ answers });
  return { engine, model: languageModel(engine), requests };
};
const weather = tool({
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

describe("generateText", () => {
  it("answers with usage and the settings it was given", async () => {
    const { model, requests } = await mock("Hello");
    const result = await generateText({
      model,
      system: "Be short.",
      prompt: "Hi",
      temperature: 0.3,
      maxOutputTokens: 20,
      seed: 5,
      providerOptions: { "node-mlc": { min_p: 0.1 } },
    });
    expect(result.text).toBe("Hello");
    expect(result.finishReason).toBe("stop");
    expect(result.usage.outputTokens).toBe(6);
    expect(requests[0]).toMatchObject({ temperature: 0.3, maxTokens: 20, seed: 5n });
    expect(requests[0]?.prompt).toContain("Be short.");
  });

  it("calls tools and goes on with their results", async () => {
    const { model, requests } = await mock([
      { reasoning: "I look.", toolCalls: [{ name: "weather", arguments: { city: "Rome" } }] },
      "It is sunny.",
    ]);
    const result = await generateText({
      model,
      prompt: "Weather in Rome?",
      tools: { weather },
      stopWhen: stepCountIs(3),
    });
    expect(result.text).toBe("It is sunny.");
    expect(result.steps[0]?.toolCalls[0]).toMatchObject({ toolName: "weather", input: { city: "Rome" } });
    expect(result.steps[0]?.reasoningText?.trim()).toBe("I look.");
    expect(requests[1]?.prompt).toContain("sunny in Rome");
  });

  it("makes objects", async () => {
    const { model } = await mock('{"name": "Ada", "age": 36}');
    const schema = z.object({ name: z.string(), age: z.number() });
    const { output } = await generateText({ model, prompt: "A person", output: Output.object({ schema }) });
    expect(output).toEqual({ name: "Ada", age: 36 });
  });

  it("refuses files", async () => {
    const { model } = await mock("no");
    const content = [{ type: "file" as const, data: Buffer.from("x"), mediaType: "image/png" }];
    await expect(generateText({ model, messages: [{ role: "user", content }] })).rejects.toThrow(
      /part of type file/,
    );
  });
});

describe("streamText", () => {
  it("streams text, thoughts and usage", async () => {
    const { model } = await mock([{ reasoning: "Hm.", text: "Hello, world" }]);
    const result = streamText({ model, prompt: "Hi" });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    expect(text).toBe("Hello, world");
    expect((await result.reasoningText)?.trim()).toBe("Hm.");
    expect(await result.finishReason).toBe("stop");
    expect((await result.usage).outputTokens).toBeGreaterThan(12);
  });

  it("streams calls of tools", async () => {
    const { model } = await mock([
      { text: "I look. ", toolCalls: [{ name: "weather", arguments: { city: "Rome" } }] },
      "Sunny.",
    ]);
    const result = streamText({ model, prompt: "Weather?", tools: { weather }, stopWhen: stepCountIs(3) });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    expect(text).toContain("I look.");
    expect(text).toContain("Sunny.");
    expect(
      (await result.steps).flatMap(({ toolResults }) => toolResults.map(({ output }) => output)),
    ).toEqual(["sunny in Rome"]);
  });

  it("asks for thoughts, and gives chunks as they are", async () => {
    const { engine } = await mock("Hi");
    const prompt = [{ role: "user" as const, content: [{ type: "text" as const, text: "Hi" }] }];
    const { stream } = await languageModel(engine).doStream({
      prompt,
      reasoning: "none",
      includeRawChunks: true,
    });
    const parts = [];
    for await (const part of stream) parts.push(part);
    expect(parts.filter(({ type }) => type === "raw").length).toBeGreaterThan(2);
    await expect(languageModel(engine).doGenerate({ prompt, reasoning: "some" as never })).rejects.toThrow(
      /reasoning_effort/,
    );
  });

  it("is ended by its signal", async () => {
    const { engine, requests } = await createMockEngine({ answers: "x".repeat(5000), tokenDelayMs: 1 });
    const controller = new AbortController();
    const result = streamText({ model: languageModel(engine), prompt: "Hi", abortSignal: controller.signal });
    let pieces = 0;
    for await (const _piece of result.textStream) if (++pieces === 3) controller.abort();
    expect(requests).toHaveLength(1);
    await expect.poll(() => engine.stats().requests).toBe(0);
    expect(engine.stats().aborted).toBe(1);
  });
});
