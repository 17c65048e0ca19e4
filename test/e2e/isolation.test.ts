// Engines in a worker thread and a child process give what the one in this process gives, and keep nothing alive.
import { execFile, spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Engine } from "../../lib/index.js";
import { createHandler } from "../../lib/server/index.js";
import { compiledModel } from "../support/compiled-model.js";

const gguf = process.env.NODE_MLC_DEFAULT_MODEL;
const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const model = () => compiledModel(gguf ?? "");
const messages = [{ role: "user" as const, content: "What is the capital of Japan?" }];

/** Process ids of the hosts that this process, or another one, has started. */
async function hosts(parent: number | undefined = process.pid): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid,ppid,args"]);
  return stdout
    .split("\n")
    .filter(
      (line) =>
        line.includes("host-entry") && (parent === -1 || line.trim().split(/\s+/)[1] === String(parent)),
    )
    .map((line) => Number(line.trim().split(/\s+/)[0]));
}

/** A program over the built package. */
function program(text: string): [string, string[]] {
  const engine = path.join(repository, "dist/esm/index.js");
  return [
    process.execPath,
    ["--input-type=module", "-e", `const { Engine } = await import(${JSON.stringify(engine)});${text}`],
  ];
}

describe.skipIf(gguf === undefined)("isolation", () => {
  it("gives the same answers, grammars, processors, embeddings and sessions", async () => {
    const results = [];
    for (const isolation of ["none", "worker", "process"] as const) {
      await using engine = await Engine.load(await model(), { isolation });
      const sampled = await engine.chat.completions.create({
        messages,
        temperature: 0.9,
        seed: 3,
        max_tokens: 20,
      });
      const chosen = await engine.generate(messages, {
        grammar: { type: "choice", choices: ["yes", "no"] },
        temperature: 0,
      }).result;
      const forced = await engine.generate(messages, {
        maxTokens: 2,
        temperature: 0,
        logitProcessor: {
          processLogits: (logits) => logits.map((value, id) => (id === 330 ? value + 1000 : value)),
          processSampledToken: () => undefined,
          resetState: () => undefined,
        },
      }).result;
      const { data } = await engine.embeddings.create({ input: ["a cat", "a dog"], dimensions: 8 });
      using session = engine.session();
      const first = await session.send("My name is Anna.", { temperature: 0, maxTokens: 12 }).result;
      const second = await session.send("What is my name?", { temperature: 0, maxTokens: 12 }).result;
      expect(second.usage.cachedTokens).toBeGreaterThan(0);
      results.push([sampled.choices[0]?.message, chosen.text, forced.tokens, data, first.text, second.text]);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("a crash fails requests by name; the engine is restarted", async () => {
    const crashed: string[] = [];
    await using engine = await Engine.load(await model(), {
      isolation: "process",
      onCrash: (error) => crashed.push(error.code),
    });
    const [pid] = await hosts();
    const running = engine.generate(messages, { maxTokens: 1000, ignoreEos: true });
    for await (const _ of running) {
      process.kill(pid ?? 0, "SIGSEGV");
      break;
    }
    const waiting = engine.chat.completions.create({ messages, max_tokens: 1000, ignore_eos: true });
    await expect(waiting).rejects.toMatchObject({ code: "ERR_ENGINE_CRASHED" });
    await expect(engine.embeddings.create({ input: "x" })).rejects.toMatchObject({
      code: "ERR_ENGINE_CRASHED",
    });
    expect(crashed).toEqual(["ERR_ENGINE_CRASHED"]);
    expect(engine.crash?.code).toBe("ERR_ENGINE_CRASHED");
    await engine.restart();
    const { choices } = await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 20 });
    expect(choices[0]?.message.content).toContain("Tokyo");
    expect(engine.stats().requests).toBe(0);
  });

  it("a server answers 500 for what ran, and loads the model again for the next request, but not without end", async () => {
    const handler = await createHandler({
      models: [{ name: "m", package: await model(), options: { isolation: "process" } }],
    });
    await handler.preload();
    const ask = (body: object) =>
      handler.fetch(
        new Request("http://localhost/v1/chat/completions", {
          method: "POST",
          body: JSON.stringify({ model: "m", messages, temperature: 0, ...body }),
        }),
      );
    for (let round = 0; round < 4; round++) {
      const long = ask({ max_tokens: 2000, ignore_eos: true });
      const [pid] = await hosts();
      await expect.poll(() => handler.pool.find("m").active).toBe(1);
      process.kill(pid ?? 0, "SIGKILL");
      const { status } = await long;
      expect(status).toBe(500);
      expect((await handler.fetch(new Request("http://localhost/health"))).status).toBe(200);
      const next = await ask({ max_tokens: 10 });
      if (round < 3)
        expect([next.status, await next.text()]).toEqual([200, expect.stringContaining("Tokyo")]);
      else expect([next.status, await next.text()]).toEqual([503, expect.stringContaining("restarts")]);
    }
    await handler.dispose();
    await expect.poll(() => hosts()).toEqual([]);
  });

  it.each(["worker", "process"] as const)("an idle engine lets its program end: %s", async (isolation) => {
    const load = `const engine = await Engine.load(${JSON.stringify(await model())}, { isolation: "${isolation}" });`;
    const run = `console.log((await engine.generate("a", { maxTokens: 2 }).result).usage.completionTokens);`;
    const { stdout } = await promisify(execFile)(...program(`${load}${run}`), { timeout: 30_000 });
    expect(stdout).toBe("2\n");
  });

  it("no process is left behind by a program that is killed", async () => {
    const load = `const engine = await Engine.load(${JSON.stringify(await model())}, { isolation: "process" });`;
    const [command, args] = program(
      `${load}console.log("ready");for await (const _ of engine.generate("a", { maxTokens: 4000, ignoreEos: true }));`,
    );
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const [pid = 0] = await hosts(child.pid);
    expect(pid).toBeGreaterThan(0);
    child.kill("SIGKILL");
    await expect.poll(async () => (await hosts(-1)).includes(pid), { timeout: 10_000 }).toBe(false);
  });

  it("refuses what it does not know, and leaves nothing behind where a load fails", async () => {
    const folder = await model();
    const load = (options: object) => Engine.load(folder, options as Parameters<typeof Engine.load>[1]);
    await expect(load({ isolation: "thread" })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(load({ isolation: "worker", onCrash: 1 })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    await expect(load({ isolation: "process", memoryBudget: 1000 })).rejects.toMatchObject({
      code: "ERR_INSUFFICIENT_MEMORY",
    });
    await expect.poll(() => hosts()).toEqual([]);
    await using engine = await load({});
    await expect(engine.restart()).rejects.toMatchObject({ code: "ERR_UNSUPPORTED_FIELD" });
  });
});
