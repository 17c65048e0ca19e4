// One package for several levels of a CPU: the engine takes the best library that runs here, any that runs gives the reference
// logits, and one that does not run is refused by name before it is loaded.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostMachine, libraryFitness, runs } from "../../lib/engine/library-choice.js";
import { cpuFeatures } from "../../lib/ffi/index.js";
import { Engine } from "../../lib/index.js";
import type { ManifestLibrary } from "../../lib/package/manifest.js";
import { ModelPackage } from "../../lib/package/model-package.js";
import { nodeMlc } from "../support/command-line.js";
import { compiledModel } from "../support/compiled-model.js";
import { readSafetensor } from "../support/safetensors.js";
import { sharedData } from "../support/shared-data.js";

/** Largest difference allowed, in standard deviations of the golden logits. */
const TOLERANCE = 2e-4;

const source = sharedData("goldens", "llama");
const scratch = mkdtempSync(path.join(os.tmpdir(), "node-mlc-levels-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A copy of a package whose libraries say something else of themselves. */
function altered(folder: string, name: string, change: (library: ManifestLibrary) => ManifestLibrary) {
  const copy = path.join(scratch, name);
  cpSync(folder, copy, { recursive: true });
  const file = path.join(copy, "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as { libraries: ManifestLibrary[] };
  writeFileSync(file, JSON.stringify({ ...manifest, libraries: manifest.libraries.map(change) }));
  return copy;
}

describe.skipIf(source === undefined)("a package for several levels", () => {
  const folder = source ?? "";
  let model: string;
  let libraries: ManifestLibrary[];

  beforeAll(async () => {
    model = await compiledModel(folder, {
      quantization: "q0f32",
      target: "cpu:portable,cpu",
      prefillChunk: 64,
      maxBatch: 2,
    });
    libraries = (await ModelPackage.open(model)).manifest.libraries;
  });

  const runnable = () =>
    libraries.filter((library) => runs(libraryFitness(library, hostMachine(cpuFeatures()))));

  it("holds a library for each level and the weights once", async () => {
    const { manifest } = await ModelPackage.open(model);
    expect(libraries.length).toBeGreaterThan(2);
    expect(new Set(libraries.map(({ file }) => file)).size).toBe(libraries.length);
    const files = Object.keys(manifest.files);
    expect(files.filter((file) => file.endsWith(".so")).sort()).toEqual(
      libraries.map(({ file }) => file).sort(),
    );
    expect(manifest.weights.shards.length).toBe(1);
  });

  it("runs as this very machine where it was compiled", async () => {
    await using engine = await Engine.load(model);
    expect(engine.library.name).toBe(libraries.at(-1)?.name);
  });

  it("gives the reference logits at every level that runs here", async () => {
    const ids = readSafetensor(path.join(folder, "golden.safetensors"), "input_ids");
    const expected = readSafetensor(path.join(folder, "golden.safetensors"), "logits").data;
    const { logit_std } = JSON.parse(readFileSync(path.join(folder, "golden.json"), "utf8")) as {
      logit_std: number;
    };
    const [count = 0, length = 0] = ids.shape;
    const rows = Array.from({ length: count }, (_, row) => [
      ...ids.data.subarray(row * length, (row + 1) * length),
    ]);
    const levels = runnable();
    expect(levels.length).toBeGreaterThan(1);
    for (const { name } of levels) {
      await using engine = await Engine.load(model, { library: name });
      expect(engine.library.name).toBe(name);
      const received = await engine.logits(rows);
      const worst = received.reduce(
        (most, logit, i) => Math.max(most, Math.abs(logit - (expected[i] ?? 0))),
        0,
      );
      expect(worst / logit_std, name).toBeLessThan(TOLERANCE);
    }
  });

  it("is refused with what each library needs where none runs", async () => {
    const demanding = altered(model, "demanding", (library) => ({
      ...library,
      target: { ...library.target, features: [...library.target.features, "amx-int8"] },
    }));
    await expect(Engine.load(demanding)).rejects.toMatchObject({
      code: "ERR_CPU_UNSUPPORTED",
      message: expect.stringMatching(/amx-int8, which this CPU lacks/),
      details: {
        libraries: libraries.map(({ name }) =>
          expect.objectContaining({ name, missing: expect.arrayContaining(["amx-int8"]) }),
        ),
      },
    });
    const foreign = altered(model, "foreign", (library) => ({
      ...library,
      target: { ...library.target, triple: "riscv64-unknown-linux-gnu" },
    }));
    await expect(Engine.load(foreign)).rejects.toMatchObject({
      code: "ERR_CPU_UNSUPPORTED",
      message: expect.stringContaining("is for riscv64-unknown-linux-gnu"),
    });
    const shown = await nodeMlc("inspect", demanding);
    expect(shown.stdout).toContain("amx-int8");
    expect(shown.stdout).not.toContain("chosen here");
  });

  it("the command line shows the levels and takes one by name", async () => {
    const shown = await nodeMlc("inspect", model, "--json");
    const listed = (JSON.parse(shown.stdout) as { libraries: { name: string; chosen: boolean }[] }).libraries;
    expect(listed.map(({ name, chosen }) => [name, chosen])).toEqual(
      libraries.map(({ name }, i) => [name, i === libraries.length - 1]),
    );
    const lowest = runnable()[0]?.name ?? "";
    const flags = ["--prompt-tokens", "8", "--new-tokens", "2", "--repeat", "1"];
    const run = await nodeMlc("bench", model, "--library", lowest, ...flags, "--json");
    expect(run.stderr + run.stdout, "exit status").toSatisfy(() => run.status === 0);
    expect(JSON.parse(run.stdout)).toMatchObject({ library: lowest });
    const wrong = await nodeMlc("bench", model, "--library", "i486", ...flags);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain(lowest);
  });
});
