// The default model on OpenCL and Vulkan devices: golden ids, many requests at a time, forks, aborts, pages copied out and in, and what "auto" does.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { devices, Engine } from "../../lib/index.js";
import { nodeMlc } from "../support/command-line.js";
import { compiledModel } from "../support/compiled-model.js";
import { testGpus } from "../support/gpu-kernel.js";
import { sharedData } from "../support/shared-data.js";

interface Golden {
  cases: { prompt_ids: number[]; greedy_new_ids: number[] }[];
}

const gguf = process.env.NODE_MLC_DEFAULT_MODEL;
const goldenFile = sharedData("smollm2-135m-instruct", "golden.json");
const present = gguf !== undefined && goldenFile !== undefined;
const gpus = present ? testGpus() : [];

describe.each(gpus)("SmolLM2-135M-Instruct on $kind", ({ kind }) => {
  let folder: string;
  let engine: Engine;
  let cases: Golden["cases"];

  beforeAll(async () => {
    cases = (JSON.parse(await readFile(goldenFile ?? "", "utf8")) as Golden).cases;
    folder = await compiledModel(gguf ?? "", { quantization: "keep", target: ["cpu", "opencl", "vulkan"] });
    engine = await Engine.load(folder, { device: kind, maxBatch: 4, contextLength: 1024 });
  }, 300_000);
  afterAll(() => engine?.dispose());

  /** As many ids as the golden answer has. */
  const greedy = async ({ prompt_ids, greedy_new_ids }: Golden["cases"][number]) => {
    const options = { maxTokens: greedy_new_ids.length, temperature: 0, ignoreEos: true };
    return [...(await engine.generate(Int32Array.from(prompt_ids), options).result).tokens];
  };

  it("says where it runs", () => {
    expect(engine.device).toMatchObject({ type: kind, index: 0, reason: "asked for" });
    expect(engine.library.name).toBe(kind);
  });

  it("gives the golden greedy ids, of one request and of all at a time", async () => {
    const [first] = cases;
    expect(first && (await greedy(first))).toEqual(first?.greedy_new_ids);
    expect(await Promise.all(cases.map(greedy))).toEqual(cases.map(({ greedy_new_ids }) => greedy_new_ids));
  });

  it("gives all pages back after aborts in the middle", async () => {
    const held = () => {
      const { pagesTotal, pagesFree } = engine.stats();
      return pagesTotal - pagesFree;
    };
    const running = Array.from({ length: 4 }, (_, i) =>
      engine.generate(Int32Array.from(cases[i % cases.length]?.prompt_ids ?? []), { maxTokens: 500 }),
    );
    await Promise.all(
      running.map(async (generation, i) => {
        let seen = 0;
        for await (const _ of generation) if (++seen > i) break;
      }),
    );
    await expect.poll(() => engine.stats().running).toBe(0);
    expect(held()).toBe(0);
    const [first] = cases;
    expect(first && (await greedy(first))).toEqual(first?.greedy_new_ids);
  });

  it("forks, saves and restores a session: pages leave the device and come back", async () => {
    const options = { maxTokens: 6, temperature: 0 };
    const home = await mkdtemp(path.join(tmpdir(), "gpu-"));
    const file = path.join(home, "session.mlc");
    const session = engine.session({
      messages: [{ role: "system", content: "You are a painter. ".repeat(6) }],
    });
    await session.send("Name three colours.", options).result;
    await session.save(file);
    const fork = await session.fork();
    const next = await session.send("Which of them is the sky's?", options).result;
    expect((await fork.send("Which of them is the sky's?", options).result).text).toBe(next.text);
    await using other = await Engine.load(folder, { device: kind, maxBatch: 1, contextLength: 1024 });
    const restored = await other.restoreSession(file);
    const again = await restored.send("Which of them is the sky's?", options).result;
    expect(again.text).toBe(next.text);
    expect(again.usage.cachedTokens).toBeGreaterThan(again.usage.promptTokens - 40);
    await rm(home, { recursive: true });
  });

  // The same way for every kind, and the software driver of Vulkan is slow.
  it.runIf(kind === "opencl")("runs in a child process too", async () => {
    await using isolated = await Engine.load(folder, {
      device: `${kind}:0`,
      maxBatch: 1,
      contextLength: 512,
      isolation: "process",
    });
    const [first] = cases;
    const { tokens } = await isolated.generate(Int32Array.from(first?.prompt_ids ?? []), {
      maxTokens: 8,
      temperature: 0,
      ignoreEos: true,
    }).result;
    expect([...tokens]).toEqual(first?.greedy_new_ids.slice(0, 8));
  });

  it("runs on the processor by default where the driver computes there too", async () => {
    await using chosen = await Engine.load(folder);
    const found = await devices();
    const hasGpu = found.some((device) => device.available && device.type !== "cpu" && device.kind === "gpu");
    expect(chosen.device.type !== "cpu").toBe(hasGpu);
  });

  it("refuses devices that are not there, and packages without code for them", async () => {
    await expect(Engine.load(folder, { device: `${kind}:99` })).rejects.toMatchObject({
      code: "ERR_DEVICE_UNAVAILABLE",
    });
    const plain = await compiledModel(gguf ?? "", { quantization: "keep" });
    await expect(Engine.load(plain, { device: kind })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });

  it.runIf(kind === "opencl")("answers by the command line", async () => {
    const flags = ["--prompt", "What is the capital of Japan?", "--temperature", "0", "--device", kind];
    expect((await nodeMlc("generate", folder, ...flags)).stdout).toContain("Tokyo");
  });
});
