// Ollama's own client for Node, over HTTP.
import { Ollama } from "ollama";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ANSWER, API_KEY, DEFAULT_MODEL, LiveServer, MODEL, QUESTION } from "../../support/live-server.js";

describe.skipIf(DEFAULT_MODEL === undefined)("the ollama package", () => {
  let server: LiveServer;
  beforeAll(async () => {
    server = await LiveServer.start();
  });
  afterAll(() => server?.close());

  const client = (key = API_KEY) =>
    new Ollama({ host: server.url, headers: { authorization: `Bearer ${key}` } });
  const messages = [{ role: "user", content: QUESTION }];
  const options = { temperature: 0, num_predict: 24 };

  it("answers, streams the same text, and counts it", async () => {
    const whole = await client().chat({ model: MODEL, messages, options });
    expect(whole.message.content).toMatch(ANSWER);
    expect(whole.done).toBe(true);
    let text = "";
    let parts = 0;
    let count = 0;
    for await (const part of await client().chat({ model: MODEL, messages, options, stream: true })) {
      text += part.message.content;
      parts++;
      if (part.done) count = part.eval_count;
    }
    expect(parts).toBeGreaterThan(3);
    expect(text).toBe(whole.message.content);
    expect(count).toBe(whole.eval_count);
    const generated = await client().generate({ model: MODEL, prompt: QUESTION, options });
    expect(generated.response).toMatch(ANSWER);
  });

  it("offers tools, and takes their results", async () => {
    const tools = [
      {
        type: "function",
        function: {
          name: "weather",
          description: "The weather of a city",
          parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
        },
      },
    ];
    const offered = await client().chat({ model: MODEL, messages, options, tools });
    expect(offered.message.role).toBe("assistant");
    const call = { function: { name: "weather", arguments: { city: "Paris" } } };
    const answer = await client().chat({
      model: MODEL,
      options,
      messages: [
        { role: "user", content: "What is the weather in Paris?" },
        { role: "assistant", content: "", tool_calls: [call] },
        { role: "tool", tool_name: "weather", content: "It is sunny in Paris." },
      ],
    });
    expect(answer.message.content).toMatch(/sunny/i);
  });

  it("embeds: vectors of length 1", async () => {
    const input = ["short", "many words ".repeat(50)];
    const { embeddings, prompt_eval_count: tokens } = await client().embed({ model: MODEL, input });
    expect(embeddings.map((vector) => vector.length)).toEqual([576, 576]);
    for (const vector of embeddings) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    expect(tokens).toBeGreaterThan(100);
    const long = { model: MODEL, input: "many words ".repeat(5000), truncate: false };
    await expect(client().embed(long)).rejects.toMatchObject({ status_code: 400 });
    const { embedding } = await client().embeddings({ model: MODEL, prompt: "short" });
    const length = Math.hypot(...embedding);
    for (const [place, value] of embedding.entries())
      expect(value / length).toBeCloseTo(embeddings[0]?.[place] ?? Number.NaN, 4);
  });

  it("holds answers to a schema", async () => {
    const schema = z.object({ city: z.enum(["Paris", "Rome"]), big: z.boolean() });
    const answer = await client().chat({
      model: MODEL,
      messages: [{ role: "user", content: "Is Paris big? Answer in JSON." }],
      format: z.toJSONSchema(schema),
      options: { temperature: 0, num_predict: 80 },
    });
    expect(schema.safeParse(JSON.parse(answer.message.content)).success).toBe(true);
  });

  it("aborts: the engine's request ends", async () => {
    const before = (await server.requests()).aborted ?? 0;
    const ollama = client();
    const stream = await ollama.generate({
      model: MODEL,
      prompt: "Tell a very long story.",
      options: { num_predict: 4000 },
      stream: true,
    });
    const reading = async () => {
      for await (const _part of stream) ollama.abort();
    };
    await expect(reading()).rejects.toThrow(/abort/i);
    await expect.poll(() => server.requests()).toMatchObject({ running: 0, aborted: before + 1 });
  });

  it("gets errors in its own form", async () => {
    await expect(client().chat({ model: "none", messages })).rejects.toMatchObject({ status_code: 404 });
    await expect(client("wrong").list()).rejects.toMatchObject({ status_code: 401 });
    await expect(
      client().chat({ model: MODEL, messages, options: { temperature: -1 } }),
    ).rejects.toMatchObject({ status_code: 400, error: expect.stringContaining("temperature") });
  });
});
