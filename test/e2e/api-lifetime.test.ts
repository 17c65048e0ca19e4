/** Engines in other threads, at process exit, loaded and disposed again and again: with the built package, as a user has it. */
import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { compiledModel } from "../support/compiled-model.js";
import { sharedData } from "../support/shared-data.js";

const folder = sharedData("stories260K", "hf");
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const esm = pathToFileURL(path.join(root, "dist/esm/index.js")).href;
const cjs = path.join(root, "dist/cjs/index.js");

interface Run {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a program in a Node process of its own. */
function runProgram(program: string, type: "module" | "commonjs" = "module"): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["--expose-gc", `--input-type=${type}`, "-e", program],
      { timeout: 120_000 },
      (_error, stdout, stderr) =>
        resolve({ status: child.exitCode, signal: child.signalCode, stdout, stderr }),
    );
  });
}

describe.skipIf(folder === undefined)("lifetime", () => {
  let model: string;
  beforeAll(async () => {
    model = JSON.stringify(await compiledModel(folder ?? "", { quantization: "q0f32" }));
  });

  it("ends cleanly by process.exit in mid-generation", async () => {
    const result = await runProgram(`
      import { Engine } from ${JSON.stringify(esm)};
      const engine = await Engine.load(${model});
      for await (const chunk of engine.generate([1], { ignoreEos: true })) if (chunk.tokens.length > 0) process.exit(7);`);
    expect(result).toMatchObject({ status: 7, signal: null, stderr: "" });
  });

  it("ends by itself with an engine that nobody disposed, and waits for an answer that runs", async () => {
    const result = await runProgram(`
      import { Engine } from ${JSON.stringify(esm)};
      const engine = await Engine.load(${model});
      engine.generate("Once upon a time", { temperature: 0, maxTokens: 20 }).result.then(({ text }) => console.log(text));`);
    expect(result).toMatchObject({ status: 0, signal: null, stderr: "" });
    expect(result.stdout).toContain("little girl");
  });

  it("works from CommonJS", async () => {
    const result = await runProgram(
      `const { Engine, MlcError } = require(${JSON.stringify(cjs)});
      (async () => {
        const engine = await Engine.load(${model});
        console.log((await engine.completions.create({ prompt: "Zoo", temperature: 0 })).choices[0].text);
        await engine.dispose();
        try { engine.generate("x"); } catch (error) { console.log(error instanceof MlcError, error.code); }
      })();`,
      "commonjs",
    );
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(result.stdout).toContain("was a little girl");
    expect(result.stdout).toContain("true ERR_DISPOSED");
  });

  it("works in worker threads, also in one that is terminated in mid-generation", async () => {
    const result = await runProgram(`
      import { Worker } from "node:worker_threads";
      const code = (body) => \`import("${esm}").then(async ({ Engine }) => {
        const { parentPort } = await import("node:worker_threads");
        const engine = await Engine.load(\${JSON.stringify(${model})}, { threads: 1 });
        \${body} });\`;
      const answer = "const { text } = await engine.generate('Zoo', { temperature: 0, maxTokens: 8 }).result; await engine.dispose(); parentPort.postMessage(text);";
      const endless = "for (;;) for await (const _ of engine.generate([1], { ignoreEos: true })) parentPort.postMessage('running');";
      const first = (worker) => new Promise((resolve, reject) => { worker.once("message", resolve); worker.once("error", reject); });
      const workers = [answer, answer].map((body) => new Worker(code(body), { eval: true }));
      console.log((await Promise.all(workers.map(first))).join("|"));
      for (let round = 0; round < 3; round++) {
        const worker = new Worker(code(endless), { eval: true });
        await first(worker);
        await worker.terminate();
      }
      console.log("terminated");`);
    expect(result).toMatchObject({ status: 0, signal: null, stderr: "" });
    const [texts, end] = result.stdout.trimEnd().split("\n");
    const [one, two] = (texts ?? "").split("|");
    expect(one).toBe(two);
    expect(one?.startsWith(" was a little")).toBe(true);
    expect(end).toBe("terminated");
  });

  // The memory allocator keeps some 15 MB now and then, so one sample says little: the least of several is what is in use.
  it("does not grow over 80 loads", async () => {
    const result = await runProgram(`
      import { Engine } from ${JSON.stringify(esm)};
      const once = async () => {
        const engine = await Engine.load(${model}, { maxBatch: 1 });
        await engine.generate("Zoo", { maxTokens: 8 }).result;
        await engine.dispose();
      };
      const settle = async () => { for (let i = 0; i < 5; i++) { globalThis.gc(); await new Promise((r) => setTimeout(r, 20)); } };
      const samples = [];
      while (samples.length < 8) {
        for (let i = 0; i < 10; i++) await once();
        await settle();
        samples.push(process.memoryUsage().rss);
      }
      console.log(Math.min(...samples.slice(4)) - Math.min(...samples.slice(0, 4)));`);
    expect(result).toMatchObject({ status: 0, stderr: "" });
    // 40 loads lie between.
    expect(Number(result.stdout)).toBeLessThan(10e6);
  });
});
