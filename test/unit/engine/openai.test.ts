/** The OpenAI-shaped APIs over a scripted native engine. */
import { describe, expect, it } from "vitest";
import { END, fakeEngine, textScript } from "../../support/fake-engine.js";

const user = (content: string) => [{ role: "user" as const, content }];

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe("chat.completions.create", () => {
  it("gives a whole completion", async () => {
    const { engine } = await fakeEngine(textScript("Hello!"));
    const before = Math.floor(Date.now() / 1000);
    const completion = await engine.chat.completions.create({ messages: user("hi"), model: "any" });
    expect(completion).toMatchObject({
      object: "chat.completion",
      model: "fake",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hello!", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: { completion_tokens: 7 },
    });
    expect(completion.id).toMatch(/^chatcmpl-/);
    expect(completion.system_fingerprint).toMatch(/^fp_[0-9a-f]{12}$/);
    expect(completion.created).toBeGreaterThanOrEqual(before);
    expect(completion.usage.total_tokens).toBe(completion.usage.prompt_tokens + 7);
  });

  it("streams chunks: role, text, finish reason", async () => {
    const { engine } = await fakeEngine(textScript("é!"));
    const chunks = await all(await engine.chat.completions.create({ messages: user("hi"), stream: true }));
    expect(chunks.map((chunk) => chunk.choices[0])).toEqual([
      { index: 0, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null },
      { index: 0, delta: { content: "é" }, logprobs: null, finish_reason: null },
      { index: 0, delta: { content: "!" }, logprobs: null, finish_reason: null },
      { index: 0, delta: {}, logprobs: null, finish_reason: "stop" },
    ]);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
    for (const chunk of chunks) {
      expect(chunk.object).toBe("chat.completion.chunk");
      expect(chunk).not.toHaveProperty("usage");
    }
  });

  it("ends with usage where include_usage asks for it", async () => {
    const { engine } = await fakeEngine(textScript("ab", "length"));
    const stream = await engine.chat.completions.create({
      messages: user("hi"),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await all(stream);
    const last = chunks.at(-1);
    expect(last?.choices).toEqual([]);
    expect(last?.usage).toMatchObject({ completion_tokens: 2 });
    for (const chunk of chunks.slice(0, -1)) expect(chunk.usage).toBeNull();
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("length");
  });

  it("maps every sampling field", async () => {
    const { engine, native } = await fakeEngine(textScript("x"));
    await engine.chat.completions.create({
      messages: user("hi"),
      max_completion_tokens: 9,
      temperature: 0.25,
      top_p: 0.5,
      top_k: 7,
      min_p: 0.125,
      presence_penalty: 0.5,
      frequency_penalty: -0.5,
      repetition_penalty: 1.5,
      logit_bias: { 65: -100 },
      seed: 11,
      stop: ["zz"],
      ignore_eos: true,
      user: "someone",
      n: 1,
    });
    const request = native.requests[0];
    expect(request).toMatchObject({
      maxTokens: 9,
      temperature: 0.25,
      topP: 0.5,
      topK: 7,
      minP: 0.125,
      presencePenalty: 0.5,
      frequencyPenalty: -0.5,
      repetitionPenalty: 1.5,
      seed: 11n,
      stopTokens: new Int32Array(),
    });
    expect(request?.logitBias).toEqual({ ids: Int32Array.from([65]), values: Float32Array.from([-100]) });
  });

  it("takes Ollama's and llama.cpp's names beside OpenAI's", async () => {
    const { engine, native } = await fakeEngine(textScript("x"));
    await engine.chat.completions.create({
      messages: user("hi"),
      repeat_penalty: 1.25,
      repetition_penalty: 1.25,
      repeat_last_n: 64,
      typical_p: 0.5,
      xtc_probability: 0.25,
      xtc_threshold: 0.125,
      mirostat: 2,
      mirostat_tau: 3,
      mirostat_eta: 0.5,
      dry_multiplier: 0.75,
      dry_base: 1.5,
      dry_allowed_length: 3,
      dry_penalty_last_n: 100,
      dry_sequence_breakers: ["\n", "ab", [65, 66]],
      min_tokens: 4,
      stop_token_ids: [66],
    });
    expect(native.requests[0]).toMatchObject({
      repetitionPenalty: 1.25,
      penaltyWindow: 64,
      typicalP: 0.5,
      xtcProbability: 0.25,
      xtcThreshold: 0.125,
      mirostatTau: 3,
      mirostatEta: 0.5,
      minTokens: 4,
      externalLogits: false,
      stopTokens: Int32Array.from([END, 66]),
      dry: {
        multiplier: 0.75,
        base: 1.5,
        allowedLength: 3,
        range: 100,
        breakers: Int32Array.from([10, 97, 98, 65, 66]),
        breakerLengths: Int32Array.from([1, 2, 2]),
      },
    });
  });

  it("gives log-probabilities in OpenAI's form, whole and streamed", async () => {
    const entry = (id: number) => ({ logprob: -0.25, top: [{ id, logprob: -0.25 }] });
    const { engine } = await fakeEngine(() => [
      { tokens: [0xc3], logprobs: [entry(0xc3)] },
      { tokens: [0xa9], logprobs: [entry(65)] },
      { tokens: [END], logprobs: [entry(END)], finish: "stop" },
    ]);
    const body = { messages: user("hi"), logprobs: true, top_logprobs: 1 };
    const completion = await engine.chat.completions.create(body);
    const content = completion.choices[0]?.logprobs?.content ?? [];
    expect(content).toHaveLength(3);
    expect(content[0]).toMatchObject({ bytes: [0xc3], logprob: -0.25 });
    expect(content[1]?.top_logprobs).toEqual([{ token: "A", bytes: [65], logprob: -0.25 }]);
    expect(content[2]?.token).toBe("<|end|>");
    const chunks = await all(await engine.chat.completions.create({ ...body, stream: true }));
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? [])).toEqual(content);
  });

  it("accepts null and neutral values, as OpenAI's clients send them", async () => {
    const { engine } = await fakeEngine(textScript("x"));
    const body = {
      messages: user("hi"),
      temperature: null,
      n: 1,
      stop: null,
      tools: [],
      tool_choice: "none",
      response_format: { type: "text" },
      logprobs: false,
      stream: false,
      store: false,
      functions: null,
      service_tier: "auto",
      verbosity: "medium",
      metadata: { trace: "1" },
      safety_identifier: "x",
      parallel_tool_calls: true,
    };
    await expect(
      Reflect.apply(engine.chat.completions.create, engine.chat.completions, [body]),
    ).resolves.toBeDefined();
  });

  it.each([
    [{ n: 0 }, "ERR_INVALID_ARGUMENT", "between 1 and 128 for n but received 0"],
    [{ n: 129 }, "ERR_INVALID_ARGUMENT", "n but received 129"],
    [{ n: 2, seed: 1.5 }, "ERR_INVALID_ARGUMENT", "seed"],
    [{ best_of: 2 }, "ERR_UNSUPPORTED_FIELD", "best_of"],
    [{ mirostat: 1 }, "ERR_INVALID_ARGUMENT", "mirostat but received 1"],
    [{ typical_p: 0 }, "ERR_INVALID_ARGUMENT", "typicalP"],
    [{ repeat_penalty: 1.1, repetition_penalty: 1.2 }, "ERR_INVALID_ARGUMENT", "repetition_penalty"],
    [{ min_tokens: 9, max_tokens: 8 }, "ERR_INVALID_ARGUMENT", "between 0 and 8 for minTokens"],
    [{ tools: [{ type: "function" }] }, "ERR_INVALID_ARGUMENT", "tools[0].function"],
    [{ tools: [{ type: "custom", custom: {} }] }, "ERR_UNSUPPORTED_FIELD", "tools[0].type"],
    [{ tool_choice: "auto" }, "ERR_INVALID_ARGUMENT", "tool_choice"],
    [{ parallel_tool_calls: 1 }, "ERR_INVALID_ARGUMENT", "parallel_tool_calls"],
    [{ functions: [{ name: "f" }] }, "ERR_UNSUPPORTED_FIELD", "functions"],
    [{ response_format: { type: "xml" } }, "ERR_INVALID_ARGUMENT", "response_format.type"],
    [{ response_format: { type: "text", x: 1 } }, "ERR_INVALID_ARGUMENT", "response_format"],
    [{ guided_regex: "a", guided_json: {} }, "ERR_INVALID_ARGUMENT", "beside guided_json"],
    [{ guided_choice: [1] }, "ERR_INVALID_ARGUMENT", "guided_choice"],
    [{ service_tier: "priority" }, "ERR_UNSUPPORTED_FIELD", "service_tier"],
    [{ verbosity: "low" }, "ERR_UNSUPPORTED_FIELD", "verbosity"],
    [{ store: true }, "ERR_UNSUPPORTED_FIELD", "store"],
    [{ metadata: { a: 1 } }, "ERR_INVALID_ARGUMENT", "metadata"],
    [{ reasoning: { max_tokens: 5 } }, "ERR_UNSUPPORTED_FIELD", "reasoning"],
    [{ reasoning_effort: "huge" }, "ERR_INVALID_ARGUMENT", "reasoning_effort"],
    [{ chat_template_kwargs: { tools: [] } }, "ERR_INVALID_ARGUMENT", "chat_template_kwargs"],
    [{ audio: {} }, "ERR_UNSUPPORTED_FIELD", "audio"],
    [{ reasoning_effort: "high" }, "ERR_UNSUPPORTED_FIELD", "reasoning_effort"],
    [{ maxTokens: 3 }, "ERR_UNSUPPORTED_FIELD", "maxTokens"],
    [{ stream: true, stream_options: { x: 1 } }, "ERR_UNSUPPORTED_FIELD", "stream_options.x"],
    [{ stream_options: { include_usage: true } }, "ERR_INVALID_ARGUMENT", "stream_options"],
    [{ stream: "yes" }, "ERR_INVALID_ARGUMENT", "stream"],
    [{ model: 3 }, "ERR_INVALID_ARGUMENT", "model"],
    [{ max_tokens: 0 }, "ERR_INVALID_ARGUMENT", "max_tokens"],
    [{ max_tokens: 4, max_completion_tokens: 5 }, "ERR_INVALID_ARGUMENT", "max_completion_tokens"],
    [{ top_logprobs: 2 }, "ERR_INVALID_ARGUMENT", "top_logprobs"],
    [{ logprobs: true, top_logprobs: 21 }, "ERR_INVALID_ARGUMENT", "top_logprobs"],
    [{ temperature: 101 }, "ERR_INVALID_ARGUMENT", "temperature"],
    [{ messages: [] }, "ERR_INVALID_ARGUMENT", "messages"],
    [{ messages: undefined }, "ERR_INVALID_ARGUMENT", "messages"],
    [{ messages: "hi" }, "ERR_INVALID_ARGUMENT", "messages"],
    [{ messages: [1, 2] }, "ERR_INVALID_ARGUMENT", "messages[0]"],
  ])("refuses %j", async (change, code, message) => {
    const { engine, native } = await fakeEngine(textScript("x"));
    const body = { messages: user("hi"), ...change };
    const call = Reflect.apply(engine.chat.completions.create, engine.chat.completions, [body]);
    await expect(call).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(native.requests).toHaveLength(0);
  });

  it("rejects by signal, and a stream ends when its reader leaves", async () => {
    const { engine, native } = await fakeEngine(textScript("a long answer"));
    const controller = new AbortController();
    const pending = engine.chat.completions.create({ messages: user("hi") }, { signal: controller.signal });
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: "ERR_ABORTED" });

    const stream = await engine.chat.completions.create({ messages: user("hi"), stream: true });
    for await (const chunk of stream) {
      expect(chunk.choices[0]?.delta.role).toBe("assistant");
      break;
    }
    expect(native.aborted).toEqual([1, 2]);

    const aborted = await engine.chat.completions.create({ messages: user("hi"), stream: true });
    const finishes: (string | null | undefined)[] = [];
    for await (const chunk of aborted) {
      finishes.push(chunk.choices[0]?.finish_reason);
      aborted.abort();
    }
    expect(finishes).toEqual([null]);
  });
});

describe("completions.create", () => {
  it("continues a text, 16 tokens unless told otherwise", async () => {
    const { engine, native } = await fakeEngine(textScript(" there", "length"));
    const completion = await engine.completions.create({ prompt: "hi" });
    expect(completion).toMatchObject({
      object: "text_completion",
      choices: [{ index: 0, text: " there", logprobs: null, finish_reason: "length" }],
      usage: {
        prompt_tokens: 2,
        completion_tokens: 6,
        total_tokens: 8,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    });
    expect(native.requests[0]?.maxTokens).toBe(16);
    await engine.completions.create({ prompt: [1, 2, 3], max_tokens: 2 });
    expect(native.requests[1]).toMatchObject({ maxTokens: 2, tokens: Int32Array.from([1, 2, 3]) });
  });

  it("gives log-probabilities in the older shape, whole and streamed", async () => {
    const entry = (id: number, ...top: number[]) => ({
      logprob: -0.5,
      top: [id, ...top].map((other, index) => ({ id: other, logprob: -0.5 - index })),
    });
    const { engine } = await fakeEngine(() => [
      { tokens: [65], logprobs: [entry(65, 66)] },
      { tokens: [0xc3], logprobs: [entry(0xc3, 0xc4)] },
      { tokens: [0xa9], logprobs: [entry(0xa9)] },
      { tokens: [END], logprobs: [entry(END)], finish: "stop" },
    ]);
    const body = { prompt: "x", logprobs: 2 };
    const { choices } = await engine.completions.create(body);
    expect(choices[0]).toMatchObject({
      text: "Aé",
      logprobs: {
        tokens: ["A", "\ufffd", "\ufffd", "<|end|>"],
        token_logprobs: [-0.5, -0.5, -0.5, -0.5],
        top_logprobs: [{ A: -0.5, B: -1.5 }, { "\ufffd": -0.5 }, { "\ufffd": -0.5 }, { "<|end|>": -0.5 }],
        text_offset: [0, 1, 1, 2],
      },
    });
    const chunks = await all(await engine.completions.create({ ...body, stream: true }));
    const offsets = chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.text_offset ?? []);
    expect(offsets).toEqual([0, 1, 1, 2]);
  });

  it("streams", async () => {
    const { engine } = await fakeEngine(textScript("ab"));
    const stream = await engine.completions.create({
      prompt: "hi",
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await all(stream);
    expect(chunks.map((chunk) => chunk.choices[0]?.text)).toEqual(["a", "b", "", undefined]);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
    expect(chunks.at(-1)?.usage).toMatchObject({ completion_tokens: 3 });
  });

  it.each([
    [{ prompt: ["a", "b"] }, "ERR_INVALID_ARGUMENT", "prompt"],
    [{ prompt: undefined }, "ERR_INVALID_ARGUMENT", "prompt"],
    [{ prompt: "a", echo: true }, "ERR_UNSUPPORTED_FIELD", "echo"],
    [{ prompt: "a", suffix: "b" }, "ERR_UNSUPPORTED_FIELD", "suffix"],
    [{ prompt: "a", best_of: 2 }, "ERR_UNSUPPORTED_FIELD", "best_of"],
    [{ prompt: "a", logprobs: 21 }, "ERR_INVALID_ARGUMENT", "logprobs"],
    [{ prompt: "a", logprobs: true }, "ERR_INVALID_ARGUMENT", "logprobs"],
    [{ prompt: "a", max_tokens: -1 }, "ERR_INVALID_ARGUMENT", "max_tokens"],
  ])("refuses %j", async (body, code, message) => {
    const { engine } = await fakeEngine(textScript("x"));
    const call = Reflect.apply(engine.completions.create, engine.completions, [body]);
    await expect(call).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});
