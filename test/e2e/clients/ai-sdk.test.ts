// Vercel's AI SDK with its provider for servers of OpenAI's kind, over HTTP.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, isStepCount, Output, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ANSWER, API_KEY, DEFAULT_MODEL, LiveServer, MODEL, QUESTION } from "../../support/live-server.js";

describe.skipIf(DEFAULT_MODEL === undefined)("the AI SDK", () => {
  let server: LiveServer;
  beforeAll(async () => {
    server = await LiveServer.start();
  });
  afterAll(() => server?.close());

  const model = (name = MODEL, apiKey = API_KEY) =>
    createOpenAICompatible({
      name: "node-mlc",
      baseURL: `${server.url}/v1`,
      apiKey,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })(name);
  const short = { temperature: 0, maxOutputTokens: 24, maxRetries: 0 } as const;
  const asked: string[] = [];
  const weather = tool({
    description: "The weather of a city",
    inputSchema: z.object({ city: z.enum(["Paris", "Rome"]) }),
    execute: async ({ city }) => {
      asked.push(city);
      return `It is sunny in ${city}.`;
    },
  });

  it("answers with usage", async () => {
    const result = await generateText({ model: model(), prompt: QUESTION, system: "Be short.", ...short });
    expect(result.text).toMatch(ANSWER);
    expect(result.finishReason).toMatch(/stop|length/);
    expect(result.usage.inputTokens).toBeGreaterThan(10);
    expect(result.usage.outputTokens).toBeGreaterThan(1);
    expect(result.response.modelId).toBe(MODEL);
  });

  it("streams the same text", async () => {
    const whole = await generateText({ model: model(), prompt: QUESTION, ...short });
    const result = streamText({ model: model(), prompt: QUESTION, ...short });
    const pieces: string[] = [];
    for await (const piece of result.textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join("")).toBe(whole.text);
    expect((await result.usage).outputTokens).toBe(whole.usage.outputTokens);
  });

  it.each(["whole", "streamed"])("runs tools in two turns, %s", async (form) => {
    asked.length = 0;
    const request = {
      ...short,
      model: model(),
      prompt: "What is the weather in Paris?",
      tools: { weather },
      stopWhen: isStepCount(2),
      maxOutputTokens: 60,
      // A demand of every step would never come to an answer.
      prepareStep: ({ stepNumber }: { stepNumber: number }) => ({
        toolChoice: stepNumber === 0 ? ("required" as const) : ("none" as const),
      }),
    };
    const steps = await (form === "whole" ? (await generateText(request)).steps : streamText(request).steps);
    expect(steps).toHaveLength(2);
    expect(steps[0]?.finishReason).toBe("tool-calls");
    expect(steps[0]?.toolCalls.map(({ toolName }) => toolName)).toContain("weather");
    expect(asked).toEqual(steps[0]?.toolCalls.map(({ input }) => (input as { city: string }).city));
    expect(steps[1]?.text).toMatch(/sunny/i);
  });

  it("makes objects of a schema, whole and growing", async () => {
    const schema = z.object({ city: z.enum(["Paris", "Rome"]), inhabitants: z.int().min(0).max(99_999_999) });
    const prompt = "The biggest city of France, as JSON.";
    const { output } = await generateText({
      model: model(),
      prompt,
      ...short,
      maxOutputTokens: 80,
      output: Output.object({ schema }),
    });
    expect(schema.parse(output)).toEqual(output);
    const stream = streamText({
      model: model(),
      prompt,
      ...short,
      maxOutputTokens: 80,
      output: Output.object({ schema }),
    });
    const states: unknown[] = [];
    for await (const state of stream.partialOutputStream) states.push(state);
    expect(states.length).toBeGreaterThan(1);
    expect(await stream.output).toEqual(output);
  });

  it("aborts: the engine's request ends", async () => {
    const before = (await server.requests()).aborted ?? 0;
    const controller = new AbortController();
    const stream = streamText({
      model: model(),
      prompt: "Tell a very long story.",
      temperature: 1,
      maxOutputTokens: 4000,
      abortSignal: controller.signal,
    });
    let pieces = 0;
    for await (const _piece of stream.textStream) if (++pieces === 3) controller.abort();
    expect(pieces).toBeLessThan(4000);
    await expect.poll(() => server.requests()).toMatchObject({ running: 0, aborted: before + 1 });
  });

  it("gets errors with their status and the server's words", async () => {
    const failure = async (request: Promise<unknown>) => {
      const error = await request.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(APICallError);
      return error as APICallError;
    };
    const unknown = await failure(generateText({ model: model("none"), prompt: "a", ...short }));
    expect(unknown).toMatchObject({ statusCode: 404, isRetryable: false });
    expect(unknown.message).toContain("Expected one of the models");
    const stranger = await failure(generateText({ model: model(MODEL, "wrong"), prompt: "a", ...short }));
    expect(stranger.statusCode).toBe(401);
    const hot = await failure(generateText({ model: model(), prompt: "a", ...short, temperature: -1 }));
    expect(hot.statusCode).toBe(400);
    expect(hot.message).toContain("temperature");
    const long = await failure(generateText({ model: model(), prompt: "word ".repeat(9000), ...short }));
    expect(long.responseBody).toContain("ERR_CONTEXT_OVERFLOW");
  });
});
