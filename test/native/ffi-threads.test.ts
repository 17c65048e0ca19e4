/** Threads for kernels that JavaScript calls itself, and the default of an engine. */
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import { describe, expect, it } from "vitest";
import { NativeEngine, useThreads } from "../../lib/ffi/index.js";
import { fakeModel } from "../support/fake-model.js";
import { firstMessage, runChild, startWorker } from "../support/native-child.js";

/** Threads of this process; 0 where the system has no such file. */
function threads(): number {
  const status = "/proc/self/status";
  return existsSync(status) ? Number(/Threads:\s+(\d+)/.exec(readFileSync(status, "utf8"))?.[1]) : 0;
}

describe("useThreads", () => {
  it("gives as many as wanted, no more than there are processors, one for each core by default", () => {
    expect(useThreads(1)).toBe(1);
    const most = useThreads(1e15);
    expect(most).toBeGreaterThanOrEqual(1);
    expect(most).toBeLessThanOrEqual(os.cpus().length);
    const byDefault = useThreads();
    expect(byDefault).toBeLessThanOrEqual(most);
    expect(useThreads(0)).toBe(byDefault);
  });

  it.each([[-1], [1.5], [Number.NaN], ["2"], [null]])("rejects %s", (count) => {
    expect(() => Reflect.apply(useThreads, undefined, [count])).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  it("does not hinder the end of a process, and costs nothing while it waits", async () => {
    const result = await runChild(`
      native.useThreads(2);
      setTimeout(() => {
        const before = process.cpuUsage();
        setTimeout(() => {
          const { user, system } = process.cpuUsage(before);
          console.log(user + system < 100000);
          process.exit(3);
        }, 500);
      }, 100);
    `);
    expect(result).toMatchObject({ exitCode: 3, signal: null, stdout: "true\n" });
  });

  it("belongs to its environment: workers come, are terminated and leave no thread", async () => {
    const before = threads();
    for (let i = 0; i < 10; i++) {
      const worker = startWorker(
        "parentPort.postMessage(native.useThreads(2)); setInterval(() => {}, 1000);",
      );
      expect(await firstMessage(worker)).toBeGreaterThanOrEqual(1);
      await worker.terminate();
    }
    expect(threads()).toBeLessThanOrEqual(before);
  });
});

describe("an engine that is not told its threads", () => {
  it("has one for each core", async () => {
    const { threads: _, ...config } = fakeModel();
    const engine = await NativeEngine.load(config, () => {});
    expect(engine.stats().threads).toBe(useThreads());
    await engine.dispose();
  });
});
