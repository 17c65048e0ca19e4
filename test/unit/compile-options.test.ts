import { describe, expect, test } from "vitest";
import { type CompileOptions, compileRequest, resolveLimits } from "../../lib/compiler/compile-options.js";
import { fromPlainError, toPlainError } from "../../lib/compiler/compile-protocol.js";
import { MlcError } from "../../lib/errors.js";

describe("compile options", () => {
  test("defaults", () => {
    expect(compileRequest("model", {})).toEqual({
      source: "model",
      output: undefined,
      quantization: undefined,
      activations: "int8",
      kvCache: undefined,
      targets: ["cpu"],
      tune: { seconds: undefined, threads: undefined },
      limits: {},
      debugDump: undefined,
    });
  });

  test.each<[string, CompileOptions]>([
    ["contextLength", { contextLength: 0 }],
    ["contextLength", { contextLength: 1.5 }],
    ["maxBatch", { maxBatch: Number.NaN }],
    ["prefillChunk", { prefillChunk: "512" as never }],
    ["output", { output: "" }],
    ["target", { target: 3 as never }],
    ["target", { target: "" }],
    ["target", { target: "cpu," }],
    ["target", { target: [] }],
    ["target", { target: ["cpu", 3 as never] }],
    ["activations", { activations: "int4" as never }],
    ["kvCache", { kvCache: "int4" as never }],
    ["tune", { tune: -1 }],
    ["tune", { tune: Number.NaN }],
    ["tune", { tune: "60" as never }],
    ["tune", { tune: null as never }],
    ["tune", { tune: { seconds: 1e9 } }],
    ["tune", { tune: { threads: 0 } }],
    ["tune", { tune: { second: 1 } as never }],
    ["maxbatch", { maxbatch: 3 } as never],
  ])("a wrong %s is refused by name", (name, options) => {
    expect(() => compileRequest("model", options)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(name) }),
    );
  });

  test("targets: a text with commas or a list", () => {
    const targets = (target: string | string[]) => compileRequest("model", { target }).targets;
    expect(targets("cpu:x86-64-v3, cpu:x86-64-v4")).toEqual(["cpu:x86-64-v3", "cpu:x86-64-v4"]);
    expect(targets(["cpu", "cpu:a,cpu:b"])).toEqual(["cpu", "cpu:a", "cpu:b"]);
  });

  test("tuning: seconds, or seconds and threads", () => {
    const tune = (value: NonNullable<CompileOptions["tune"]>) =>
      compileRequest("model", { tune: value }).tune;
    expect(tune(0)).toEqual({ seconds: 0, threads: undefined });
    expect(tune(2.5)).toEqual({ seconds: 2.5, threads: undefined });
    expect(tune({ threads: 4 })).toEqual({ seconds: 60, threads: 4 });
  });

  test("an empty source is refused", () => {
    expect(() => compileRequest("", {})).toThrow(MlcError);
  });

  test("limits: the model's context up to 8192, a chunk that holds the batch", () => {
    expect(resolveLimits({}, 131072, 512)).toEqual({ contextLength: 8192, maxBatch: 16, prefillChunk: 512 });
    expect(resolveLimits({}, 256, 512)).toEqual({ contextLength: 256, maxBatch: 16, prefillChunk: 256 });
    expect(resolveLimits({ contextLength: 20000, maxBatch: 64, prefillChunk: 8 }, 131072, 512)).toEqual({
      contextLength: 20000,
      maxBatch: 64,
      prefillChunk: 64,
    });
    expect(() => resolveLimits({ contextLength: 257 }, 256, 512)).toThrow(
      /at most 256 tokens .* received 257/,
    );
  });
});

describe("errors across the process boundary", () => {
  test("keep code, message and details", () => {
    const error = new MlcError("ERR_MISSING_TENSOR", "no tensor", { details: { name: "x", big: 1n } });
    const received = fromPlainError(structuredClone(toPlainError(error)));
    expect(received).toBeInstanceOf(MlcError);
    expect(received).toMatchObject({
      code: "ERR_MISSING_TENSOR",
      message: "no tensor",
      details: { name: "x", big: "1" },
    });
    expect(String(received.cause)).toContain("compile-options.test");
  });

  test("anything else becomes ERR_COMPILE with its text", () => {
    expect(fromPlainError(toPlainError(new TypeError("broken"))).message).toContain("broken");
    expect(fromPlainError(toPlainError("just text"))).toMatchObject({ code: "ERR_COMPILE" });
    expect(fromPlainError({ ...toPlainError("x"), code: "ERR_UNHEARD_OF" }).code).toBe("ERR_COMPILE");
  });
});
