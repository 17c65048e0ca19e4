import { describe, expect, test } from "vitest";
import { planMemory } from "../../../lib/package/memory-plan.js";
import { manifestDraft } from "./package-fixture.js";

const draft = manifestDraft();
const manifest = {
  model: draft.model,
  limits: { ...draft.limits, pageSize: 16 as const },
  kvCache: { dtype: "float16" as const, bytesPerToken: 128, pageBytes: 2048 },
  memory: { weights: 1_000_000, temporaries: 10_000 },
  tokenizer: { ...draft.tokenizer, files: ["tokenizer.json", "vocabulary.bin"] },
  files: {
    "tokenizer.json": { bytes: 100, sha256: "" },
    "vocabulary.bin": { bytes: 1000, sha256: "" },
    "lib/model.so": { bytes: 5000, sha256: "" },
  },
};

describe("planMemory", () => {
  test("adds up what a load will use", () => {
    const plan = planMemory(manifest, { batch: 2, context: 33 });
    // Three pages a sequence for 33 tokens; hidden 32 x 32 floats, logits 2 x 40 floats, sampling 40 x 8 bytes,
    // tokenizer 18 x 100 and 1.6 x 1000 bytes, runtime 9.5 MB.
    expect(plan).toEqual({
      batch: 2,
      context: 33,
      pages: 6,
      weights: 1_000_000,
      kv: 6 * 2048,
      workspace: 4096 + 320 + 320 + 3400 + 9_500_000,
      temporaries: 10_000,
      total: 1_000_000 + 6 * 2048 + 9_508_136 + 10_000,
    });
  });

  test("plans one sequence of the longest context by default", () => {
    expect(planMemory(manifest)).toMatchObject({ batch: 1, context: 64, pages: 4 });
  });

  test.each([
    { batch: 0 },
    { batch: 5 },
    { batch: 1.5 },
    { context: 65 },
    { context: 0 },
    { context: Number.NaN },
  ])("refuses %j", (request) => {
    expect(() => planMemory(manifest, request)).toThrow(/Expected an integer between 1 and (4|64) for/);
  });

  test("refuses a plan beyond the budget with the numbers", () => {
    const { total } = planMemory(manifest);
    expect(planMemory(manifest, { budget: total }).total).toBe(total);
    expect(() => planMemory(manifest, { budget: total - 1 })).toThrow(
      expect.objectContaining({
        code: "ERR_INSUFFICIENT_MEMORY",
        details: expect.objectContaining({ total, budget: total - 1 }),
      }),
    );
  });
});
