import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { windowsOf } from "../../../lib/cli/commands/perplexity.js";
import { writeSafetensors } from "../../../lib/cli/safetensors.js";
import { readSafetensor } from "../../support/safetensors.js";

describe("windowsOf", () => {
  const tokens = (count: number) => Array.from({ length: count }, (_, id) => id);

  it("cuts into windows, of which each scores all tokens but its first", () => {
    const windows = windowsOf(tokens(4096), 512);
    expect(windows).toHaveLength(8);
    expect(windows.reduce((sum, window) => sum + window.length - 1, 0)).toBe(4088);
    expect(windows.flat()).toEqual(tokens(4096));
  });

  it("keeps a shorter last window unless it scores nothing", () => {
    expect(windowsOf(tokens(10), 4).map((window) => window.length)).toEqual([4, 4, 2]);
    expect(windowsOf(tokens(9), 4).map((window) => window.length)).toEqual([4, 4]);
    expect(() => windowsOf(tokens(1), 4)).toThrow(/at least 2 tokens but received 1/);
  });
});

describe("writeSafetensors", () => {
  it("writes what a reader reads, with an aligned header", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "node-mlc-"));
    try {
      const file = path.join(folder, "x.safetensors");
      const data = Float32Array.from([1, -2.5, 3, 4, 5, 6]);
      await writeSafetensors(file, "logits", data, [1, 2, 3]);
      const back = readSafetensor(file, "logits");
      expect(back.shape).toEqual([1, 2, 3]);
      expect([...back.data]).toEqual([...data]);
      expect(readFileSync(file).readBigUInt64LE(0) % 8n).toBe(0n);
      await expect(writeSafetensors(path.join(folder, "no/x"), "l", data, [6])).rejects.toMatchObject({
        code: "ERR_IO",
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
