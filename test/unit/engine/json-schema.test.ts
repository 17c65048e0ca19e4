/** JSON schemas as generation enforces them: what is kept and what is rewritten to the same meaning. */
import { describe, expect, it } from "vitest";
import { checkedSchema } from "../../../lib/engine/json-schema.js";
import { allows, writtenOut } from "../../support/checked-schema.js";

const checked = (schema: unknown): unknown => writtenOut(checkedSchema(schema));

describe("types", () => {
  it("keeps each of them, and any value", () => {
    for (const type of ["null", "boolean", "number", "string", "integer"]) {
      expect(checked({ type })).toEqual({ type });
    }
    expect(checked({})).toEqual({});
    expect(checked(true)).toEqual({});
    expect(checked({ type: "object" })).toEqual({ type: "object", additionalProperties: true });
    expect(checked({ type: "array" })).toEqual({ type: "array", items: {} });
  });

  it("writes several as alternatives", () => {
    expect(checked({ type: ["string", "null"] })).toEqual({ anyOf: [{ type: "null" }, { type: "string" }] });
    expect(checked({ type: "string", nullable: true })).toEqual(checked({ type: ["string", "null"] }));
    const text = checkedSchema({ type: ["integer", "array"], items: { type: "null" } });
    expect([1, [], [null]].every((value) => allows(text, value))).toBe(true);
    expect([1.5, "1", [1], {}].some((value) => allows(text, value))).toBe(false);
  });
});
