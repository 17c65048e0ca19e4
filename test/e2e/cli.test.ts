/** The command line as a child process: results, exit statuses, one JSON object, one line for an error. */
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeMlc } from "../support/command-line.js";
import { compiledModel } from "../support/compiled-model.js";
import { readSafetensor } from "../support/safetensors.js";
import { sharedData } from "../support/shared-data.js";

const main = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../dist/esm/cli/main.js");

describe("without a model", () => {
  it("helps", async () => {
    const overview = await nodeMlc("--help");
    expect(overview.status).toBe(0);
    const commands = [...overview.stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map((match) => match[1] ?? "");
    expect(commands).toEqual([
      "compile",
      "generate",
      "chat",
      "perplexity",
      "logits",
      "bench",
      "serve",
      "inspect",
      "plan",
      "devices",
      "doctor",
    ]);
    for (const command of commands) {
      const { status, stdout, stderr } = await nodeMlc(command, "--help");
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(`node-mlc ${command}`);
      expect(stdout).toContain("--json");
    }
    expect((await nodeMlc("--version")).stdout).toMatch(/^\d+\.\d+\.\d+/);
  });

  it.each([
    [["frobnicate"], 2, 'received "frobnicate"'],
    [["generate"], 2, "Expected PACKAGE"],
    [["generate", "x"], 2, "Expected --prompt"],
    [["generate", "x", "--prompt", "p", "--max-token", "3"], 2, "--max-token"],
    [["plan", "x", "--batch", "many"], 2, "--batch"],
    [["plan", "/nonexistent", "--json"], 1, "ERR_MODEL_NOT_FOUND"],
    [["inspect", "."], 1, "ERR_INVALID_PACKAGE"],
    [["compile", "/nonexistent"], 1, "/nonexistent"],
  ])("%j fails in one line", async (args, status, text) => {
    const result = await nodeMlc(...args);
    expect(result.status).toBe(status);
    expect(result.stdout).toBe("");
    expect(result.stderr).toContain(text);
    expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("tells of devices and of its own state", async () => {
    const { devices } = JSON.parse((await nodeMlc("devices", "--json")).stdout);
    expect(devices[0]).toMatchObject({ type: "cpu", available: true, name: expect.any(String) });
    for (const type of ["cuda", "opencl", "vulkan"]) {
      const [first] = devices.filter((device: { type: string }) => device.type === type);
      expect(first).toMatchObject(
        first.available ? { type, index: 0 } : { type, reason: expect.any(String) },
      );
    }
    const text = (await nodeMlc("devices")).stdout;
    for (const { name, reason } of devices) expect(text).toContain(name ?? reason);
    const doctor = await nodeMlc("doctor", "--json");
    expect(doctor.status).toBe(0);
    expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: true });
  });
});

const folder = sharedData("stories260K");

describe.skipIf(folder === undefined)("with stories260K", () => {
  let model: string;
  let work: string;
  beforeAll(async () => {
    work = mkdtempSync(path.join(tmpdir(), "node-mlc-cli-"));
    model = await compiledModel(path.join(folder ?? "", "hf"), { quantization: "q0f32" });
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  const json = async (...args: string[]) => {
    const { status, stdout, stderr } = await nodeMlc(...args, "--json");
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    return JSON.parse(stdout);
  };

  it("compiles", async () => {
    const output = path.join(work, "compiled");
    const result = await nodeMlc(
      "compile",
      path.join(folder ?? "", "hf"),
      "-o",
      output,
      "--quantization",
      "q0f32",
      "--json",
    );
    expect(result.status).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({
      path: output,
      quantization: "q0f32",
      architecture: "llama",
    });
    expect(readdirSync(output)).toContain("manifest.json");
    expect(readdirSync(work)).toEqual(["compiled"]);
  });

  it("generates: text on standard output, the same in JSON", async () => {
    const flags = [
      "generate",
      model,
      "--raw",
      "--prompt",
      "Once upon a time",
      "--max-tokens",
      "20",
      "--temperature",
      "0",
    ];
    const { stdout, stderr, status } = await nodeMlc(...flags);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout.startsWith(", there was a little girl")).toBe(true);
    const result = await json(...flags);
    expect(`${result.text}\n`).toBe(stdout);
    expect(result).toMatchObject({
      finish_reason: "length",
      usage: { prompt_tokens: 5, completion_tokens: 20 },
    });
    expect(result.tokens).toHaveLength(20);
  });

  it("obeys seeds, stops and bad values", async () => {
    const flags = ["generate", model, "--raw", "--prompt", "Once", "--max-tokens", "12", "--seed", "-7"];
    expect((await json(...flags)).tokens).toEqual((await json(...flags)).tokens);
    const stopped = await json(
      "generate",
      model,
      "--raw",
      "--prompt",
      "Once upon a time",
      "--temperature",
      "0",
      "--stop",
      " little",
    );
    expect(stopped).toMatchObject({ text: ", there was a", finish_reason: "stop" });
    const bad = await nodeMlc("generate", model, "--raw", "--prompt", "x", "--top-p", "2");
    expect([bad.status, bad.stdout]).toEqual([2, ""]);
    expect(bad.stderr).toContain("topP but received 2");
    const template = await nodeMlc("generate", model, "--prompt", "x");
    expect(template.status).toBe(1);
    expect(template.stderr).toContain("ERR_CHAT_TEMPLATE");
  });

  it("reads the prompt from standard input", async () => {
    const child = execFile(process.execPath, [
      main,
      "generate",
      model,
      "--raw",
      "--prompt",
      "-",
      "--max-tokens",
      "4",
      "--temperature",
      "0",
    ]);
    let stdout = "";
    child.stdout?.on("data", (text: string) => {
      stdout += text;
    });
    child.stdin?.end("Once upon a time");
    await new Promise((resolve) => child.on("close", resolve));
    expect(stdout.startsWith(", there")).toBe(true);
  });

  it("measures perplexity over whole windows", async () => {
    const file = path.join(work, "text.txt");
    writeFileSync(
      file,
      "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. ".repeat(
        4,
      ),
    );
    const result = await json("perplexity", model, "--file", file, "--window", "32", "--max-tokens", "96");
    expect(result.tokens).toBe(93);
    expect(result.perplexity).toBeCloseTo(Math.exp(result.nll), 9);
    expect(result.perplexity).toBeGreaterThan(1);
    expect(result.perplexity).toBeLessThan(20);
  });

  it("writes logits that do not depend on how the tokens are fed", async () => {
    const tokens = path.join(work, "tokens.json");
    const golden = JSON.parse(readFileSync(path.join(folder ?? "", "golden.json"), "utf8"));
    const rows = golden.cases
      .slice(0, 3)
      .map((entry: { greedy_ids: number[] }) => entry.greedy_ids.slice(0, 40));
    writeFileSync(tokens, JSON.stringify(rows));
    const outputs: Float32Array[] = [];
    for (const [index, flags] of [
      [],
      ["--chunk", "7"],
      ["--decode", "12"],
      ["--together"],
      ["--together", "--chunk", "5"],
    ].entries()) {
      const file = path.join(work, `logits-${index}.safetensors`);
      const result = await json("logits", model, "--tokens", tokens, "-o", file, ...flags);
      expect(result).toEqual({ file, shape: [3, 40, 512] });
      outputs.push(Float32Array.from(readSafetensor(file, "logits").data));
    }
    const [whole] = outputs;
    for (const other of outputs.slice(1)) {
      let worst = 0;
      for (let at = 0; at < other.length; at++)
        worst = Math.max(worst, Math.abs((other[at] ?? 0) - (whole?.[at] ?? Number.NaN)));
      expect(worst).toBeLessThan(1e-3);
    }
    const bad = await nodeMlc("logits", model, "--tokens", model, "-o", path.join(work, "x"));
    expect(bad.status).toBe(1);
  });

  it("benches, inspects and plans", async () => {
    const bench = await json(
      "bench",
      model,
      "--prompt-tokens",
      "32",
      "--new-tokens",
      "16",
      "--concurrency",
      "2",
      "--repeat",
      "2",
    );
    for (const name of [
      "load_ms",
      "ttft_ms",
      "prefill_tokens_per_s",
      "decode_tokens_per_s",
      "peak_rss_bytes",
    ]) {
      expect(bench[name]).toBeGreaterThan(0);
    }
    expect(await json("inspect", model, "--verify")).toMatchObject({
      model: { architecture: "llama", layers: 5 },
      quantization: "q0f32",
      verified: true,
    });
    const plan = await json("plan", model, "--batch", "2", "--context", "64");
    expect(plan.total).toBe(plan.weights + plan.kv + plan.workspace + plan.temporaries);
    expect(plan.pages).toBe(8);
    expect((await nodeMlc("plan", model, "--batch", "1000")).stderr).toContain("ERR_INVALID_ARGUMENT");
  });

  it("chats over pipes: commands, errors, the end of input", async () => {
    const child = spawn(process.execPath, [main, "chat", model, "--json"], { stdio: "pipe" });
    const seen = { stdout: "", stderr: "" };
    child.stdout.on("data", (text) => {
      seen.stdout += String(text);
    });
    child.stderr.on("data", (text) => {
      seen.stderr += String(text);
    });
    child.stdin.end("/help\n/stats\n/nope\nhello\n/reset\n/exit\nnever read\n");
    const status = await new Promise((resolve) => child.on("close", resolve));
    expect(status).toBe(0);
    for (const text of ["/reset", "No answer yet.", "Unknown command /nope", "none: send a raw prompt"]) {
      expect(seen.stderr).toContain(text);
    }
    expect(JSON.parse(seen.stdout)).toEqual({ messages: [] });
  });

  it("stops at Ctrl-C with status 130", async () => {
    const flags = ["--max-tokens", "400", "--ignore-eos", "--temperature", "0"];
    const child = spawn(process.execPath, [main, "generate", model, "--raw", "--prompt", "Once", ...flags], {
      stdio: "pipe",
    });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += String(text);
    });
    child.stdout.once("data", () => child.kill("SIGINT"));
    const status = await new Promise((resolve) => child.on("close", resolve));
    // A fast machine may have finished before the signal came.
    if (status !== 0) {
      expect(status).toBe(130);
      expect(stderr).toContain("ERR_ABORTED");
    }
  });
});
