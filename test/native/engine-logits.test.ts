/** Requests whose logits go to JavaScript and back, through the addon. */
import { describe, expect, it } from "vitest";
import { NativeEngine, type NativeEvent, type NativeRequest } from "../../lib/ffi/index.js";
import { fakeAnswer, fakeModel, fakePrompt, fakeRequest } from "../support/fake-model.js";

type Reply = (event: NativeEvent, engine: NativeEngine) => void;

/** Loads an engine whose events with logits go to `onLogits`; `run` gives the tokens and the last event of a request. */
async function load(onLogits: Reply, change: Parameters<typeof fakeModel>[1] = {}) {
  const tokens = new Map<number, number[]>();
  const done = new Map<number, (end: { tokens: number[]; last: NativeEvent }) => void>();
  const engine: NativeEngine = await NativeEngine.load(fakeModel({}, change), (events) => {
    for (const event of events) {
      const all = tokens.get(event.id) ?? [];
      tokens.set(event.id, all);
      all.push(...event.tokens);
      if (event.logits !== undefined) onLogits(event, engine);
      if (event.finish !== undefined) done.get(event.id)?.({ tokens: all, last: event });
    }
  });
  const run = (request: NativeRequest) =>
    new Promise<{ tokens: number[]; last: NativeEvent }>((resolve) => {
      done.set(request.id, resolve);
      engine.submit(request);
    });
  return { engine, run };
}

const give: Reply = ({ id, logits = new Float32Array() }, engine) => engine.replyLogits(id, logits);
const external = (id: number, length: number, change: Partial<NativeRequest> = {}) =>
  fakeRequest(id, fakePrompt(length, id), { externalLogits: true, maxTokens: 30, ...change });

describe("external logits", () => {
  it("unchanged, give what the engine would have chosen, beside other requests and with few pages", async () => {
    const { engine, run } = await load(give, { pages: 12 });
    const ids = Array.from({ length: 12 }, (_, index) => index + 1);
    const ends = await Promise.all(
      ids.map((id) => run({ ...external(id, 5 + id * 3), externalLogits: id % 2 === 0 })),
    );
    ends.forEach(({ tokens, last }, index) => {
      const id = index + 1;
      expect(tokens).toEqual(fakeAnswer(fakePrompt(5 + id * 3, id), 30));
      expect(last).toMatchObject({ finish: "length", completionTokens: 30 });
    });
    expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, pagesFree: 12 });
    await engine.dispose();
  });

  it("changed, decide the token, before penalties and bias", async () => {
    const { engine, run } = await load(({ id, logits = new Float32Array() }, native) => {
      expect(logits).toHaveLength(50);
      logits.fill(Number.NEGATIVE_INFINITY);
      logits[7] = 1;
      logits[8] = 1.5;
      native.replyLogits(id, logits);
    });
    const logitBias = { ids: Int32Array.of(7), values: Float32Array.of(1) };
    expect((await run(external(1, 5, { maxTokens: 4 }))).tokens).toEqual([8, 8, 8, 8]);
    expect((await run(external(2, 5, { maxTokens: 4, logitBias }))).tokens).toEqual([7, 7, 7, 7]);
    await engine.dispose();
  });

  it("that never come back hold up nobody, and the request can be aborted", async () => {
    const { engine, run } = await load((event, native) => {
      if (event.id !== 1) give(event, native);
    });
    const stuck = run(external(1, 20));
    const others = await Promise.all([2, 3, 4, 5, 6, 7].map((id) => run(external(id, 9))));
    for (const { last } of others) expect(last.finish).toBe("length");
    expect(engine.stats()).toMatchObject({ running: 1 });
    engine.abort(1);
    expect((await stuck).last).toMatchObject({ finish: "abort", completionTokens: 0 });
    expect(engine.stats()).toMatchObject({ running: 0, pagesFree: 64 });
    // Too late, twice, unknown: nothing.
    for (const id of [1, 1, 99]) engine.replyLogits(id, new Float32Array(50));
    expect((await run(external(1, 3, { externalLogits: false }))).tokens).toHaveLength(30);
    await engine.dispose();
  });

  it.each([
    [Number.NaN, "NaN for token 0"],
    [Number.POSITIVE_INFINITY, "Infinity for token 0"],
    [Number.NEGATIVE_INFINITY, "-Infinity for every token"],
  ])("of %d end their request with an error", async (value, message) => {
    const { engine, run } = await load((event, native) => {
      if (event.id === 1) native.replyLogits(1, new Float32Array(50).fill(value));
      else give(event, native);
    });
    const [bad, good] = await Promise.all([run(external(1, 9)), run(external(2, 9))]);
    expect(bad.last).toMatchObject({
      finish: "error",
      error: { code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(message) },
    });
    expect(good.last.finish).toBe("length");
    expect(engine.stats()).toMatchObject({ running: 0, pagesFree: 64 });
    await engine.dispose();
  });

  it("are checked when they are given", async () => {
    const { engine } = await load(give);
    const wrong =
      (...args: unknown[]) =>
      () =>
        Reflect.apply(engine.replyLogits, engine, args);
    expect(wrong(1, new Float32Array(49))).toThrow("Expected 50 numbers for 'logits'");
    expect(wrong(1, new Float64Array(50))).toThrow("Float32Array");
    expect(wrong(1, [1])).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    expect(wrong(-1, new Float32Array(50))).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
    await engine.dispose();
    expect(wrong(1, new Float32Array(50))).toThrow(expect.objectContaining({ code: "ERR_DISPOSED" }));
  });

  it("under way do not keep dispose() waiting", async () => {
    const { engine, run } = await load(() => undefined);
    const stuck = run(external(1, 9));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await engine.dispose();
    expect((await stuck).last.finish).toBe("abort");
  });

  it("report the model's log-probabilities, not the changed ones", async () => {
    const logprobs: number[] = [];
    const engine: NativeEngine = await NativeEngine.load(fakeModel(), (events) => {
      for (const { id, logits, logprobs: reported = [] } of events) {
        logprobs.push(...reported.map(({ logprob }) => logprob));
        if (logits !== undefined) engine.replyLogits(id, logits.fill(0));
      }
    });
    engine.submit(external(1, 9, { maxTokens: 3, logprobs: 0 }));
    while (logprobs.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    // Of ten against forty-nine zeros; all equal they would be -ln 50.
    for (const logprob of logprobs) expect(Math.abs(logprob + Math.log(50))).toBeGreaterThan(1);
    await engine.dispose();
  });
});
