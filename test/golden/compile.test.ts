// The whole compile line through its child process: packages, atomicity, aborts, errors. Needs the built library (dist).
import { fork } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { compile } from "../../lib/compiler/compile.js";
import { type CompileProgress, compileRequest } from "../../lib/compiler/compile-options.js";
import { architectureOfHuggingFace } from "../../lib/compiler/models/registry.js";
import { FfiModule } from "../../lib/ffi/index.js";
import type { ModelPackage } from "../../lib/package/model-package.js";
import { packageRoot } from "../../lib/package-root.js";
import { DecoderRunner } from "../support/decoder-runner.js";
import { packageParameters } from "../support/package-parameters.js";
import { readSafetensor } from "../support/safetensors.js";
import { sharedData } from "../support/shared-data.js";

const llama = sharedData("goldens", "llama");
const scratch = mkdtempSync(path.join(os.tmpdir(), "node-mlc-compile-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

/** A fresh folder; a package made in it shows whether anything else was left beside it. */
function place(name: string): { parent: string; output: string } {
  const parent = path.join(scratch, name);
  mkdirSync(parent);
  return { parent, output: path.join(parent, "package") };
}

describe.skipIf(llama === undefined)("compile", () => {
  const source = llama ?? "";
  const events: CompileProgress[] = [];
  /** Longest time in which the caller's event loop did not turn, milliseconds. */
  let longestBlock = 0;
  let compiled: ModelPackage;
  const first = { parent: "", output: "" };

  beforeAll(async () => {
    Object.assign(first, place("first"));
    let last = performance.now();
    const timer = setInterval(() => {
      longestBlock = Math.max(longestBlock, performance.now() - last);
      last = performance.now();
    }, 5);
    compiled = await compile(source, {
      output: first.output,
      quantization: "q0f32",
      contextLength: 128,
      prefillChunk: 40,
      maxBatch: 2,
      debugDump: path.join(first.parent, "dump"),
      onProgress: (event) => events.push(event),
    });
    clearInterval(timer);
  });

  it("keeps the caller's event loop free", () => {
    expect(longestBlock).toBeLessThan(1000);
  });

  it("writes a package that says what it is", () => {
    expect(compiled.manifest).toMatchObject({
      quantization: "q0f32",
      model: { architecture: "llama", layers: 2, hiddenSize: 64, contextLength: 256 },
      limits: { contextLength: 128, prefillChunk: 40, maxBatch: 2, pageSize: 16 },
      kvCache: { dtype: "float32" },
      tokenizer: { eosTokenIds: [2], bosTokenId: 1, addBos: false },
    });
    const [library] = compiled.manifest.libraries;
    expect(library?.target.features.length).toBeGreaterThan(0);
    const bytes = new Map(library?.functions.map(({ name, temporaryBytes }) => [name, temporaryBytes]));
    expect([...bytes.keys()]).toEqual(["embed", "decode", "batch_decode", "batch_prefill", "encode"]);
    expect(bytes.get("batch_prefill")).toBeGreaterThan(bytes.get("decode") ?? Number.NaN);
    expect(readdirSync(first.parent).sort()).toEqual(["dump", "package"]);
  });

  it("reports each phase in order, and the weights in bytes", () => {
    const phases = [...new Set(events.map(({ phase }) => phase))];
    expect(phases).toEqual([
      "import",
      "build",
      "optimise",
      "lower",
      "plan",
      "virtual-machine",
      "codegen",
      "link",
      "weights",
      "package",
    ]);
    const weights = events.filter(({ phase }) => phase === "weights");
    expect(weights.at(-1)).toMatchObject({ done: weights[0]?.total, total: weights[0]?.total });
    expect(readdirSync(path.join(first.parent, "dump"))).toEqual([
      "01-build.py",
      "02-optimise.py",
      "03-lower.py",
      "04-plan.py",
      "05-virtual-machine.py",
      "06-tensor-programs.py",
    ]);
  });

  it("gives the reference logits from its files", () => {
    const config = JSON.parse(readFileSync(path.join(source, "config.json"), "utf8")) as Record<
      string,
      unknown
    >;
    const decoder = architectureOfHuggingFace(config).fromHuggingFace(config);
    const library = FfiModule.loadFromFile(
      path.join(compiled.path, compiled.manifest.libraries[0]?.file ?? ""),
    );
    const runner = new DecoderRunner(library, decoder, packageParameters(compiled), "float32");
    expect(JSON.parse(runner.text("_metadata"))).toMatchObject({ architecture: "llama", maxBatch: 2 });
    const ids = readSafetensor(path.join(source, "golden.safetensors"), "input_ids");
    const expected = readSafetensor(path.join(source, "golden.safetensors"), "logits").data;
    const tokens = [...ids.data.subarray(0, ids.shape[1])];
    const received = runner.step("batch_prefill", [{ sequence: 0, tokens }]);
    let worst = 0;
    received.forEach((row, i) => {
      row.forEach((value, j) => {
        worst = Math.max(worst, Math.abs(value - (expected[i * decoder.vocabSize + j] ?? Number.NaN)));
      });
    });
    expect(worst).toBeLessThan(3e-4);
  });

  it("replaces a package, and leaves it alone when the next compile fails", async () => {
    const again = await compile(source, { output: first.output, quantization: "q8_0", contextLength: 64 });
    expect(again.manifest.quantization).toBe("q8_0");
    await expect(compile(source, { output: first.output, contextLength: 100_000 })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      details: { modelContext: 256 },
    });
    const manifest = readFileSync(path.join(first.output, "manifest.json"), "utf8");
    expect(JSON.parse(manifest)).toMatchObject({ quantization: "q8_0" });
  });

  it.each(["import", "codegen", "weights"])("aborted in the phase %s leaves nothing", async (phase) => {
    const { parent, output } = place(`abort-${phase}`);
    const controller = new AbortController();
    const attempt = compile(source, {
      output,
      quantization: "q0f32",
      signal: controller.signal,
      onProgress: (event) => {
        if (event.phase === phase) controller.abort();
      },
    });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(readdirSync(parent)).toEqual([]);
  });

  it("refuses what cannot be compiled with a code, and leaves nothing", async () => {
    const { parent, output } = place("refused");
    const broken = path.join(scratch, "broken");
    cpSync(source, broken, { recursive: true });
    const config = JSON.parse(readFileSync(path.join(source, "config.json"), "utf8")) as Record<
      string,
      unknown
    >;
    const attempt = (change: Record<string, unknown>) => {
      writeFileSync(path.join(broken, "config.json"), JSON.stringify({ ...config, ...change }));
      return compile(broken, { output, quantization: "q0f32" });
    };
    await expect(attempt({ architectures: ["MambaForCausalLM"] })).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED_ARCHITECTURE",
    });
    await expect(attempt({ num_hidden_layers: 3 })).rejects.toMatchObject({ code: "ERR_MISSING_TENSOR" });
    await expect(attempt({ intermediate_size: 96 })).rejects.toMatchObject({ code: "ERR_INVALID_MODEL" });
    await expect(attempt({ hidden_act: "gelu" })).rejects.toMatchObject({ code: "ERR_UNSUPPORTED_FIELD" });
    await expect(compile(path.join(scratch, "absent"), { output })).rejects.toMatchObject({
      code: "ERR_MODEL_NOT_FOUND",
    });
    await expect(compile(source, { output, quantization: "q3" })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    await expect(compile(source, { output, target: "toaster" })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    expect(readdirSync(parent)).toEqual([]);
  });

  it("says in one line what is missing on this machine, and leaves nothing", async () => {
    const { parent, output } = place("missing");
    vi.stubEnv("CC", "no-such-compiler");
    const unlinked = await compile(source, { output }).catch((error: Error) => error);
    expect(unlinked).toMatchObject({ code: "ERR_LINKER_NOT_FOUND" });
    vi.stubEnv("NODE_MLC_COMPILER_LIBRARY", path.join(scratch, "nowhere.so"));
    const uncompiled = await compile(source, { output }).catch((error: Error) => error);
    expect(uncompiled).toMatchObject({ code: "ERR_COMPILER_NOT_FOUND" });
    for (const error of [unlinked, uncompiled]) expect(String(error)).not.toContain("\n");
    expect(readdirSync(parent)).toEqual([]);
  });

  it("cleans up after a compile that was killed together with its caller", async () => {
    const { parent, output } = place("killed");
    const child = fork(path.join(packageRoot, "dist/esm/compiler/compile-process.js"), [], {
      execArgv: [],
    });
    const request = compileRequest(source, { output, quantization: "q0f32" });
    child.on("message", ({ event }: { event?: CompileProgress }) => {
      if (event?.phase === "weights") child.kill("SIGKILL");
    });
    child.send({ type: "start", request });
    await once(child, "close");
    expect(readdirSync(parent)).toEqual([expect.stringContaining(".package.staging-")]);
    await compile(source, { output, quantization: "q0f32" });
    expect(readdirSync(parent)).toEqual(["package"]);
  });

  it("does not start when already aborted", async () => {
    await expect(compile(source, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ERR_ABORTED",
    });
  });
});
