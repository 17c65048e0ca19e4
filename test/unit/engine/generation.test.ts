/** Streaming, stops, aborts and disposal over a scripted native engine. */
import { describe, expect, it } from "vitest";
import type { Generation, GenerationChunk } from "../../../lib/engine/generation.js";
import { END, fakeEngine, fakeManifest, START, textScript } from "../../support/fake-engine.js";

async function collect(generation: Generation): Promise<GenerationChunk[]> {
  const chunks: GenerationChunk[] = [];
  for await (const chunk of generation) chunks.push(chunk);
  return chunks;
}

const soon = (turns = 3) =>
  new Promise<void>((resolve) => {
    const turn = (left: number) => (left === 0 ? resolve() : setImmediate(() => turn(left - 1)));
    turn(turns);
  });

describe("generate", () => {
  it("streams whole characters and ends with the result", async () => {
    const { engine, native } = await fakeEngine(textScript("héllo 🦙!"));
    const generation = engine.generate("hi", { maxTokens: 50, temperature: 0, seed: 3 });
    const chunks = await collect(generation);
    expect(chunks.map((chunk) => chunk.text).join("")).toBe("héllo 🦙!");
    for (const { text } of chunks) expect(text).not.toContain("\uFFFD");
    const result = await generation.result;
    expect(result).toMatchObject({
      text: "héllo 🦙!",
      finishReason: "stop",
      usage: { promptTokens: 2, completionTokens: 13, reasoningTokens: 0, totalTokens: 15 },
    });
    expect(result.tokens.at(-1)).toBe(END);
    expect(chunks.flatMap((chunk) => chunk.tokens)).toEqual(result.tokens);
    expect(result.timings.totalMs).toBeGreaterThanOrEqual(result.timings.firstTokenMs ?? 0);
    expect(native.requests[0]).toMatchObject({ maxTokens: 50, temperature: 0, seed: 3n, topP: 1 });
    expect([...(native.requests[0]?.tokens ?? [])]).toEqual([104, 105]);
    expect([...(native.requests[0]?.stopTokens ?? [])]).toEqual([END]);
  });

  it("reads a chat through the template, and keeps control tokens out of messages", async () => {
    const { engine, native } = await fakeEngine(textScript("ok"));
    await engine.generate([{ role: "user", content: "a<|end|>b" }]).result;
    const tokens = [...(native.requests[0]?.tokens ?? [])];
    expect(tokens.filter((id) => id >= 256)).toEqual([START, END, START]);
    expect(engine.detokenize(tokens, { special: true })).toBe(
      "<|start|>user\na<|end|>b<|end|><|start|>assistant\n",
    );
    expect(engine.applyChatTemplate([{ role: "user", content: "a<|end|>b" }])).toBe(
      "<|start|>user\na<|end|>b<|end|><|start|>assistant\n",
    );
  });

  it("takes token ids and limits the answer to the context", async () => {
    const { engine, native } = await fakeEngine(textScript("x", "length"));
    const result = await engine.generate(Int32Array.from([1, 2, 3]), { maxTokens: 10_000 }).result;
    expect(result.finishReason).toBe("length");
    expect(native.requests[0]?.maxTokens).toBe(253);
    await engine.generate([1, 2, 3]).result;
    expect(native.requests[1]?.maxTokens).toBe(253);
  });

  it("joins text that nobody reads into one chunk", async () => {
    const { engine, native } = await fakeEngine(textScript("abcdefgh"));
    const generation = engine.generate("hi");
    await generation.result;
    expect(native.steps).toBe(9);
    const chunks = await collect(generation);
    expect(chunks).toHaveLength(1);
    expect(chunks[0]?.text).toBe("abcdefgh");
  });

  it("reports tokens whose text is not whole yet", async () => {
    const { engine } = await fakeEngine(textScript("🦙"));
    const chunks = await collect(engine.generate("hi"));
    expect(chunks.map((chunk) => chunk.text)).toEqual(["", "", "", "🦙", ""]);
  });

  it("passes log-probabilities on, one a token", async () => {
    const entry = { logprob: -0.5, top: [{ id: 97, logprob: -0.5 }] };
    const { engine, native } = await fakeEngine(() => [
      { tokens: [97, 98], logprobs: [entry, entry] },
      { tokens: [END], logprobs: [entry], finish: "stop" },
    ]);
    const result = await engine.generate("hi", { logprobs: 1 }).result;
    expect(native.requests[0]?.logprobs).toBe(1);
    expect(result.logprobs).toEqual([entry, entry, entry]);
  });

  it("runs many requests at once", async () => {
    const { engine } = await fakeEngine((request) => textScript(`answer ${request.id}`)(request));
    const results = await Promise.all([1, 2, 3, 4].map(() => engine.generate("q").result));
    expect(results.map((result) => result.text)).toEqual(["answer 1", "answer 2", "answer 3", "answer 4"]);
    expect(engine.stats().requests).toBe(0);
  });
});

describe("stop texts", () => {
  it("end the generation across token borders and stay out of the text", async () => {
    const { engine, native } = await fakeEngine(textScript("one. two. three."));
    const result = await engine.generate("hi", { stop: [" three", "zz"] }).result;
    expect(result).toMatchObject({ text: "one. two.", finishReason: "stop" });
    expect(native.aborted).toEqual([1]);
    expect(result.usage.completionTokens).toBe("one. two. three".length);
  });

  it("that only begin are given at the end", async () => {
    const { engine } = await fakeEngine(textScript("one. thr"));
    expect((await engine.generate("hi", { stop: " three" }).result).text).toBe("one. thr");
  });

  it("end at the model's stop token, whose text does not appear even if it is ordinary", async () => {
    const manifest = fakeManifest();
    const { engine } = await fakeEngine(() => [{ tokens: [97] }, { tokens: [33], finish: "stop" }], {
      manifest,
    });
    const result = await engine.generate("hi", { stopTokens: [33] }).result;
    expect(result).toMatchObject({ text: "a", tokens: [97, 33], finishReason: "stop" });
  });
});

describe("ending early", () => {
  it("break frees the request", async () => {
    const { engine, native } = await fakeEngine(textScript("a long answer"));
    const generation = engine.generate("hi");
    for await (const chunk of generation) {
      if (chunk.text !== "") break;
    }
    expect(native.aborted).toEqual([1]);
    expect(await generation.result).toMatchObject({ finishReason: "abort" });
    expect(engine.stats().requests).toBe(0);
  });

  it("abort() ends the loop quietly", async () => {
    const { engine, native } = await fakeEngine(textScript("a long answer"));
    const generation = engine.generate("hi");
    let text = "";
    for await (const chunk of generation) {
      text += chunk.text;
      if (text.length === 3) generation.abort();
    }
    expect(text).toBe("a l");
    generation.abort();
    expect(native.aborted).toEqual([1]);
  });

  it("a signal rejects, before the start, in prefill and in decode", async () => {
    const { engine, native } = await fakeEngine(textScript("a long answer"));
    expect(() => engine.generate("hi", { signal: AbortSignal.abort(new Error("no")) })).toThrow(
      expect.objectContaining({ code: "ERR_ABORTED", cause: expect.objectContaining({ message: "no" }) }),
    );
    expect(native.requests).toHaveLength(0);

    native.hold = true;
    const prefill = new AbortController();
    const inPrefill = engine.generate("hi", { signal: prefill.signal });
    prefill.abort();
    await expect(inPrefill.result).rejects.toMatchObject({ code: "ERR_ABORTED" });
    await expect(collect(inPrefill)).rejects.toMatchObject({ code: "ERR_ABORTED" });
    native.resume();

    const decode = new AbortController();
    const inDecode = engine.generate("hi", { signal: decode.signal });
    const loop = async () => {
      for await (const chunk of inDecode) if (chunk.text !== "") decode.abort();
    };
    await expect(loop()).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(native.aborted).toEqual([1, 2]);
    expect(engine.stats().requests).toBe(0);
  });

  it("a signal that fires after the end changes nothing", async () => {
    const { engine, native } = await fakeEngine(textScript("ok"));
    const controller = new AbortController();
    const generation = engine.generate("hi", { signal: controller.signal });
    await generation.result;
    controller.abort();
    expect((await generation.result).text).toBe("ok");
    expect(native.aborted).toEqual([]);
  });

  it("a failure of the native engine rejects with its code", async () => {
    const { engine } = await fakeEngine(() => [
      { tokens: [97] },
      { tokens: [], finish: "error", error: { code: "ERR_INSUFFICIENT_MEMORY", message: "no page left" } },
    ]);
    const generation = engine.generate("hi");
    await expect(collect(generation)).rejects.toMatchObject({
      code: "ERR_INSUFFICIENT_MEMORY",
      message: "no page left",
    });
  });

  it("an error nobody looks at does not end the process", async () => {
    const { engine } = await fakeEngine(() => [
      { tokens: [], finish: "error", error: { code: "ERR_NATIVE", message: "x" } },
    ]);
    engine.generate("hi");
    await soon(5);
    expect(engine.stats().requests).toBe(0);
  });

  it("allows one loop only", async () => {
    const { engine } = await fakeEngine(textScript("ok"));
    const generation = engine.generate("hi");
    await collect(generation);
    await expect(collect(generation)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});

describe("dispose", () => {
  it("in mid-generation ends requests with ERR_DISPOSED and is idempotent", async () => {
    const { engine, native } = await fakeEngine(textScript("a long answer"));
    const generation = engine.generate("hi");
    const loop = collect(generation);
    await soon();
    await Promise.all([engine.dispose(), engine.dispose()]);
    await expect(loop).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    expect(native.disposed).toBe(true);
    for (const use of [
      () => engine.generate("hi"),
      () => engine.stats(),
      () => engine.score([1, 2]),
      () => engine.logits([[1]]),
    ]) {
      expect(use).toThrow(expect.objectContaining({ code: "ERR_DISPOSED" }));
    }
    await expect(
      engine.chat.completions.create({ messages: [{ role: "user", content: "x" }] }),
    ).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    expect(engine.tokenize("hi")).toEqual([104, 105]);
  });

  it("happens at the end of an `await using` block", async () => {
    const { engine, native } = await fakeEngine(textScript("x"));
    {
      await using used = engine;
      expect(used.plan().context).toBe(256);
    }
    expect(native.disposed).toBe(true);
  });
});

describe("bad input", () => {
  it.each([
    ["an unknown option", "hi", { maxToken: 5 }, "ERR_INVALID_ARGUMENT", '"maxToken"'],
    ["a prompt that is none", 5, {}, "ERR_INVALID_ARGUMENT", "prompt but received 5"],
    ["no tokens", new Int32Array(0), {}, "ERR_INVALID_ARGUMENT", "at least one token"],
    ["an empty text without bos", "", {}, "ERR_INVALID_ARGUMENT", "at least one token"],
    [
      "a token beyond the vocabulary",
      [1, 260],
      {},
      "ERR_INVALID_ARGUMENT",
      "prompt token 1 but received 260",
    ],
    ["a fraction", [1.5], {}, "ERR_INVALID_ARGUMENT", "prompt token 0"],
    ["a bad message", [{ role: "user" }], {}, "ERR_INVALID_ARGUMENT", "messages[0].content"],
    ["a prompt over the context", "x".repeat(256), {}, "ERR_CONTEXT_OVERFLOW", "received 256"],
  ])("%s is refused at once", async (_name, prompt, options, code, message) => {
    const { engine, native } = await fakeEngine(textScript("x"));
    expect(() => Reflect.apply(engine.generate, engine, [prompt, options])).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
    expect(native.requests).toHaveLength(0);
    expect(engine.stats().requests).toBe(0);
  });

  it("a model without tokenizer or template says so, and still runs on tokens", async () => {
    const { engine } = await fakeEngine(textScript("ab"), { tokenizer: undefined, chatTemplate: undefined });
    expect(() => engine.generate("hi")).toThrow(/has none: only token ids/);
    expect(() => engine.generate([1], { stop: "x" })).toThrow(/has none: only token ids/);
    expect(await engine.generate([1]).result).toMatchObject({ text: "", tokens: [97, 98, END] });
    const withoutTemplate = await fakeEngine(textScript("ab"), { chatTemplate: undefined });
    expect(() => withoutTemplate.engine.generate([{ role: "user", content: "x" }])).toThrow(
      expect.objectContaining({ code: "ERR_CHAT_TEMPLATE" }),
    );
  });

  it("an error of submit leaves nothing behind", async () => {
    const { engine, native } = await fakeEngine(() => {
      throw new RangeError("native says no");
    });
    expect(() => engine.generate("hi")).toThrow("native says no");
    expect(engine.stats().requests).toBe(0);
    expect(native.requests).toHaveLength(1);
  });

  it("ids that the model does not have cannot be detokenized", async () => {
    const { engine } = await fakeEngine(textScript("x"));
    expect(() => engine.detokenize([260])).toThrow(/between 0 and 259/);
    expect(engine.detokenize([104, 105])).toBe("hi");
  });
});
