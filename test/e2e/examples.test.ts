// The examples run as a reader would run them.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { compiledModel } from "../support/compiled-model.js";
import { sharedData } from "../support/shared-data.js";

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const scratch = mkdtempSync(path.join(os.tmpdir(), "node-mlc-examples-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const gguf = process.env.NODE_MLC_DEFAULT_MODEL;
const goldens = sharedData("goldens");

async function example(name: string, ...args: string[]): Promise<string> {
  const script = path.join(repository, "examples", name);
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script, ...args], {
    cwd: repository,
  });
  return stdout;
}

/** Runs an example with something to read. */
async function exampleReading(input: string, name: string, ...args: string[]): Promise<string> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", path.join(repository, "examples", name), ...args],
    {
      cwd: repository,
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  child.stdin.end(input);
  let stdout = "";
  for await (const text of child.stdout) stdout += String(text);
  return stdout;
}

describe.skipIf(goldens === undefined)("examples/compile.ts", () => {
  it("compiles a folder", async () => {
    const output = path.join(scratch, "llama");
    expect(await example("compile.ts", path.join(goldens ?? "", "llama"), output)).toContain("llama");
  });
});

describe.skipIf(gguf === undefined)("examples on the default model", () => {
  it("chat.ts streams an answer", async () => {
    expect(await example("chat.ts", await compiledModel(gguf ?? ""))).toContain("Tokyo");
  });

  it("sessions.ts goes on where it was, forked and restored", async () => {
    const stdout = await example("sessions.ts", await compiledModel(gguf ?? ""));
    expect(stdout).toMatch(/[1-9]\d of \d\d prompt tokens were there already/);
    expect(stdout).toContain("the same answers");
  });

  it("server.ts serves OpenAI's client", async () => {
    expect(await example("server.ts", await compiledModel(gguf ?? ""))).toContain("Tokyo");
  });

  it("concurrent.ts answers all but the cancelled request", async () => {
    const stdout = await example("concurrent.ts", await compiledModel(gguf ?? ""));
    expect(stdout).toContain("The sea is a vast and mysterious realm");
    expect(stdout).toContain("cancelled: ERR_ABORTED");
  });

  it("first-chat.ts answers lines, and remembers", async () => {
    const questions = "What is the capital of Japan?\nAnd of Italy?\n";
    const stdout = await exampleReading(questions, "first-chat.ts", await compiledModel(gguf ?? ""));
    expect(stdout).toMatch(
      /^> .*Tokyo.*\n {2}\[\d+ tokens, 0 reused\]\n> .*Rome.*\n {2}\[\d+ tokens, [1-9]\d* reused\]\n> \n$/,
    );
  });

  it("tools.ts calls a function of its own, and answers", async () => {
    const question = "What is the weather in Paris?";
    const stdout = await example("tools.ts", await compiledModel(gguf ?? ""), question);
    const [call = "", result = ""] = stdout.split("\n");
    // Which city it asks for is the model's choice; that it asks for one is not.
    expect(call).toMatch(/^call: get_weather \{ city: ['"].{0,40}['"] \}$/);
    expect(result).toMatch(/^result: (clear, 21 degrees|snow, -3 degrees|no station there)$/);
    expect(stdout).toMatch(/\n[23] answers of the model, (finished|stopped at the limit)\n$/);
  });

  it("structured-output.ts prints values of the type", async () => {
    const stdout = await example("structured-output.ts", await compiledModel(gguf ?? ""));
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^\*{1,5} (good|bad|mixed): /);
  });
});
