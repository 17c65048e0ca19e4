import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NativeEngine, type NativeEngineConfig } from "../../lib/ffi/index.js";
import { fakeModel, fakeRequest, RunningEngine, scratch } from "../support/fake-model.js";

const load = (config: NativeEngineConfig) => NativeEngine.load(config, () => {});

describe("load", () => {
  it("reports its phases and what it holds", async () => {
    const progress: [number, number, string][] = [];
    const config = fakeModel({ padding: (80 << 20) + 5 });
    const engine = await NativeEngine.load(
      config,
      () => {},
      (done, total, phase) => progress.push([done, total, phase]),
    );
    const phases = [...new Set(progress.map(([, , phase]) => phase))];
    expect(phases).toEqual(["library", "weights", "cache", "warmup"]);
    const weights = progress.filter(([, , phase]) => phase === "weights");
    expect(weights.length).toBeGreaterThan(2);
    expect(weights.at(-1)).toEqual([(80 << 20) + 69, (80 << 20) + 69, "weights"]);
    expect(engine.stats()).toMatchObject({
      pagesTotal: 64,
      pagesFree: 64,
      kvBytes: 64 * 2 * 16 * 4,
      weightBytes: (80 << 20) + 69,
      steps: 0,
    });
    expect(engine.stats().threads).toBeGreaterThanOrEqual(1);
    expect(engine.stats().loadMs).toBeGreaterThan(0);
    await engine.dispose();
  });

  it("uses no more threads than there are processors", async () => {
    const engine = await load(fakeModel({}, { threads: 100_000 }));
    expect(engine.stats().threads).toBeLessThanOrEqual(1024);
    await engine.dispose();
  });

  it("locks the weights in memory where the system allows it", async () => {
    const attempt = load(fakeModel({ padding: 1 << 20 }, { lockMemory: true }));
    const code = await attempt.then(
      (engine) => engine.dispose().then(() => "locked"),
      (error) => error.code,
    );
    expect(["locked", "ERR_INSUFFICIENT_MEMORY"]).toContain(code);
  });

  const truncated = scratch("truncated.so");
  const noLibrary = scratch("text.so");
  const noModel = scratch("addon.so");
  it.each<[string, (config: NativeEngineConfig) => Partial<NativeEngineConfig>, string, RegExp]>([
    ["no library", () => ({ library: scratch("absent.so") }), "ERR_INVALID_PACKAGE", /absent\.so/],
    [
      "a library cut off",
      ({ library }) => {
        copyFileSync(library, truncated);
        truncateSync(truncated, readFileSync(library).length / 2);
        return { library: truncated };
      },
      "ERR_INVALID_PACKAGE",
      /cut off/,
    ],
    [
      "a library that is text",
      () => {
        writeFileSync(noLibrary, "no library".repeat(50));
        return { library: noLibrary };
      },
      "ERR_INVALID_PACKAGE",
      /text\.so/,
    ],
    [
      "a library without a model",
      ({ library }) => {
        copyFileSync(library.replace("node_mlc_fake_model.so", "node_mlc.node"), noModel);
        return { library: noModel };
      },
      "ERR_INVALID_PACKAGE",
      /addon\.so/,
    ],
    [
      "no shard",
      () => ({ shards: [{ path: scratch("no.bin"), bytes: 64 }] }),
      "ERR_INVALID_PACKAGE",
      /no\.bin/,
    ],
    [
      "a folder as shard",
      () => ({ shards: [{ path: scratch("."), bytes: 64 }] }),
      "ERR_INVALID_PACKAGE",
      /file/,
    ],
    [
      "a shard of another size",
      ({ shards }) => ({ shards: shards.map((shard) => ({ ...shard, bytes: 128 })) }),
      "ERR_INVALID_PACKAGE",
      /128.*64|64.*128/,
    ],
    ["a parameter beyond its shard", change({ offset: 64 }), "ERR_INVALID_PACKAGE", /settings.*inside/],
    ["an offset near 2^53", change({ offset: 2 ** 53 - 64 }), "ERR_INVALID_PACKAGE", /settings/],
    ["a parameter off its alignment", change({ offset: 4 }), "ERR_INVALID_PACKAGE", /multiple of 64/],
    ["a parameter in no shard", change({ shard: 1 }), "ERR_INVALID_PACKAGE", /shard 1/],
    ["a shape of another size", change({ shape: [9] }), "ERR_INVALID_PACKAGE", /shape/],
    ["a shape that overflows", change({ shape: [2 ** 40, 2 ** 40] }), "ERR_INVALID_PACKAGE", /shape/],
    ["an unknown dtype", change({ dtype: "float33x" }), "ERR_INVALID_PACKAGE", /float33x/],
    ["logits of another width", () => ({ vocabSize: 51 }), "ERR_INVALID_PACKAGE", /51/],
    [
      "a KV cache beyond all memory",
      () => ({ pages: 2 ** 24, layers: 100, kvHeads: 500, headDim: 2 }),
      "ERR_INSUFFICIENT_MEMORY",
      /KV/,
    ],
    ["wrong fields", () => ({ kvDtype: "int4" as "float16" }), "ERR_INVALID_ARGUMENT", /kvDtype/],
    ["wrong numbers", () => ({ maxBatch: 0 }), "ERR_INVALID_ARGUMENT", /maxBatch/],
    ["missing fields", () => ({ layers: undefined as unknown as number }), "ERR_INVALID_ARGUMENT", /layers/],
  ])("refuses %s", async (_name, damage, code, message) => {
    const config = fakeModel();
    const attempt = async () => load({ ...config, ...damage(config) });
    await expect(attempt()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  function change(part: Record<string, unknown>) {
    return ({ params }: NativeEngineConfig) => ({ params: params.map((param) => ({ ...param, ...part })) });
  }
});

/** Mapped regions of this process that belong to the model's files, and all threads. */
function holdings(): { maps: number; threads: number } {
  const maps = readFileSync("/proc/self/maps", "utf8").match(/node_mlc_fake_model|node-mlc-fake/g);
  const threads = /Threads:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return { maps: maps?.length ?? 0, threads: Number(threads) };
}

describe.skipIf(process.platform !== "linux")("nothing stays behind", () => {
  it("after 50 loads, generations and disposals", async () => {
    const config = fakeModel({ padding: 8 << 20 }, { pages: 20_000 });
    const round = async () => {
      const running = await RunningEngine.load(config);
      await running.run(fakeRequest(1, [1, 2, 3]));
      await running.engine.dispose();
    };
    for (let i = 0; i < 5; i++) await round();
    const before = { ...holdings(), rss: process.memoryUsage.rss() };
    for (let i = 0; i < 50; i++) await round();
    const after = holdings();
    expect(after.maps).toBe(before.maps);
    expect(after.threads).toBeLessThanOrEqual(before.threads);
    expect(process.memoryUsage.rss() - before.rss).toBeLessThan(8 << 20);
  });

  it("after 50 failed loads", async () => {
    const config = fakeModel({ padding: 8 << 20 }, { vocabSize: 51 });
    // The first error of a library makes TVM map its symbols for the backtrace, once.
    await expect(load(config)).rejects.toThrow();
    const before = holdings();
    for (let i = 0; i < 50; i++) await expect(load(config)).rejects.toThrow();
    expect(holdings()).toEqual(before);
  });
});

describe("several engines", () => {
  it("run at once and end apart", async () => {
    const engines = await Promise.all([1, 2, 3].map(() => RunningEngine.load(fakeModel({ stepMs: 1 }))));
    const outcomes = engines.map((running, i) =>
      running.run(fakeRequest(1, [i], { maxTokens: 30 + i * 20 })),
    );
    for (const [i, outcome] of outcomes.entries()) {
      expect((await outcome).tokens).toHaveLength(30 + i * 20);
      await engines[i]?.engine.dispose();
    }
  });
});
