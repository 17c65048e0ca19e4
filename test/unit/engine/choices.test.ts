/** `n` answers to one prompt, over a scripted native engine. */
import { describe, expect, it } from "vitest";
import { END, fakeEngine, type Script } from "../../support/fake-engine.js";

const user = (content: string) => [{ role: "user" as const, content }];

/** Choice i says the letter "a" + i, i + 1 times. */
const letters: Script = ({ id }) => [
  ...Array.from({ length: id }, () => ({ tokens: [96 + id] })),
  { tokens: [END], finish: "stop" as const, promptTokens: 20, completionTokens: id + 1 },
];

describe("n choices", () => {
  it("answers with each and counts the prompt once", async () => {
    const { engine, native } = await fakeEngine(letters);
    const one = await engine.completions.create({ prompt: "hello", n: 3, seed: 9 });
    expect(one.choices).toEqual([
      { index: 0, text: "a", logprobs: null, finish_reason: "stop" },
      { index: 1, text: "bb", logprobs: null, finish_reason: "stop" },
      { index: 2, text: "ccc", logprobs: null, finish_reason: "stop" },
    ]);
    expect(one.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 9, total_tokens: 14 });
    const seeds = native.requests.map(({ seed }) => seed);
    expect(seeds[0]).toBe(9n);
    expect(new Set(seeds).size).toBe(3);
    const chat = await engine.chat.completions.create({ messages: user("hi"), n: 2 });
    expect(chat.choices.map(({ index, message }) => [index, message.content?.length])).toEqual([
      [0, 4],
      [1, 5],
    ]);
  });

  it("streams chunks with their choice's index and one usage", async () => {
    const { engine } = await fakeEngine(letters);
    const texts = ["", "", ""];
    const finishes: (number | undefined)[] = [];
    let usage: unknown;
    const stream = await engine.chat.completions.create({
      messages: user("hi"),
      n: 3,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const { choices, usage: total } of stream) {
      expect(choices.length).toBeLessThanOrEqual(1);
      for (const { index, delta, finish_reason } of choices) {
        texts[index] += delta.content ?? "";
        if (finish_reason !== null) finishes.push(index);
      }
      usage = total ?? usage;
    }
    expect(texts).toEqual(["a", "bb", "ccc"]);
    expect(finishes.sort()).toEqual([0, 1, 2]);
    expect(usage).toMatchObject({ completion_tokens: 9 });
  });

  it("ends every choice when the loop is left, and by the error of one", async () => {
    const { engine, native } = await fakeEngine(letters);
    const stream = await engine.completions.create({ prompt: "x", n: 2, stream: true });
    for await (const _ of stream) break;
    expect(native.aborted).toEqual([1, 2]);
    expect(engine.stats().requests).toBe(0);
    const failing = await fakeEngine(({ id }) =>
      id === 2
        ? [{ tokens: [], finish: "error", error: { code: "ERR_NATIVE", message: "broken" } }]
        : Array.from({ length: 1000 }, () => ({ tokens: [97] })),
    );
    const call = failing.engine.completions.create({ prompt: "x", n: 3, max_tokens: 200 });
    await expect(call).rejects.toMatchObject({ code: "ERR_NATIVE", message: "broken" });
    expect(failing.native.aborted).toEqual([1, 3]);
    const again = await failing.engine.completions.create({ prompt: "x", n: 2, stream: true });
    const disposing = (async () => {
      for await (const _ of again) await failing.engine.dispose();
    })();
    await expect(disposing).rejects.toMatchObject({ code: "ERR_DISPOSED" });
  });
});
