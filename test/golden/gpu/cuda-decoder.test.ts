// A whole decoder compiled for CUDA into a library, which a process with a driver that only pretends then loads and runs: the driver writes
// down the code that it is given and the kernels that it is to launch. What they compute takes a GPU.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildExecutable } from "../../../lib/compiler/codegen/executable.js";
import { linkLibrary } from "../../../lib/compiler/codegen/linker.js";
import { resolveTarget } from "../../../lib/compiler/codegen/target.js";
import { architectureOfHuggingFace } from "../../../lib/compiler/models/registry.js";
import { buildCausalLm } from "../../../lib/compiler/nn/causal-lm.js";
import { runPipeline } from "../../../lib/compiler/passes/pipeline.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { hasNvrtc } from "../../support/cuda-compiler.js";
import { findContainer } from "../../support/cuda-container.js";
import { fakeCuda } from "../../support/fake-cuda.js";
import { float32Parameters } from "../../support/float32-parameters.js";
import { readSafetensors } from "../../support/safetensors.js";
import { sharedData } from "../../support/shared-data.js";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const goldens = sharedData("goldens");
const possible = process.platform === "linux" && goldens !== undefined && hasNvrtc();

describe.skipIf(!possible)("a decoder for CUDA", () => {
  const folder = path.join(goldens ?? "", "llama");
  let work: string;
  let library: string;

  beforeAll(async () => {
    loadCompilerLibrary();
    work = mkdtempSync(path.join(tmpdir(), "node-mlc-cuda-"));
    library = path.join(work, "decoder.so");
    const source = JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8")) as Record<
      string,
      unknown
    >;
    const config = architectureOfHuggingFace(source).fromHuggingFace(source);
    const { formats } = float32Parameters(config, readSafetensors(path.join(folder, "model.safetensors")));
    const target = resolveTarget("cuda");
    const options = { kvDtype: "float32", prefillChunk: 48, maxBatch: 4 } as const;
    const module = buildCausalLm({ config, formats, target, ...options });
    await linkLibrary(buildExecutable(runPipeline(module).module, target), target, library);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  const run = (capability: number) =>
    spawnSync(process.execPath, ["--import", "tsx", "test/support/cuda-decoder.ts", library, folder], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, ...fakeCuda({ capabilities: [capability] }) },
    });

  it("has code for every architecture in its library", () => {
    const programs = findContainer(readFileSync(library));
    expect([...programs.keys()]).toEqual(["sm_80", "sm_89", "sm_90", "compute_80"]);
  });

  it.each([
    [90, "sm_90"],
    [86, "sm_80"],
    [120, "compute_80"],
  ])("is loaded and launched on a GPU of capability %i by its code for %s", (capability, name) => {
    const { status, stdout, stderr } = run(capability);
    expect(status, stderr).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines.filter((line) => line.startsWith("load "))).toEqual([`load ${name}`]);
    const code = findContainer(readFileSync(library)).get(name)?.toString("latin1");
    const launches = (from: string, to: string) =>
      lines.slice(lines.indexOf(from), lines.indexOf(to)).filter((line) => line.startsWith("launch "));
    const all = [launches("prefill", "decode"), launches("decode", lines.at(-1) ?? "")];
    expect(lines.at(-1)).toBe("rows 20 1");
    for (const some of all) {
      expect(some.some((line) => line.includes("attention"))).toBe(true);
      for (const line of some) {
        const match = /^launch (\w+) grid (\d+) (\d+) (\d+) block (\d+) 1 1$/.exec(line);
        const [kernel = "", ...sizes] = match?.slice(1) ?? [];
        expect(code, line).toContain(kernel);
        const [x = 0, y = 0, z = 0, threads = 0] = sizes.map(Number);
        expect(Math.min(x, y, z, threads), line).toBeGreaterThan(0);
        expect(threads, line).toBeLessThanOrEqual(1024);
        expect(Math.max(y, z), line).toBeLessThanOrEqual(65535);
      }
    }
  });

  it("is refused by a GPU that it has no code for", () => {
    const { status, stderr } = run(75);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /Expected kernels that a Fake GPU 0 runs \(sm_75\).*code: 'ERR_DEVICE_UNAVAILABLE'/s,
    );
  });
});
