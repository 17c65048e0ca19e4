// Ends of all kinds: of the process, of a worker, of the last reference.
import { describe, expect, it } from "vitest";
import { NativeEngine } from "../../lib/ffi/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { fakeModel, fakeRequest, RunningEngine } from "../support/fake-model.js";
import { firstMessage, runChild, startWorker } from "../support/native-child.js";

/** Script that loads `config` as `engine`, with `events` and `request(id, change)` in scope. */
function withEngine(script: string, config = fakeModel({ stepMs: 2 })): string {
  return `
    const events = [];
    const onEvents = { call: (list) => events.push(...list) };
    const request = (id, change) => ({ id, tokens: Int32Array.of(1, 2, 3), maxTokens: 200, stopTokens: new Int32Array(),
      temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, seed: 0n,
      ...change });
    const until = async (condition) => { while (!condition()) await new Promise((r) => setTimeout(r, 1)); };
    const config = ${JSON.stringify(config)};
    native.NativeEngine.load(config, (list) => onEvents.call(list)).then(async (engine) => {
      globalThis.engine = engine;
      ${script}
    });`;
}

describe("the process", () => {
  it.each<[string, string, number, string]>([
    ["ends while an idle engine is loaded", "console.log('loaded');", 0, "loaded"],
    ["ends after dispose", "await engine.dispose(); console.log('disposed');", 0, "disposed"],
    [
      "stays alive until a request has ended",
      `engine.submit(request(1, { maxTokens: 30 }));
       onEvents.call = (list) => list.forEach((event) => event.finish && console.log(event.finish));`,
      0,
      "length",
    ],
    [
      "stays alive until an evaluation has ended",
      "engine.evaluate([new Int32Array(60)], { decode: 60 }).then((logits) => console.log(logits.length));",
      0,
      "3000",
    ],
    [
      "exits in mid-generation",
      "engine.submit(request(1)); await until(() => events.length > 3); process.exit(5);",
      5,
      "",
    ],
    [
      "exits in the event handler",
      "engine.submit(request(1)); onEvents.call = () => process.exit(6);",
      6,
      "",
    ],
    [
      "exits in mid-evaluation",
      "engine.evaluate([new Int32Array(200)], { decode: 200 }); setTimeout(() => process.exit(7), 30);",
      7,
      "",
    ],
    [
      "stays alive until an embedding has ended",
      "engine.embed(1, [new Int32Array(200), new Int32Array(9)], 'mean').then((vectors) => console.log(vectors.length));",
      0,
      "32",
    ],
    [
      "exits in mid-embedding",
      "engine.embed(1, [new Int32Array(250)], 'mean'); setTimeout(() => process.exit(4), 10);",
      4,
      "",
    ],
    ["exits in mid-load", `native.NativeEngine.load(config, () => {}); process.exit(8);`, 8, ""],
    ["exits in mid-disposal", "engine.submit(request(1)); engine.dispose(); process.exit(9);", 9, ""],
    [
      "ends by an uncaught exception in mid-generation",
      "engine.submit(request(1)); await until(() => events.length > 3); setTimeout(() => { throw 'gone'; });",
      1,
      "",
    ],
    [
      "exits while two engines generate and one loads",
      `const second = await native.NativeEngine.load(config, () => {});
       engine.submit(request(1)); second.submit(request(1));
       native.NativeEngine.load(config, () => {});
       await until(() => events.length > 3); process.exit(10);`,
      10,
      "",
    ],
  ])("%s", async (_name, script, code, output) => {
    const result = await runChild(withEngine(script));
    expect({ ...result, stdout: result.stdout.trim() }).toMatchObject({
      exitCode: code,
      signal: null,
      stdout: output,
    });
    if (code !== 1) expect(result.stderr).toBe("");
  });

  it("exits cleanly time after time", async () => {
    const script = withEngine(
      `engine.submit(request(1)); engine.submit(request(2));
       await until(() => events.length > 2); setTimeout(() => process.exit(3), Math.random() * 8);`,
      fakeModel({ stepMs: 0.5 }),
    );
    for (let i = 0; i < 12; i++)
      expect(await runChild(script)).toMatchObject({ exitCode: 3, signal: null, stderr: "" });
  });

  it("sleeps when it is idle", async () => {
    const { engine } = await RunningEngine.load(fakeModel());
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(100_000);
    await engine.dispose();
  });
});

describe("a worker", () => {
  it("runs an engine of its own", async () => {
    const worker = startWorker(
      withEngine(`engine.submit(request(1, { maxTokens: 5 }));
        await until(() => events.some((event) => event.finish));
        await engine.dispose();
        parentPort.postMessage(events.flatMap((event) => event.tokens).length);`),
    );
    expect(await firstMessage(worker)).toBe(5);
    await worker.terminate();
  });

  it.each([
    ["in mid-generation", "engine.submit(request(1)); await until(() => events.length > 2);"],
    ["in mid-evaluation", "engine.evaluate([new Int32Array(200)], { decode: 200 });"],
    ["in mid-load", "native.NativeEngine.load(config, () => {}, () => {});"],
    [
      "with logits on their way",
      "engine.submit(request(1, { externalLogits: true })); await until(() => events.some(({ logits }) => logits));",
    ],
    ["in mid-disposal", "engine.submit(request(1)); engine.dispose();"],
    ["with an idle engine", ""],
    ["with a busy JavaScript thread", "engine.submit(request(1)); parentPort.postMessage(1); for (;;);"],
  ])("is terminated %s, again and again", async (_name, script) => {
    for (let i = 0; i < 8; i++) {
      const worker = startWorker(withEngine(`${script} parentPort.postMessage(1);`));
      await firstMessage(worker);
      await worker.terminate();
    }
  });

  it("ends by itself with an idle engine, and leaves the main thread's engine alone", async () => {
    const running = await RunningEngine.load(fakeModel({ stepMs: 2 }));
    const pending = running.run(fakeRequest(1, [1], { maxTokens: 100 }));
    const worker = startWorker(withEngine("engine.submit(request(1, { maxTokens: 3 }));"));
    expect(await new Promise((resolve) => worker.once("exit", resolve))).toBe(0);
    expect((await pending).tokens).toHaveLength(100);
    await running.engine.dispose();
  });
});

describe("the garbage collector", () => {
  it("closes an engine that nobody refers to", async () => {
    const config = fakeModel();
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    const load = async () => registry.register(await NativeEngine.load(config, () => {}), undefined);
    for (let i = 0; i < 5; i++) await load();
    await collectGarbage(() => collected === 5, 200);
    expect(collected).toBe(5);
  });
});
