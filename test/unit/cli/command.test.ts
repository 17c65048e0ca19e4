import { describe, expect, it } from "vitest";
import { defineCommand, integerFlag, numberFlag, parseCommandLine } from "../../../lib/cli/command.js";

const DEFINITIONS = {
  source: { type: "positional", description: "" },
  output: { type: "string", alias: "o", valueHint: "DIR", description: "" },
  seed: { type: "string", valueHint: "S", description: "" },
  prompt: { type: "string", valueHint: "T", required: true, description: "" },
  raw: { type: "boolean", description: "" },
  tune: { type: "string", valueHint: "S", alone: "60", description: "" },
} as const;

const parse = (...args: string[]) => parseCommandLine("test", DEFINITIONS, args);

describe("parseCommandLine", () => {
  it("reads positionals, values, short names and switches in any order", () => {
    expect(parse("--raw", "x", "--prompt", "a b", "-o", "dir")).toEqual({
      source: "x",
      output: "dir",
      seed: undefined,
      prompt: "a b",
      raw: true,
      tune: undefined,
    });
    expect(parse("--prompt=--raw", "x").prompt).toBe("--raw");
    expect(parse("x", "--prompt", "")).toMatchObject({ prompt: "", raw: false });
    expect(parse("x", "--prompt", "p", "--seed", "-5").seed).toBe("-5");
    expect(parse("--prompt", "p", "--", "--x").source).toBe("--x");
  });

  it("gives a flag that may stand alone its value", () => {
    expect(parse("x", "--prompt", "p", "--tune").tune).toBe("60");
    expect(parse("--prompt", "p", "--tune", "x")).toMatchObject({ tune: "60", source: "x" });
    expect(parse("x", "--prompt", "p", "--tune=5").tune).toBe("5");
    expect(parse("--prompt", "p", "--", "--tune")).toMatchObject({ tune: undefined, source: "--tune" });
  });

  it.each([
    [["--prompt", "p"], "Expected SOURCE but received none"],
    [["x"], "Expected --prompt but received none"],
    [["x", "--prompt"], "argument missing"],
    [["x", "--prompt", "--raw"], "argument is ambiguous"],
    [["x", "--prompt", "p", "--nope"], "Unknown option '--nope'"],
    [["x", "--prompt", "p", "--raw=yes"], "does not take an argument"],
    [["x", "y", "--prompt", "p"], 'no more arguments but received "y"'],
    [["x", "--prompt", "p", "-z"], "Unknown option '-z'"],
  ])("refuses %j in one line", (args, message) => {
    expect(() => parse(...args)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(message) }),
    );
    expect(() => parse(...args)).toThrow(/^[^\n]*\(see node-mlc test --help\)\.$/);
  });
});

describe("defineCommand", () => {
  it("gives every command --json and passes typed values", async () => {
    const seen: unknown[] = [];
    const command = defineCommand({
      meta: { name: "test", description: "" },
      args: { raw: { type: "boolean", description: "" } },
      async run(args, { output }) {
        seen.push(args.raw, output.json);
      },
    });
    await command.parseAndRun(["--json"], new AbortController().signal);
    expect(seen).toEqual([false, true]);
    expect(Object.keys(command.args)).toEqual(["raw", "json"]);
  });
});

describe("number flags", () => {
  it("read numbers and refuse anything else", () => {
    expect(integerFlag("n", undefined)).toBeUndefined();
    expect(integerFlag("n", "12")).toBe(12);
    expect(integerFlag("n", "-3", -5)).toBe(-3);
    expect(numberFlag("t", "0.5")).toBe(0.5);
    expect(numberFlag("t", "1e-3")).toBe(0.001);
    for (const bad of ["", "1.5", "x", "0x10", "1e3", "0", "99999999999999999999"]) {
      expect(() => integerFlag("n", bad)).toThrow(/Expected an integer of at least 1 for --n/);
    }
    expect(() => integerFlag("n", "9", 1, 8)).toThrow(/between 1 and 8/);
    for (const bad of ["", "x", "Infinity", "NaN"])
      expect(() => numberFlag("t", bad)).toThrow(/a number for --t/);
  });
});
