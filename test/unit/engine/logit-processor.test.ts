/** Logit processors over a scripted native engine; test/native/logit-processor.test.ts has the real one. */
import { describe, expect, it, vi } from "vitest";
import type { LogitProcessor } from "../../../lib/engine/logit-processor.js";
import { END, fakeEngine, type Script } from "../../support/fake-engine.js";

/** Asks for logits before each of two tokens. */
const script: Script = () => [
  { tokens: [], logits: Float32Array.of(1, 2, 3) },
  { tokens: [65], logits: Float32Array.of(4, 5, 6) },
  { tokens: [END], finish: "stop" },
];

/** A processor that negates, with its calls. */
function processor() {
  return {
    processLogits: vi.fn((logits: Float32Array) => logits.map((logit) => -logit)),
    processSampledToken: vi.fn((_token: number) => undefined),
    resetState: vi.fn(() => undefined),
  };
}

describe("logit processors", () => {
  it("see each token's logits and the tokens, and their changes go back", async () => {
    const { engine, native } = await fakeEngine(script);
    const logitProcessor = processor();
    const { text } = await engine.generate("x", { logitProcessor }).result;
    expect(text).toBe("A");
    expect(native.requests[0]?.externalLogits).toBe(true);
    expect(native.replies).toEqual([
      { id: 1, logits: Float32Array.of(-1, -2, -3) },
      { id: 1, logits: Float32Array.of(-4, -5, -6) },
    ]);
    expect(logitProcessor.processSampledToken.mock.calls).toEqual([[65], [END]]);
    expect(logitProcessor.resetState).toHaveBeenCalledTimes(1);
  });

  it("come from the registry: the model's own, one by name, or none", async () => {
    const { engine, native } = await fakeEngine(script);
    const own = processor();
    const other = processor();
    engine.setLogitProcessorRegistry(
      new Map([
        ["fake", own],
        ["other", other],
      ]),
    );
    await engine.chat.completions.create({ messages: [{ role: "user", content: "hi" }] });
    expect(own.processLogits).toHaveBeenCalledTimes(2);
    await engine.completions.create({ prompt: "x" }, { logitProcessor: "other" });
    expect(other.processLogits).toHaveBeenCalledTimes(2);
    await engine.generate("x", { logitProcessor: null }).result;
    engine.setLogitProcessorRegistry(undefined);
    await engine.generate("x").result;
    expect(own.processLogits).toHaveBeenCalledTimes(2);
    expect(native.requests.map(({ externalLogits }) => externalLogits)).toEqual([true, true, false, false]);
  });

  it.each<[string, Partial<Record<keyof LogitProcessor, unknown>>, string]>([
    [
      "throws",
      {
        processLogits: () => {
          throw new Error("oops");
        },
      },
      "processLogits of the logit processor to return but it threw: oops",
    ],
    [
      "returns nothing",
      { processLogits: () => undefined },
      "a Float32Array of 3 numbers for the result of processLogits",
    ],
    ["returns a promise", { processLogits: async () => Float32Array.of(1, 2, 3) }, "result of processLogits"],
    ["returns too few", { processLogits: () => new Float32Array(2) }, "2 numbers"],
    [
      "throws at a token",
      {
        processSampledToken: () => {
          throw new Error("oops");
        },
      },
      "processSampledToken",
    ],
  ])("end only their own request where one %s", async (_, change, message) => {
    const { engine, native } = await fakeEngine(script);
    const bad = engine.generate("x", { logitProcessor: { ...processor(), ...change } as LogitProcessor });
    const good = engine.generate("x", { logitProcessor: processor() });
    await expect(bad.result).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining(message),
    });
    expect((await good.result).text).toBe("A");
    expect(native.aborted).toEqual([1]);
    expect(engine.stats().requests).toBe(0);
  });

  it("may end their generation: nothing goes back then", async () => {
    const { engine, native } = await fakeEngine(script);
    const generation = engine.generate("x", {
      logitProcessor: {
        ...processor(),
        processLogits: (logits) => {
          generation.abort();
          return logits;
        },
      },
    });
    expect((await generation.result).finishReason).toBe("abort");
    expect(native.replies).toEqual([]);
  });

  it("are refused at once where they are none", async () => {
    const { engine, native } = await fakeEngine(script);
    const fails = (logitProcessor: unknown) => () => engine.generate("x", { logitProcessor } as object);
    for (const wrong of ["unknown", 3, {}, { processLogits: () => undefined }]) {
      expect(fails(wrong)).toThrow(
        expect.objectContaining({
          code: "ERR_INVALID_ARGUMENT",
          message: expect.stringContaining("for logitProcessor"),
        }),
      );
    }
    expect(
      fails({
        ...processor(),
        resetState: () => {
          throw new Error("oops");
        },
      }),
    ).toThrow("resetState");
    expect(() => engine.setLogitProcessorRegistry({} as never)).toThrow("a Map of names to logit processors");
    expect(native.requests).toEqual([]);
  });
});

describe("minTokens", () => {
  it("keeps stop texts from ending the text before", async () => {
    const text: Script = () => [..."abcabc"].map((each) => ({ tokens: [each.charCodeAt(0)] }));
    const { engine } = await fakeEngine(text);
    expect((await engine.generate("x", { stop: "b" }).result).text).toBe("a");
    expect((await engine.generate("x", { stop: "b", minTokens: 3 }).result).text).toBe("abca");
  });
});
