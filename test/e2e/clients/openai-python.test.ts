// OpenAI's own client for Python, over HTTP. The interpreter is NODE_MLC_PYTHON, or python3; it must have the package "openai".
import { execFile, spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { API_KEY, DEFAULT_MODEL, LiveServer, MODEL } from "../../support/live-server.js";

const program = path.join(path.dirname(fileURLToPath(import.meta.url)), "openai_client.py");
const python = process.env.NODE_MLC_PYTHON ?? "python3";
const available = spawnSync(python, ["-c", "import openai"]).status === 0;
if (!available)
  console.warn(
    `${python} has no package "openai" (.ci/run makes one in build/python; NODE_MLC_PYTHON names it): OpenAI's client for Python is skipped`,
  );

describe.skipIf(DEFAULT_MODEL === undefined || !available)("OpenAI's client for Python", () => {
  let server: LiveServer;
  beforeAll(async () => {
    server = await LiveServer.start();
  });
  afterAll(() => server?.close());

  it("passes its suite", async () => {
    const env = {
      ...process.env,
      NODE_MLC_URL: server.url,
      NODE_MLC_API_KEY: API_KEY,
      NODE_MLC_MODEL: MODEL,
    };
    const ended = await new Promise<{ code: unknown; report: string }>((resolve) => {
      execFile(python, ["-B", program], { env }, (error, _stdout, report) =>
        resolve({ code: error === null ? 0 : error.code, report }),
      );
    });
    expect(ended.code, ended.report).toBe(0);
    const ran = /^Ran (\d+) tests/m.exec(ended.report)?.[1];
    expect(Number(ran), ended.report).toBeGreaterThanOrEqual(9);
  });
});
