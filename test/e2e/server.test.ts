// `node-mlc serve` as a process, and several models under one memory budget.
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelPackage } from "../../lib/index.js";
import { createHandler } from "../../lib/server/index.js";
import { compiledModel } from "../support/compiled-model.js";
import { ServeProcess } from "../support/serve-process.js";
import { sharedData } from "../support/shared-data.js";

const stories = sharedData("stories260K", "hf");

describe.skipIf(stories === undefined)("node-mlc serve", () => {
  let model: string;
  let folder: string;
  beforeAll(async () => {
    model = await compiledModel(stories ?? "", { quantization: "q0f32" });
    folder = await mkdtemp(path.join(os.tmpdir(), "node-mlc-serve-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("serves under a name, logs requests, and on SIGTERM lets a stream end first", {
    timeout: 60_000,
  }, async () => {
    const server = new ServeProcess([`tales=${model}`, "--max-tokens", "300"]);
    const baseURL = `${await server.url()}/v1`;
    const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
    const prompt = "Once upon a time";
    const short = await client.completions.create({ model: "tales", prompt, max_tokens: 20, temperature: 0 });
    expect(short.choices[0]?.text).toContain("little girl");
    await expect(client.completions.create({ model: "tales", prompt, max_tokens: 301 })).rejects.toThrow(
      /300/,
    );

    const stream = await client.completions.create({ model: "tales", prompt, max_tokens: 300, stream: true });
    let pieces = 0;
    for await (const chunk of stream) {
      if (pieces++ === 0) server.child.kill("SIGTERM");
      if (chunk.choices[0]?.finish_reason !== null)
        expect(chunk.choices[0]?.finish_reason).toMatch(/stop|length/);
    }
    expect(pieces).toBeGreaterThan(3);
    expect(await server.end()).toEqual({ code: 0, signal: null });
    expect(server.log).toContain('"path":"/v1/completions","status":200');
  });

  it("ends at once on a second signal", { timeout: 60_000 }, async () => {
    const server = new ServeProcess([model]);
    const url = await server.url();
    const body = JSON.stringify({ prompt: "a", max_tokens: 500, ignore_eos: true, n: 8, stream: true });
    const response = await fetch(`${url}/v1/completions`, { method: "POST", body });
    const reading = response.text().catch(() => "cut");
    server.child.kill("SIGTERM");
    await expect.poll(() => server.log).toContain("Ending");
    server.child.kill("SIGTERM");
    expect((await server.end()).code).toBe(130);
    await reading;
  });

  it("asks for the keys of a file, or of the environment", { timeout: 60_000 }, async () => {
    const file = path.join(folder, "keys.json");
    writeFileSync(file, JSON.stringify(["plain", { key: "named", name: "app", requestsPerMinute: 1 }]));
    const server = new ServeProcess([model, "--api-keys", file]);
    const url = await server.url();
    const status = async (key: string) =>
      (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect([await status("plain"), await status("named"), await status("named"), await status("x")]).toEqual([
      200, 200, 429, 401,
    ]);
    server.child.kill("SIGTERM");
    expect((await server.end()).code).toBe(0);
  });

  it.each([
    [["/nonexistent"], "ERR_MODEL_NOT_FOUND"],
    [["--tls-cert", "x"], "ERR_INVALID_ARGUMENT"],
    [["--log-level", "loud"], "ERR_INVALID_ARGUMENT"],
    [["--api-keys", "/nonexistent"], "ERR_IO"],
    [["--host", "256.1.1.1"], "ERR_IO"],
  ])("%j fails in one line", { timeout: 60_000 }, async (args, code) => {
    const server = new ServeProcess(args[0]?.startsWith("--") ? [model, ...args] : args);
    expect((await server.end()).code).toBeGreaterThan(0);
    const failure = server.log.trimEnd().split("\n");
    expect(failure).toHaveLength(1);
    expect(failure[0]).toContain(code);
  });
});

describe.skipIf(stories === undefined)("several models", () => {
  it("share a memory budget: the one that is idle makes room", { timeout: 120_000 }, async () => {
    const folder = await compiledModel(stories ?? "", { quantization: "q0f32" });
    const options = { maxBatch: 1, contextLength: 256, prefixCache: false, threads: 1 };
    const { total } = (await ModelPackage.open(folder)).plan({ batch: 1, context: 256 });
    const names = ["one", "two", "three"];
    const handler = await createHandler({
      models: names.map((name) => ({ name, package: folder, options })),
      memoryBudget: total * 2 + 1e6,
    });
    const ask = (model: string) =>
      handler.fetch(
        new Request("http://localhost/v1/completions", {
          method: "POST",
          body: JSON.stringify({ model, prompt: "Once", max_tokens: 4, temperature: 0 }),
        }),
      );
    const states = () => handler.pool.status().map(({ state }) => state);
    expect((await Promise.all([ask("one"), ask("two")])).map(({ status }) => status)).toEqual([200, 200]);
    expect(states()).toEqual(["ready", "ready", "unloaded"]);
    expect((await ask("three")).status).toBe(200);
    expect(states()).toEqual(["unloaded", "ready", "ready"]);

    // Models in use stay; there is then no room for another.
    const held = await Promise.all([handler.pool.lease("two"), handler.pool.lease("three")]);
    const refused = await ask("one");
    expect(refused.status).toBe(507);
    expect(((await refused.json()) as { error: { code: string } }).error.code).toBe(
      "ERR_INSUFFICIENT_MEMORY",
    );
    for (const lease of held) lease.release();
    expect((await ask("one")).status).toBe(200);

    handler.pool.keepAlive("one", 20);
    await expect.poll(() => handler.pool.find("one").state).toBe("unloaded");
    await handler.dispose();
    expect(states()).toEqual(["unloaded", "unloaded", "unloaded"]);
    expect((await ask("one")).status).toBe(503);
  });
});
