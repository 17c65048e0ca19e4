// The examples run as a reader would run them.
import { execFile } from "node:child_process";
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

  it("tools.ts calls the function of the program", async () => {
    const stdout = await example("tools.ts", await compiledModel(gguf ?? ""));
    expect(stdout).toMatch(
      /look_up_stock\(\{\s*"product": "lamp"\s*\}\)\n-> There are 12 pieces of lamp in stock\./,
    );
  });

  it("structured-output.ts reads the order out of the letter", async () => {
    const stdout = await example("structured-output.ts", await compiledModel(gguf ?? ""));
    expect(stdout).toMatch(/^Anna Berg (normal|urgent)\n(\d+ x .+\n){1,4}(furniture|food|clothes)\n$/);
  });

  it("concurrent.ts answers all but the cancelled request", async () => {
    const stdout = await example("concurrent.ts", await compiledModel(gguf ?? ""));
    expect(stdout).toContain("The sea is a vast and mysterious realm");
    expect(stdout).toContain("cancelled: ERR_ABORTED");
  });
});
