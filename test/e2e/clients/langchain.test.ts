// LangChain.js with its chat model for OpenAI's API, over HTTP.
import {
  type AIMessageChunk,
  HumanMessage,
  SystemMessage,
  ToolMessage,
  type UsageMetadata,
} from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ANSWER, API_KEY, DEFAULT_MODEL, LiveServer, MODEL, QUESTION } from "../../support/live-server.js";

describe.skipIf(DEFAULT_MODEL === undefined)("LangChain.js", () => {
  let server: LiveServer;
  beforeAll(async () => {
    server = await LiveServer.start();
  });
  afterAll(() => server?.close());

  const model = (
    fields: { model?: string; apiKey?: string; maxTokens?: number; temperature?: number } = {},
  ) =>
    new ChatOpenAI({
      model: MODEL,
      apiKey: API_KEY,
      temperature: 0,
      maxTokens: 24,
      maxRetries: 0,
      streamUsage: true,
      ...fields,
      configuration: { baseURL: `${server.url}/v1` },
    });
  const written = (message: AIMessageChunk) =>
    (message.usage_metadata as UsageMetadata | undefined)?.output_tokens;
  const weather = tool(({ city }: { city: string }) => `It is sunny in ${city}.`, {
    name: "weather",
    description: "The weather of a city",
    schema: z.object({ city: z.enum(["Paris", "Rome"]) }),
  });

  it("answers with usage", async () => {
    const message = await model().invoke([new SystemMessage("Be short."), new HumanMessage(QUESTION)]);
    expect(message.text).toMatch(ANSWER);
    expect(written(message)).toBeGreaterThan(1);
    expect(message.response_metadata.model_name).toBe(MODEL);
  });

  it("streams the same text, and counts it", async () => {
    const whole = await model().invoke(QUESTION);
    const chunks: AIMessageChunk[] = [];
    for await (const chunk of await model().stream(QUESTION)) chunks.push(chunk);
    expect(chunks.length).toBeGreaterThan(3);
    const sum = chunks.reduce((left, right) => left.concat(right));
    expect(sum.text).toBe(whole.text);
    expect(written(sum)).toBe(written(whole));
  });

  it.each(["whole", "streamed"])("runs tools in two turns, %s", async (form) => {
    const question = new HumanMessage("What is the weather in Paris?");
    const bound = model({ maxTokens: 100 }).bindTools([weather], { tool_choice: "weather", strict: true });
    let first: AIMessageChunk;
    if (form === "whole") first = await bound.invoke([question]);
    else {
      const chunks: AIMessageChunk[] = [];
      for await (const chunk of await bound.stream([question])) chunks.push(chunk);
      first = chunks.reduce((left, right) => left.concat(right));
    }
    const [call] = first.tool_calls ?? [];
    expect(call).toMatchObject({ name: "weather", args: { city: expect.stringMatching(/^(Paris|Rome)$/) } });
    const result = (await weather.invoke(call as never)) as ToolMessage;
    expect(result).toBeInstanceOf(ToolMessage);
    const answer = await model({ maxTokens: 60 }).invoke([question, first, result]);
    expect(answer.text).toMatch(/sunny/i);
    expect(answer.tool_calls).toEqual([]);
  });

  it.each(["jsonSchema", "functionCalling"] as const)("gives typed answers by %s", async (method) => {
    const schema = z.object({ city: z.enum(["Paris", "Rome"]), big: z.boolean() });
    const typed = model({ maxTokens: 100 }).withStructuredOutput(schema, { method, name: "city" });
    const answer = await typed.invoke("Is Paris big? Answer in JSON.");
    expect(schema.parse(answer)).toEqual(answer);
  });

  it("answers several at a time", async () => {
    const answers = await model().batch([QUESTION, QUESTION, QUESTION]);
    expect(answers).toHaveLength(3);
    for (const answer of answers) expect(answer.text).toMatch(ANSWER);
  });

  it("aborts: the engine's request ends", async () => {
    const before = (await server.requests()).aborted ?? 0;
    const controller = new AbortController();
    const story = model({ maxTokens: 4000, temperature: 1 });
    const reading = async () => {
      let pieces = 0;
      const stream = await story.stream("Tell a very long story.", { signal: controller.signal });
      for await (const _chunk of stream) if (++pieces === 3) controller.abort();
    };
    await expect(reading()).rejects.toThrow(/abort/i);
    await expect.poll(() => server.requests()).toMatchObject({ running: 0, aborted: before + 1 });
  });

  it("gets errors with their status and the server's words", async () => {
    await expect(model({ model: "none" }).invoke("a")).rejects.toMatchObject({ status: 404 });
    await expect(model({ apiKey: "wrong" }).invoke("a")).rejects.toMatchObject({ status: 401 });
    await expect(model({ temperature: -1 }).invoke("a")).rejects.toMatchObject({
      status: 400,
      code: "ERR_INVALID_ARGUMENT",
      param: "temperature",
      message: expect.stringContaining("temperature"),
    });
    await expect(model().invoke("word ".repeat(9000))).rejects.toThrow(/8192|context/);
  });
});
