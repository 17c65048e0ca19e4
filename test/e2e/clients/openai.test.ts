// OpenAI's own client for Node, over HTTP.
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ANSWER, API_KEY, DEFAULT_MODEL, LiveServer, MODEL, QUESTION } from "../../support/live-server.js";

describe.skipIf(DEFAULT_MODEL === undefined)("the openai package", () => {
  let server: LiveServer;
  beforeAll(async () => {
    server = await LiveServer.start();
  });
  afterAll(() => server?.close());

  const client = (apiKey = API_KEY) => new OpenAI({ baseURL: `${server.url}/v1`, apiKey, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: QUESTION }];
  const short = { model: MODEL, temperature: 0, max_tokens: 24 } as const;
  const city = z.object({ city: z.enum(["Paris", "Rome"]) });

  it("answers, streams the same text, and counts it", async () => {
    const whole = await client().chat.completions.create({ ...short, messages });
    expect(whole.choices[0]?.message.content).toMatch(ANSWER);
    const stream = client().chat.completions.stream({
      ...short,
      messages,
      stream_options: { include_usage: true },
    });
    const pieces: string[] = [];
    stream.on("content", (piece) => pieces.push(piece));
    const final = await stream.finalChatCompletion();
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join("")).toBe(whole.choices[0]?.message.content);
    expect(final.choices[0]?.message.content).toBe(pieces.join(""));
    expect(final.usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
  });

  it("answers by the Responses API, streamed as whole", async () => {
    const asked = { model: MODEL, input: QUESTION, temperature: 0, max_output_tokens: 24 };
    const whole = await client().responses.create(asked);
    expect(whole.output_text).toMatch(ANSWER);
    const stream = client().responses.stream(asked);
    let text = "";
    stream.on("response.output_text.delta", ({ delta }) => {
      text += delta;
    });
    expect((await stream.finalResponse()).output_text).toBe(whole.output_text);
    expect(text).toBe(whole.output_text);
  });

  it("embeds: its base64 is the same numbers, alike texts are near", async () => {
    const input = [
      "A kitten naps on the couch.",
      "The cat sleeps on the sofa.",
      "Interest rates have risen.",
    ];
    const asked = { model: MODEL, input };
    const extras = { pooling: "mean" } as object;
    // Without a format this client asks for base64 and reads it.
    const packed = await client().embeddings.create({ ...asked, ...extras });
    const plain = await client().embeddings.create({ ...asked, ...extras, encoding_format: "float" });
    expect(plain.model).toBe(MODEL);
    expect(plain.usage.total_tokens).toBeGreaterThan(10);
    for (const [index, { embedding }] of plain.data.entries()) {
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
      for (const [place, value] of (packed.data[index]?.embedding ?? []).entries())
        expect(value).toBeCloseTo(embedding[place] ?? Number.NaN, 4);
    }
    const [query, ...documents] = input;
    const response = await fetch(`${server.url}/v1/rerank`, {
      method: "POST",
      headers: { authorization: `Bearer ${API_KEY}` },
      body: JSON.stringify({ model: MODEL, query, documents }),
    });
    const { results } = (await response.json()) as { results: { index: number; relevance_score: number }[] };
    expect(results).toHaveLength(2);
    expect(results[0]?.relevance_score).toBeGreaterThan(results[1]?.relevance_score ?? 1);
    await expect(client().embeddings.create({ ...asked, dimensions: 10_000 })).rejects.toMatchObject({
      status: 400,
      param: "dimensions",
    });
  });

  it("gives up a call of many texts: the engine goes on", async () => {
    const input = Array.from({ length: 500 }, (_, i) => `${i} ${"many words ".repeat(100)}`);
    const late = client().embeddings.create({ model: MODEL, input }, { timeout: 300 });
    await expect(late).rejects.toBeInstanceOf(OpenAI.APIConnectionTimeoutError);
    const pagesInUse = async () => {
      const headers = { authorization: `Bearer ${API_KEY}` };
      const metrics = await (await fetch(`${server.url}/metrics`, { headers })).text();
      return Number(/^node_mlc_kv_pages\{.*state="used"\} (\d+)$/m.exec(metrics)?.[1]);
    };
    await expect.poll(pagesInUse).toBe(0);
    const { data } = await client().embeddings.create({ model: MODEL, input: "short" });
    expect(data).toHaveLength(1);
  });

  it("runs tools in two turns, streamed", async () => {
    const tool = zodFunction({ name: "weather", description: "The weather of a city", parameters: city });
    const question = { role: "user" as const, content: "What is the weather in Paris?" };
    const stream = client().chat.completions.stream({
      ...short,
      max_tokens: 100,
      messages: [question],
      tools: [tool],
      tool_choice: "required",
      parallel_tool_calls: false,
    });
    let deltas = "";
    stream.on("tool_calls.function.arguments.delta", ({ arguments_delta }) => {
      deltas += arguments_delta;
    });
    const [choice] = (await stream.finalChatCompletion()).choices;
    expect(choice?.finish_reason).toBe("tool_calls");
    const [call] = choice?.message.tool_calls ?? [];
    if (choice === undefined || call?.type !== "function") throw new Error("no call");
    expect(JSON.parse(deltas)).toEqual(call.function.parsed_arguments);
    expect(city.parse(call.function.parsed_arguments)).toEqual(call.function.parsed_arguments);
    const result = { role: "tool" as const, tool_call_id: call.id, content: "It is sunny in Paris." };
    const answer = await client().chat.completions.create({
      ...short,
      messages: [question, choice.message, result],
      tools: [tool],
      tool_choice: "none",
    });
    expect(answer.choices[0]?.message.content).toMatch(/sunny/i);
  });

  it("runs tools by its own loop", async () => {
    const asked: string[] = [];
    const runner = client().chat.completions.runTools(
      {
        ...short,
        max_tokens: 100,
        messages: [{ role: "user", content: "What is the weather in Paris?" }],
        parallel_tool_calls: false,
        tool_choice: { type: "function", function: { name: "weather" } },
        tools: [
          {
            type: "function",
            function: {
              name: "weather",
              description: "The weather of a city",
              parameters: z.toJSONSchema(city) as Record<string, unknown>,
              parse: (text: string) => city.parse(JSON.parse(text)),
              function: (parsed: z.infer<typeof city>) => {
                asked.push(parsed.city);
                return "sunny";
              },
            },
          },
        ],
      },
      { maxChatCompletions: 2 },
    );
    await runner.done();
    expect(asked).toHaveLength(1);
    expect(runner.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
  });

  it("parses answers of a schema", async () => {
    const schema = city.extend({ inhabitants: z.int().min(0).max(99_999_999) });
    const { choices } = await client().chat.completions.parse({
      ...short,
      max_tokens: 80,
      messages: [{ role: "user", content: "The biggest city of France, as JSON." }],
      response_format: zodResponseFormat(schema, "city"),
    });
    expect(schema.parse(choices[0]?.message.parsed)).toEqual(choices[0]?.message.parsed);
  });

  it("aborts: the engine's request ends", async () => {
    const before = (await server.requests()).aborted ?? 0;
    const stream = await client().chat.completions.create({
      model: MODEL,
      messages: [{ role: "user", content: "Tell a very long story." }],
      max_tokens: 4000,
      stream: true,
    });
    for await (const _chunk of stream) break;
    await expect.poll(() => server.requests()).toMatchObject({ running: 0, aborted: before + 1 });
    const late = client().chat.completions.create(
      // The end token is never drawn: the answer is long.
      { model: MODEL, messages, max_tokens: 4000, logit_bias: { "2": -100 } },
      { timeout: 300 },
    );
    await expect(late).rejects.toBeInstanceOf(OpenAI.APIConnectionTimeoutError);
    await expect.poll(() => server.requests()).toMatchObject({ running: 0, aborted: before + 2 });
  });

  it("gets its own error classes", async () => {
    const failing = (fields: object, apiKey?: string) =>
      client(apiKey).chat.completions.create({ ...short, messages, ...fields });
    await expect(failing({ model: "none" })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(failing({}, "wrong")).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(failing({ temperature: -1 })).rejects.toMatchObject({
      status: 400,
      code: "ERR_INVALID_ARGUMENT",
      param: "temperature",
      type: "invalid_request_error",
    });
    await expect(failing({ audio: { voice: "a" } })).rejects.toMatchObject({ code: "ERR_UNSUPPORTED_FIELD" });
    const long = [{ role: "user", content: "word ".repeat(9000) }];
    await expect(failing({ messages: long, stream: true })).rejects.toMatchObject({
      code: "ERR_CONTEXT_OVERFLOW",
    });
  });
});
