import { afterEach, describe, expect, it } from "vitest";
import { registerGlobalFunction } from "../../lib/ffi/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { globalFunction } from "../support/global-function.js";
import { firstMessage, nativePrelude, runChild, startWorker } from "../support/native-child.js";

const remove = globalFunction("ffi.FunctionRemoveGlobal");
const registered: string[] = [];
afterEach(() => {
  for (const name of registered.splice(0)) remove.call(name);
});

describe("callbacks and threads", () => {
  it("a callback called on another thread raises an error there", async () => {
    registerGlobalFunction("test.main_thread_only", () => "called");
    registered.push("test.main_thread_only");
    const worker = startWorker(`
      let message = "no error";
      try { message = String(call("test.main_thread_only")); } catch (error) { message = error.code + " " + error.message; }
      parentPort.postMessage(message);
    `);
    expect(await firstMessage(worker)).toMatch(/^ERR_NATIVE .*another thread/);
    expect(globalFunction("test.main_thread_only").call()).toBe("called");
  });

  it("a callback of an ended worker raises an error", async () => {
    const worker = startWorker(`
      native.registerGlobalFunction("test.from_worker", () => "called", false);
      parentPort.postMessage(call("test.from_worker"));
    `);
    registered.push("test.from_worker");
    expect(await firstMessage(worker)).toBe("called");
    await worker.terminate();
    expect(() => globalFunction("test.from_worker").call()).toThrow(/environment ended/);
  });

  it("a callback released on another thread is collected on its own", async () => {
    let collected = false;
    const registry = new FinalizationRegistry(() => {
      collected = true;
    });
    const make = () => {
      const fn = () => 1;
      registry.register(fn, null);
      registerGlobalFunction("test.released_elsewhere", fn);
    };
    make();
    const worker = startWorker(
      `parentPort.postMessage(call("ffi.FunctionRemoveGlobal", "test.released_elsewhere"));`,
    );
    await firstMessage(worker);
    await collectGarbage(() => collected, 50);
    expect(collected).toBe(true);
  });

  it("an error object made in one environment is plain text in another", async () => {
    registerGlobalFunction("test.thrower_of_main", () => {
      throw new TypeError("mine");
    });
    registered.push("test.thrower_of_main");
    const worker = startWorker(`
      let caught;
      try { call("test.thrower_of_main"); } catch (error) { caught = error.code; }
      parentPort.postMessage(caught);
    `);
    expect(await firstMessage(worker)).toBe("ERR_NATIVE");
  });
});

describe("many environments", () => {
  it("eight workers at once, twice over", async () => {
    for (let round = 0; round < 2; round++) {
      const workers = Array.from({ length: 8 }, () =>
        startWorker(`
          const name = "test.w" + require("node:worker_threads").threadId;
          native.registerGlobalFunction(name, (x) => x * 2, false);
          let sum = 0;
          for (let i = 0; i < 2000; i++) sum += call(name, i) + native.Tensor.from(Float32Array.of(i), [1]).view()[0];
          call("ffi.FunctionRemoveGlobal", name);
          parentPort.postMessage(sum);
        `),
      );
      const sums = await Promise.all(workers.map(firstMessage));
      expect(sums).toEqual(Array.from({ length: 8 }, () => 3 * 1999 * 1000));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  });

  it("terminate() in mid-callback ends the worker and nothing else", async () => {
    // In a child process: if this went wrong, it would be the whole process that dies.
    const loop = `${nativePrelude}
      const { parentPort, threadId } = require("node:worker_threads");
      native.registerGlobalFunction("test.loop" + threadId, () => {
        parentPort.postMessage("in");
        for (;;) native.Tensor.empty([8], "int8").view();
      }, true);
      call("test.loop" + threadId);`;
    const result = await runChild(
      `const { Worker } = require("node:worker_threads");
      (async () => {
        for (let i = 0; i < 20; i++) {
          const worker = new Worker(${JSON.stringify(loop)}, { eval: true });
          await new Promise((resolve) => worker.once("message", resolve));
          await worker.terminate();
        }
        console.log("alive", call("ffi.Array", 1).length);
      })();`,
      { timeoutMs: 50_000 },
    );
    expect(result).toMatchObject({ exitCode: 0, signal: null, stdout: "alive 1\n" });
  });
});
