import path from "node:path";
import { defineConfig } from "vitest/config";

// One project per kind of test, by what it needs: nothing, the addon, the compiler library, a model, only the types.
const project = (name: string, timeoutMs: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    // Not the user's tuning records.
    env: { NODE_MLC_CACHE: path.resolve("build/test-cache") },
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    // Native code is loaded: a process per file keeps one file's handles out of another's teardown.
    pool: "forks" as const,
    execArgv: name === "native" || name === "e2e" ? ["--expose-gc"] : [],
    // Once for all processes: two that build it at a time would link it under each other.
    globalSetup: name === "native" || name === "golden" ? ["test/support/build-fake-model.ts"] : [],
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project("unit", 30_000),
      project("native", 60_000),
      project("golden", 120_000),
      project("e2e", 300_000),
      {
        test: {
          name: "types",
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ["test/types/**/*.test-d.ts"],
            tsconfig: "tsconfig.json",
          },
        },
      },
    ],
  },
});
