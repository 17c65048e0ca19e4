import { describe, expect, it } from "vitest";
import { resolveSpeculation } from "../../../lib/engine/speculation.js";

describe("the option speculation", () => {
  it("is off, n-grams, or a draft model", () => {
    expect(resolveSpeculation(undefined)).toBeUndefined();
    expect(resolveSpeculation(false)).toBeUndefined();
    expect(resolveSpeculation(true)).toEqual({ draft: undefined, draftTokens: 8 });
    expect(resolveSpeculation({ draft: "./small", draftTokens: 4 })).toEqual({
      draft: "./small",
      draftTokens: 4,
    });
  });

  it.each([
    ["yes", /true, false or an object for speculation/],
    [[], /speculation/],
    [{ draftTokens: 0 }, /between 1 and 64 for speculation.draftTokens/],
    [{ draftTokens: 1.5 }, /speculation.draftTokens/],
    [{ draft: "" }, /speculation.draft/],
    [{ model: "x" }, /"model"/],
  ])("refuses %j", (value, message) => {
    expect(() => resolveSpeculation(value)).toThrow(message);
  });
});
