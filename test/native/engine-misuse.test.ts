import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NativeEngine, type NativeRequest, Tensor } from "../../lib/ffi/index.js";
import { fakeModel, fakePrompt, fakeRequest, RunningEngine } from "../support/fake-model.js";

/** What a JavaScript caller may do that TypeScript forbids. */
type Untyped = Record<string, (...args: unknown[]) => unknown>;
const untyped = (value: object) => value as unknown as Untyped;

const thought = { begin: Int32Array.of(1), end: Int32Array.of(2), close: Int32Array.of(2), begun: false };

describe("wrong values", () => {
  let running: RunningEngine;
  beforeAll(async () => {
    running = await RunningEngine.load(fakeModel());
  });
  afterAll(() => running.engine.dispose());

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["a negative id", { id: -1 }, /'id' of submit\(\)/],
    ["tokens as an array", { tokens: [1, 2] }, /Int32Array for 'tokens'/],
    ["tokens of another type", { tokens: new Float32Array(3) }, /Int32Array for 'tokens'/],
    ["no tokens", { tokens: new Int32Array() }, /at least one token/],
    ["a token beyond the vocabulary", { tokens: Int32Array.of(1, 50) }, /0 to 49.*received 50/],
    ["a negative token", { tokens: Int32Array.of(-1) }, /0 to 49.*received -1/],
    ["no tokens to generate", { maxTokens: 0 }, /'maxTokens'.*received 0/],
    ["half a token", { maxTokens: 1.5 }, /an integer.*'maxTokens'.*received 1\.5/],
    ["a negative temperature", { temperature: -0.1 }, /'temperature'.*received -0\.1/],
    ["a temperature that is NaN", { temperature: Number.NaN }, /'temperature'.*received NaN/],
    ["an infinite temperature", { temperature: Number.POSITIVE_INFINITY }, /'temperature'/],
    ["a negative topK", { topK: -1 }, /'topK'/],
    ["a topP above 1", { topP: 1.01 }, /between 0 and 1 for 'topP'.*received 1\.01/],
    ["a negative minP", { minP: -0.5 }, /'minP'/],
    ["a repetition penalty of 0", { repetitionPenalty: 0 }, /'repetitionPenalty'/],
    ["a presence penalty that is text", { presencePenalty: "1" }, /'presencePenalty'.*a string/],
    ["an infinite frequency penalty", { frequencyPenalty: Number.NEGATIVE_INFINITY }, /'frequencyPenalty'/],
    ["a seed that is a number", { seed: 5 }, /bigint for 'seed'/],
    ["too many alternatives", { logprobs: 21 }, /'logprobs'/],
    ["a priority beyond 1000", { priority: 1001 }, /between -1000 and 1000 for 'priority'.*received 1001/],
    ["half a priority", { priority: 0.5 }, /'priority'/],
    ["no stop tokens at all", { stopTokens: undefined }, /'stopTokens'.*undefined/],
    ["a bias without values", { logitBias: { ids: Int32Array.of(1) } }, /'values'/],
    [
      "a bias with too few values",
      { logitBias: { ids: Int32Array.of(1, 2), values: Float32Array.of(1) } },
      /2 values/,
    ],
    [
      "a bias beyond the vocabulary",
      { logitBias: { ids: Int32Array.of(50), values: Float32Array.of(1) } },
      /received 50/,
    ],
    [
      "a bias that is NaN",
      { logitBias: { ids: Int32Array.of(1), values: Float32Array.of(Number.NaN) } },
      /finite/,
    ],
    [
      "a thought without an end",
      { thought: { ...thought, end: new Int32Array() } },
      /at least one token.*none/,
    ],
    [
      "a thought's mark beyond the vocabulary",
      { thought: { ...thought, close: Int32Array.of(50) } },
      /received 50/,
    ],
    ["a thought's negative budget", { thought: { ...thought, budget: -1 } }, /'budget'/],
  ])("submit refuses %s", (_name, change, message) => {
    const request = { ...fakeRequest(1, [1, 2]), ...change } as NativeRequest;
    expect(() => running.engine.submit(request)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringMatching(message) }),
    );
  });

  it("a prompt that fills the context is an overflow, with the numbers", () => {
    expect(() => running.engine.submit(fakeRequest(1, fakePrompt(256)))).toThrow(
      expect.objectContaining({
        code: "ERR_CONTEXT_OVERFLOW",
        message: expect.stringMatching(/at most 255 .*received 256/),
      }),
    );
  });

  it("a refused request leaves nothing behind", async () => {
    expect(() => running.engine.submit(fakeRequest(5, []))).toThrow();
    expect((await running.run(fakeRequest(5, [1]))).tokens).toHaveLength(8);
  });

  it("a getter that throws throws its own error", () => {
    const request = {
      ...fakeRequest(1, [1]),
      get topP(): number {
        throw new RangeError("mine");
      },
    };
    expect(() => running.engine.submit(request)).toThrow(new RangeError("mine"));
  });

  it.each<[string, unknown[], RegExp]>([
    ["no rows", [[]], /at least one row/],
    ["an empty row", [[new Int32Array()]], /at least one row/],
    ["rows of two lengths", [[Int32Array.of(1), Int32Array.of(1, 2)]], /1 and 2/],
    ["a row that is none", [[[1, 2]]], /rows\[0\]/],
    ["a token beyond the vocabulary", [[Int32Array.of(50)]], /rows\[0\].*received 50/],
    ["more decodes than tokens", [[Int32Array.of(1)], { decode: 2 }], /'decode'/],
    ["an empty chunk", [[Int32Array.of(1)], { chunk: 0 }], /'chunk'/],
    ["options that are none", [[Int32Array.of(1)], 7], /'options'/],
  ])("evaluate refuses %s", (_name, args, message) => {
    expect(() => untyped(running.engine).evaluate?.(...args)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringMatching(message) }),
    );
  });

  it.each<[string, unknown[], RegExp]>([
    ["a negative id", [-1, [Int32Array.of(1)], "mean"], /'id'/],
    ["no texts", [1, [], "mean"], /at least one text/],
    ["an empty text", [1, [Int32Array.of(1), new Int32Array()], "mean"], /texts\[1\].*received none/],
    ["a text that is none", [1, [[1, 2]], "mean"], /texts\[0\] of embed/],
    ["a token beyond the vocabulary", [1, [Int32Array.of(50)], "mean"], /texts\[0\].*received 50/],
    ["no pooling", [1, [Int32Array.of(1)]], /'pooling'/],
    ["another pooling", [1, [Int32Array.of(1)], "max"], /"mean", "cls" or "last".*"max"/],
  ])("embed refuses %s", (_name, args, message) => {
    expect(() => untyped(running.engine).embed?.(...args)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringMatching(message) }),
    );
  });

  it("rows and texts beyond the context are overflows", () => {
    const long = Int32Array.from(fakePrompt(257));
    const overflow = expect.objectContaining({ code: "ERR_CONTEXT_OVERFLOW" });
    expect(() => running.engine.evaluate([long])).toThrow(overflow);
    expect(() => running.engine.score(long)).toThrow(overflow);
    expect(() => running.engine.embed(1, [long], "mean")).toThrow(overflow);
    expect(() => running.engine.score(Int32Array.of(1))).toThrow(/two tokens/);
  });

  it("methods refuse a foreign `this`", () => {
    const prototype = untyped(NativeEngine.prototype);
    const strangers = [
      undefined,
      null,
      1,
      {},
      [],
      () => {},
      Tensor.empty([1], "int8"),
      NativeEngine.prototype,
    ];
    for (const stranger of strangers) {
      expect(() => prototype.stats?.call(stranger)).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
      expect(() => prototype.dispose?.call(stranger)).toThrow(/Illegal invocation/);
    }
    expect(() => untyped(Tensor.prototype).bytes?.call(running.engine)).toThrow();
  });

  it("the constructor is not for callers", () => {
    const Class = NativeEngine as unknown as new () => unknown;
    expect(() => new Class()).toThrow(/NativeEngine\.load/);
    expect(running.engine).toBeInstanceOf(NativeEngine);
    expect({}).not.toBeInstanceOf(NativeEngine);
  });

  it("load refuses arguments of other types", () => {
    const { load } = untyped(NativeEngine as unknown as object);
    for (const args of [[], [null], [{}], [fakeModel(), 5], [fakeModel(), () => {}, 5]])
      expect(() => load?.(...args)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });
});

describe("states", () => {
  const attempts: [string, (running: RunningEngine) => unknown][] = [
    ["submit", ({ engine }) => engine.submit(fakeRequest(1000, [1]))],
    ["abort", ({ engine }) => engine.abort(1)],
    ["evaluate", ({ engine }) => engine.evaluate([Int32Array.of(1)])],
    ["score", ({ engine }) => engine.score(Int32Array.of(1, 2))],
    ["embed", ({ engine }) => engine.embed(1, [Int32Array.of(1)], "last")],
    ["stats", ({ engine }) => engine.stats()],
  ];

  it.each(attempts)("%s works while idle and while generating, not after dispose", async (_name, attempt) => {
    const running = await RunningEngine.load(fakeModel({ stepMs: 1 }));
    await attempt(running);
    const pending = running.run(fakeRequest(2000, fakePrompt(40), { maxTokens: 200 }));
    await running.tokens(2000, 2);
    if (_name !== "submit") await attempt(running);
    const disposal = running.engine.dispose();
    const disposed = expect.objectContaining({ code: "ERR_DISPOSED" });
    expect(running.engine.disposed).toBe(true);
    expect(() => attempt(running)).toThrow(disposed);
    await disposal;
    expect(() => attempt(running)).toThrow(disposed);
    expect((await pending).last.finish).toBe("abort");
  });

  it("dispose is idempotent, before and after its end", async () => {
    const { engine } = await RunningEngine.load(fakeModel());
    expect(engine.disposed).toBe(false);
    await Promise.all([engine.dispose(), engine.dispose(), engine.dispose()]);
    await engine.dispose();
    expect(engine.disposed).toBe(true);
  });

  it("dispose ends requests in every place, and evaluations, before it resolves", async () => {
    const running = await RunningEngine.load(fakeModel({ stepMs: 5 }, { maxBatch: 2, prefillChunk: 16 }));
    const ends: string[] = [];
    const note = (name: string) => () => void ends.push(name);
    for (const id of [1, 2, 3, 4])
      void running.run(fakeRequest(id, fakePrompt(100), { maxTokens: 90 })).then(note("request"));
    const evaluation = running.engine.evaluate([Int32Array.from(fakePrompt(200))], { decode: 200 });
    const rejected = expect(evaluation).rejects.toMatchObject({ code: "ERR_ABORTED" });
    await new Promise((resolve) => setTimeout(resolve, 60));
    await running.engine.dispose().then(note("disposed"));
    await rejected;
    expect(ends).toEqual(["request", "request", "request", "request", "disposed"]);
  });

  it("an exception of the event handler is an uncaught one, and the engine lives on", async () => {
    const uncaught: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => uncaught.push(error));
    const engine = await NativeEngine.load(fakeModel(), () => {
      throw new Error("handler");
    });
    engine.submit(fakeRequest(1, [1], { maxTokens: 1 }));
    while (uncaught.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
    expect(uncaught[0]).toMatchObject({ message: "handler" });
    expect(engine.stats().finished).toBe(1);
    await engine.dispose();
  });
});
