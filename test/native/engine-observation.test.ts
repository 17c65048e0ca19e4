// What the native engine tells of its steps, and aborts that depend on what it has begun.
import { afterEach, describe, expect, it } from "vitest";
import { traceEvents } from "../../lib/engine/trace.js";
import { fakeModel, fakePrompt, fakeRequest, RunningEngine } from "../support/fake-model.js";

let running: RunningEngine;
afterEach(() => running.engine.dispose());

const load = async (change: Parameters<typeof fakeModel>[1] = {}, stepMs = 1) => {
  running = await RunningEngine.load(fakeModel({ stepMs }, change));
  return running.engine;
};

it("a request is aborted in the queue only where it is still there", async () => {
  const engine = await load({ maxBatch: 1 });
  const first = running.run(fakeRequest(1, fakePrompt(5), { maxTokens: 30 }));
  const second = running.run(fakeRequest(2, fakePrompt(5, 2), { maxTokens: 30 }));
  await running.tokens(1, 3);
  engine.abortIfQueued(1);
  engine.abortIfQueued(2);
  engine.abortIfQueued(3);
  expect((await second).last).toMatchObject({ finish: "abort", completionTokens: 0 });
  expect((await first).last.finish).toBe("length");
});

describe("a trace", () => {
  it("has every step and the phases of every request", async () => {
    const engine = await load();
    engine.startTrace(1000);
    await Promise.all([1, 2].map((id) => running.run(fakeRequest(id, fakePrompt(40, id), { maxTokens: 6 }))));
    const { steps } = engine.stats();
    const trace = traceEvents(await engine.stopTrace());
    expect(trace.traceEvents.filter(({ name }) => name === "step")).toHaveLength(steps);
    const begun = trace.traceEvents.filter(({ ph }) => ph === "b");
    for (const id of [1, 2]) {
      const names = begun.filter((event) => event.id === id).map(({ name }) => name);
      expect(new Set(names)).toEqual(new Set(["request", "queued", "prefill", "decode"]));
    }
    const whole = begun.filter(({ name }) => name === "request");
    for (const { args } of whole)
      expect(args).toMatchObject({ promptTokens: 40, answerTokens: 6, outcome: "length" });
    for (const event of trace.traceEvents) expect(event.ts).toBeGreaterThanOrEqual(0);
  });

  it("keeps the last steps and counts the others", async () => {
    const engine = await load();
    engine.startTrace(4);
    await running.run(fakeRequest(1, fakePrompt(4), { maxTokens: 20 }));
    const { steps, droppedSteps } = await engine.stopTrace();
    expect(steps.length / 6).toBe(4);
    expect(droppedSteps).toBe(engine.stats().steps - 4);
  });

  it("that was not begun is empty", async () => {
    const engine = await load();
    expect(await engine.stopTrace()).toMatchObject({ durationMs: 0, droppedSteps: 0 });
  });
});
