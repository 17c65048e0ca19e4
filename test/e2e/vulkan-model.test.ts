// A whole model on a Vulkan device: golden ids, one request after the other and all at a time, and what the validation layer says.
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine } from "../../lib/index.js";
import { nodeMlc, nodeMlcWith } from "../support/command-line.js";
import { compiledModel } from "../support/compiled-model.js";
import { sharedData } from "../support/shared-data.js";
import { canCompileWgsl, hasValidationLayer, VALIDATION, vulkanDevices } from "../support/vulkan-device.js";

interface Golden {
  cases: { prompt_ids: number[]; greedy_ids: number[] }[];
}

const stories = sharedData("stories260K");
const present = stories !== undefined && vulkanDevices().length > 0 && canCompileWgsl();

describe.skipIf(!present)("stories260K on Vulkan", () => {
  let folder: string;
  let engine: Engine;
  let cases: Golden["cases"];

  beforeAll(async () => {
    const golden = await readFile(path.join(stories ?? "", "golden.json"), "utf8");
    cases = (JSON.parse(golden) as Golden).cases;
    folder = await compiledModel(path.join(stories ?? "", "hf"), {
      quantization: "q0f32",
      target: ["cpu", "vulkan"],
    });
    engine = await Engine.load(folder, { device: "vulkan", maxBatch: 4 });
  }, 300_000);
  afterAll(() => engine?.dispose());

  /** The next 40 ids after the prompt, and those of the golden file. */
  const greedy = async ({ prompt_ids }: Golden["cases"][number]) => {
    const options = { maxTokens: 40, temperature: 0, ignoreEos: true };
    return [...(await engine.generate(Int32Array.from(prompt_ids), options).result).tokens];
  };
  const expected = ({ prompt_ids, greedy_ids }: Golden["cases"][number]) =>
    greedy_ids.slice(prompt_ids.length, prompt_ids.length + 40);

  it("says where it runs", () => {
    expect(engine.device).toMatchObject({ type: "vulkan", index: 0, reason: "asked for" });
  });

  it("has SPIR-V in its library, which users' machines need no compiler for", async () => {
    const lib = path.join(folder, "lib");
    const files = readdirSync(lib, { recursive: true, encoding: "utf8" });
    const library = await readFile(path.join(lib, files.find((file) => file.includes("vulkan")) ?? ""));
    expect(library.includes("@compute")).toBe(false);
    expect(library.includes("\x03\x02\x23\x07", 0, "latin1")).toBe(true);
  });

  it("gives the golden greedy ids, one request after the other and all at a time", async () => {
    for (const each of cases) expect(await greedy(each)).toEqual(expected(each));
    expect(await Promise.all(cases.map(greedy))).toEqual(cases.map(expected));
  });

  it.skipIf(!hasValidationLayer())("passes validation", async () => {
    const flags = [
      "--prompt",
      "Once",
      "--raw",
      "--temperature",
      "0",
      "--max-tokens",
      "20",
      "--device",
      "vulkan",
    ];
    const plain = await nodeMlc("generate", folder, ...flags);
    expect(plain).toMatchObject({ status: 0, stderr: "", stdout: expect.stringContaining("upon a time") });
    // The layer would write what it finds to the standard output.
    expect(await nodeMlcWith(VALIDATION, "generate", folder, ...flags)).toEqual(plain);
  });
});
