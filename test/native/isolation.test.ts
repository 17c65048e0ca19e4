// A native engine in a worker thread and in a child process: all that the one in this process does, and crashes that end neither.
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { MlcError } from "../../lib/errors.js";
import type { NativeEvent } from "../../lib/ffi/index.js";
import type { IsolatedEngine } from "../../lib/isolation/isolated-engine.js";
import { isolatedRuntime } from "../../lib/isolation/isolated-runtime.js";
import { fakeAnswer, fakeModel, fakePrompt, fakeRequest } from "../support/fake-model.js";

const engines: IsolatedEngine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
});

async function load(kind: "worker" | "process", stepMs = 0, config = fakeModel({ stepMs })) {
  const events: NativeEvent[] = [];
  const crashes: MlcError[] = [];
  const phases = new Set<string>();
  const runtime = await isolatedRuntime(kind, (error) => crashes.push(error));
  expect(runtime.cpuFeatures()).not.toHaveLength(0);
  const engine = await runtime.load(
    config,
    (some) => events.push(...some),
    (_done, _total, phase) => phases.add(phase),
  );
  engines.push(engine);
  const ended = (id: number) =>
    expect
      .poll(() => events.find((event) => event.id === id && event.finish !== undefined), { timeout: 10_000 })
      .toBeDefined()
      .then(() => events.find((event) => event.id === id && event.finish !== undefined) as NativeEvent);
  const tokens = (id: number) =>
    events.filter((event) => event.id === id).flatMap((event) => [...event.tokens]);
  return { engine, events, crashes, phases, ended, tokens };
}

describe.each(["worker", "process"] as const)("isolation: %s", (kind) => {
  it("generates, embeds, evaluates, pins and traces as in this process", async () => {
    const { engine, phases, ended, tokens } = await load(kind);
    expect(phases).toContain("weights");
    const prompt = fakePrompt(3, 7);
    for (const id of [1, 2, 3]) engine.submit(fakeRequest(id, prompt, { maxTokens: 5 }));
    expect(() => engine.submit(fakeRequest(2, prompt))).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
    for (const id of [1, 2, 3]) {
      expect((await ended(id)).finish).toBe("length");
      expect(tokens(id)).toEqual(fakeAnswer(prompt, 5));
    }
    expect(engine.stats()).toMatchObject({ finished: 3, running: 0 });
    engine.startTrace(100);
    expect(await engine.embed(9, [Int32Array.of(1, 2)], "mean")).toBeInstanceOf(Float32Array);
    expect(await engine.evaluate([Int32Array.of(1, 2, 3)])).toHaveLength(150);
    expect(await engine.score(Int32Array.of(1, 2, 3))).toHaveLength(2);
    expect(await engine.pin(1, Int32Array.from(prompt))).toBe(0);
    engine.unpin(1);
    expect((await engine.stopTrace()).steps).toBeInstanceOf(Float64Array);
    await expect(engine.evaluate([Int32Array.of(99)])).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });

  it("what the native engine refuses ends the request; abort and dispose end what runs", async () => {
    const { engine, ended } = await load(kind, 5);
    engine.submit(fakeRequest(1, fakePrompt(300)));
    expect(await ended(1)).toMatchObject({ finish: "error", error: { code: "ERR_CONTEXT_OVERFLOW" } });
    engine.submit(fakeRequest(2, [1], { maxTokens: 200 }));
    engine.abort(2);
    expect((await ended(2)).finish).toBe("abort");
    engine.submit(fakeRequest(3, [1], { maxTokens: 200 }));
    await engine.dispose();
    expect((await ended(3)).finish).toBe("abort");
    expect(engine.disposed).toBe(true);
    await expect(engine.score(Int32Array.of(1, 2))).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    await expect(engine.restart()).rejects.toMatchObject({ code: "ERR_DISPOSED" });
  });

  it("says why a restart failed, and restarts when that is mended", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "isolation-"));
    const config = { ...fakeModel(), library: path.join(folder, "model.so") };
    await copyFile(fakeModel().library, config.library);
    const { engine, ended } = await load(kind, 0, config);
    await rm(config.library);
    await expect(engine.restart()).rejects.toMatchObject({ code: "ERR_INVALID_PACKAGE" });
    expect(engine.crash?.code).toBe("ERR_INVALID_PACKAGE");
    expect(() => engine.submit(fakeRequest(1, [1]))).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_PACKAGE" }),
    );
    await copyFile(fakeModel().library, config.library);
    await engine.restart();
    expect(engine.crash).toBeUndefined();
    engine.submit(fakeRequest(1, [1], { maxTokens: 3 }));
    expect((await ended(1)).finish).toBe("length");
    await rm(folder, { recursive: true });
  });

  it("restarts: what runs ends, and all begins anew", async () => {
    const { engine, ended, tokens, crashes } = await load(kind, 2);
    engine.submit(fakeRequest(1, [1], { maxTokens: 200 }));
    await Promise.all([engine.restart(), engine.restart()]);
    expect(await ended(1)).toMatchObject({ finish: "error", error: { code: "ERR_ABORTED" } });
    engine.submit(fakeRequest(2, [1, 2], { maxTokens: 3 }));
    await ended(2);
    expect(tokens(2)).toEqual(fakeAnswer([1, 2], 3));
    expect(crashes).toHaveLength(0);
  });
});

describe("a process that crashes", () => {
  it.each(["SIGSEGV", "SIGKILL", "SIGABRT"] as const)(
    "by %s fails what runs, and is started again",
    async (signal) => {
      const { engine, events, crashes, ended, tokens } = await load("process", 5);
      engine.submit(fakeRequest(1, [1], { maxTokens: 200 }));
      await expect.poll(() => events.length).toBeGreaterThan(0);
      const scoring = engine.score(Int32Array.of(1, 2)).catch((error: unknown) => error);
      process.kill(engine.pid ?? 0, signal);
      // In the very moment, before anybody knows.
      engine.submit(fakeRequest(2, [1]));
      for (const id of [1, 2])
        expect(await ended(id)).toMatchObject({ finish: "error", error: { code: "ERR_ENGINE_CRASHED" } });
      const [crash] = crashes;
      expect(crash).toMatchObject({ code: "ERR_ENGINE_CRASHED", details: { isolation: "process", signal } });
      expect(crash?.message).toMatch(/restart/);
      expect([crash, undefined]).toContain(
        await scoring.then((error) => (error instanceof Float32Array ? undefined : error)),
      );
      expect(engine.crash).toBe(crash);
      expect(() => engine.submit(fakeRequest(3, [1]))).toThrow(crash);
      await expect(engine.evaluate([Int32Array.of(1)])).rejects.toBe(crash);
      engine.abort(1);
      await engine.restart();
      expect(engine.crash).toBeUndefined();
      engine.submit(fakeRequest(4, [1, 2], { maxTokens: 3 }));
      await ended(4);
      expect(tokens(4)).toEqual(fakeAnswer([1, 2], 3));
      expect(crashes).toHaveLength(1);
    },
  );

  it("before it is loaded rejects the load", async () => {
    const runtime = await isolatedRuntime("process", () => undefined);
    const config = fakeModel();
    await expect(
      runtime.load(
        { ...config, library: "/nonexistent.so" },
        () => undefined,
        () => undefined,
      ),
    ).rejects.toMatchObject({ code: "ERR_INVALID_PACKAGE" });
    await runtime.release();
  });
});
