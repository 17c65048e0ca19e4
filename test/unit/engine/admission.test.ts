/** A bounded queue and time limits, over a scripted native engine. */
import { describe, expect, it } from "vitest";
import { Admission } from "../../../lib/engine/admission.js";
import { fakeEngine, textScript } from "../../support/fake-engine.js";

describe("admission", () => {
  it("takes in what batch and queue hold, and says when to come again", () => {
    let now = 0;
    const admission = new Admission(2, 1, () => now);
    for (const open of [0, 1, 2]) admission.admit(open);
    now = 400;
    admission.ended();
    admission.admit(2);
    expect(() => admission.admit(3)).toThrow(
      expect.objectContaining({
        code: "ERR_ENGINE_OVERLOADED",
        status: 429,
        details: { retryAfterMs: 400, open: 3, maxBatch: 2, maxQueue: 1 },
      }),
    );
    now = 600;
    admission.ended();
    // A fifth of the way from 400 to 200.
    expect(() => admission.admit(3)).toThrow(/try again in 360 ms/);
    expect(admission.refused).toBe(2);
  });

  it("refuses a request beyond the queue and takes it once another has ended", async () => {
    const { engine, native } = await fakeEngine(textScript("ok"), { maxQueue: 1 });
    native.hold = true;
    const room = engine.plan().batch + 1;
    const open = Array.from({ length: room }, () => engine.generate("a"));
    expect(() => engine.generate("a")).toThrow(expect.objectContaining({ code: "ERR_ENGINE_OVERLOADED" }));
    expect(engine.stats()).toMatchObject({ requests: room, refused: 1 });
    open[0]?.abort();
    const last = engine.generate("a");
    native.resume();
    await Promise.all([...open, last].map(({ result }) => result));
    expect(engine.stats().requests).toBe(0);
  });
});

describe("time limits", () => {
  it("end a request that takes too long, and are forgotten with one that does not", async () => {
    const { engine, native } = await fakeEngine(textScript("ok"));
    native.hold = true;
    const slow = engine.generate("a", { timeoutMs: 20 });
    await expect(slow.result).rejects.toMatchObject({
      code: "ERR_TIMEOUT",
      status: 504,
      details: { option: "timeoutMs", ms: 20 },
    });
    expect(native.aborted).toEqual([1]);
    native.resume();
    const quick = await engine.generate("a", { timeoutMs: 1000, queueTimeoutMs: 1000 }).result;
    expect(quick.text).toBe("ok");
    expect(native.aborted).toEqual([1]);
  });

  it("end a request that has waited too long, but not one that has begun", async () => {
    const { engine, native } = await fakeEngine(textScript("ok"));
    native.hold = true;
    native.queued.add(1);
    const waiting = engine.generate("a", { queueTimeoutMs: 10 });
    const begun = engine.generate("a", { queueTimeoutMs: 10 });
    await expect(waiting.result).rejects.toMatchObject({
      code: "ERR_TIMEOUT",
      details: { option: "queueTimeoutMs", ms: 10 },
    });
    native.resume();
    expect((await begun.result).text).toBe("ok");
  });

  it.each([
    [{ timeoutMs: 0 }, /timeoutMs/],
    [{ queueTimeoutMs: 1.5 }, /queueTimeoutMs/],
    [{ timeoutMs: 2 ** 31 }, /timeoutMs/],
  ])("refuses %j", async (options, message) => {
    const { engine } = await fakeEngine(textScript("ok"));
    expect(() => engine.generate("a", options)).toThrow(message);
  });
});
