/** JSON schemas that cannot be enforced: each refusal names the keyword and where it stands. */
import { describe, expect, it } from "vitest";
import { checkedSchema } from "../../../lib/engine/json-schema.js";

/** The keyword and pointer of a refusal, as "keyword at pointer". */
function refusal(schema: unknown): string {
  try {
    return `accepted: ${checkedSchema(schema)}`;
  } catch (error) {
    expect(error).toMatchObject({ code: "ERR_INVALID_GRAMMAR" });
    const { keyword, pointer } = (error as { details: { keyword: string; pointer: string } }).details;
    return `${keyword} at ${pointer}`;
  }
}

const at = (inner: unknown) => ({
  type: "object",
  properties: { "a/b": inner },
  additionalProperties: false,
});

describe("what cannot be enforced", () => {
  it.each<[string, unknown]>([
    ["uniqueItems", { type: "array", uniqueItems: true, maxItems: 2 }],
    ["contains", { type: "array", contains: { type: "null" } }],
    ["contains", { type: "array", contains: { type: "null" }, minContains: 0, maxContains: 2 }],
    ["multipleOf", { type: "number", multipleOf: 0.01 }],
    ["multipleOf", { type: "integer", multipleOf: 0.3 }],
    ["multipleOf", { type: "integer", multipleOf: 1025 }],
    ["multipleOf", { type: "integer", multipleOf: 5, minimum: 0 }],
    ["maximum", { type: "number", maximum: 1e300 }],
    ["minimum", { type: "integer", minimum: -1e300 }],
    ["minimum", { type: "number", minimum: 1e-8, maximum: 2e-8 }],
    ["pattern", { type: "string", pattern: "^(?=a)" }],
    ["pattern", { type: "string", pattern: "\\bword\\b" }],
    ["pattern", { type: "string", pattern: "(a)\\1" }],
    ["pattern", { type: "string", pattern: "\\p{L}" }],
    ["pattern", { type: "string", pattern: "(" }],
    ["pattern", { type: "string", pattern: "[b-a]" }],
    ["pattern", { type: "string", pattern: "[]" }],
    ["pattern", { type: "string", pattern: "\\ud800" }],
    ["pattern", { type: "string", pattern: "(?:a{1000}){1000}" }],
    ["pattern", { type: "string", pattern: "a^b" }],
    ["pattern", { type: "string", pattern: "a".repeat(10_001) }],
    ["pattern", { type: "string", pattern: `${"(".repeat(80)}${")".repeat(80)}` }],
    ["pattern", { type: "string", allOf: [{ pattern: "a" }, { pattern: "b" }] }],
    ["format", { type: "string", format: "date", pattern: "^2" }],
    ["format", { type: "string", format: "regex" }],
    ["format", { type: "string", format: "idn-hostname" }],
    ["minLength", { type: "string", pattern: "^a+b+$", minLength: 4 }],
    ["maxLength", { type: "string", format: "email", maxLength: 20 }],
    ["not", { type: "string", pattern: "^a", not: { const: "ab" } }],
    ["not", { type: "string", not: { const: "a".repeat(257) } }],
    ["not", { type: "number", not: { const: 3 } }],
    ["not", { type: "object", not: { const: {} } }],
    ["pattern", { not: { pattern: "a" } }],
    ["type", { not: { type: "integer" } }],
    ["items", { not: { items: { type: "null" } } }],
    ["oneOf", { oneOf: [{ type: "integer" }, { type: "number", minimum: 2 }] }],
    ["oneOf", { type: "object", oneOf: [{ required: ["a"] }, { required: ["b"] }] }],
    ["patternProperties", { type: "object", patternProperties: { a: { type: "null" } } }],
    [
      "patternProperties",
      { patternProperties: { a: { type: "null" }, b: { type: "string" } }, additionalProperties: false },
    ],
    [
      "patternProperties",
      { properties: { ab: true }, patternProperties: { "^a": {} }, additionalProperties: false },
    ],
    ["propertyNames", { propertyNames: { anyOf: [{ pattern: "^a" }, { pattern: "^b" }] } }],
    ["minProperties", { type: "object", minProperties: 2 }],
    ["unevaluatedProperties", { allOf: [{ properties: { a: true } }], unevaluatedProperties: false }],
    ["unevaluatedItems", { anyOf: [{ prefixItems: [true] }], unevaluatedItems: false }],
    ["$ref", { $ref: "https://example.com/schema" }],
    ["$ref", { $ref: "#/$defs/none" }],
    ["$ref", { $ref: "#none" }],
    ["$ref", { $ref: "#/%" }],
    ["$dynamicRef", { $dynamicRef: "#node" }],
    ["$recursiveRef", { $recursiveRef: "#" }],
  ])("names %s in %j", (keyword, schema) => {
    const places = [schema, at(schema)].map((each) => refusal(each).split(" at ")[0]);
    expect(places).toEqual([keyword, keyword]);
  });

  it("points to where it stands", () => {
    expect(refusal({ type: "array", uniqueItems: true })).toBe("uniqueItems at ");
    expect(refusal(at({ type: "array", uniqueItems: true }))).toBe("uniqueItems at /properties/a~1b");
    expect(refusal({ prefixItems: [true, { anyOf: [{ format: "regex" }] }] })).toBe(
      "format at /prefixItems/1/anyOf/0",
    );
    expect(refusal({ $ref: "#/$defs/x", $defs: { x: { allOf: [{ contains: true }] } } })).toBe(
      "contains at /$defs/x/allOf/0",
    );
    const details = { keyword: "uniqueItems", pointer: "/items" };
    expect(() => checkedSchema({ items: { uniqueItems: true } })).toThrow(
      expect.objectContaining({ message: expect.stringContaining('"uniqueItems" at "#/items"'), details }),
    );
  });
});

describe("what no value satisfies", () => {
  it.each<[string, unknown]>([
    ["false at ", false],
    ["type at ", { type: [] }],
    ["enum at ", { enum: [] }],
    ["anyOf at ", { anyOf: [] }],
    ["anyOf at ", { anyOf: [false, { enum: [] }] }],
    ["const at ", { const: 1, type: "string" }],
    ["type at /allOf/0", { type: "string", allOf: [{ type: "null" }] }],
    ["oneOf at ", { type: "null", oneOf: [{ type: "string" }, { type: "number" }] }],
    ["not at ", { type: "null", not: {} }],
    ["minimum at /allOf/0", { type: "integer", allOf: [{ minimum: 0.2 }], maximum: 0.8 }],
    ["minimum at ", { type: "integer", multipleOf: 7, minimum: 1, maximum: 6 }],
    ["false at /additionalProperties", { type: "object", additionalProperties: false, minProperties: 1 }],
    ["maxProperties at ", { type: "object", required: ["a", "b"], maxProperties: 1 }],
    ["not at ", { type: "boolean", not: { enum: [true, false] } }],
    ["false at /properties/a", { type: "object", properties: { a: false }, required: ["a"] }],
  ])("is refused: %s in %j", (expected, schema) => {
    expect(refusal(schema)).toBe(expected);
  });

  it.each<[unknown]>([
    [{ type: "object", properties: { a: { $ref: "#" } }, required: ["a"], additionalProperties: false }],
    [{ type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }],
    [{ type: "array", items: { $ref: "#" }, minItems: 1 }],
    [{ type: "array", prefixItems: [{ $ref: "#" }], minItems: 1 }],
    [{ type: "object", additionalProperties: { $ref: "#" }, minProperties: 1 }],
    [{ anyOf: [{ type: "array", items: { $ref: "#" }, minItems: 2 }] }],
  ])("is refused where every value would hold another one: %j", (schema) => {
    expect(refusal(schema)).toMatch(/^\$ref at/);
    expect(() => checkedSchema(schema)).toThrow(/without end/);
  });

  it("is refused where a part that may be left out would hold another one", () => {
    const endless = { type: "array", items: { $ref: "#/$defs/endless" }, minItems: 1 };
    const schema = { ...at({ $ref: "#/$defs/endless" }), $defs: { endless } };
    expect(refusal(schema)).toBe("$ref at /$defs/endless/items");
  });

  it("is not refused where a value may end", () => {
    for (const [least, type] of [
      [1, ["array", "null"]],
      [0, "array"],
    ]) {
      expect(refusal({ type, items: { $ref: "#" }, minItems: least })).toMatch(/^accepted/);
    }
  });
});

describe("what is no schema", () => {
  it.each<[string, unknown]>([
    [" at ", undefined],
    [" at ", null],
    [" at ", "string"],
    [" at ", [{}]],
    ["type at ", { type: "text" }],
    ["type at ", { type: [1] }],
    ["nullable at ", { type: "string", nullable: 1 }],
    ["enum at ", { enum: "a" }],
    ["minimum at ", { minimum: "1" }],
    ["minimum at ", { minimum: Number.NaN }],
    ["multipleOf at ", { multipleOf: 0 }],
    ["minLength at ", { minLength: -1 }],
    ["maxItems at ", { maxItems: 1.5 }],
    ["pattern at ", { pattern: 1 }],
    ["format at ", { format: {} }],
    ["items at ", { items: 1 }],
    ["prefixItems at ", { prefixItems: {} }],
    ["uniqueItems at ", { uniqueItems: "yes" }],
    ["properties at ", { properties: [] }],
    ["a at /properties", { properties: { a: null } }],
    ["required at ", { required: "a" }],
    ["required at ", { required: [1] }],
    ["allOf at ", { allOf: {} }],
    ["0 at /anyOf", { anyOf: [3] }],
    ["not at ", { not: 3 }],
    ["$ref at ", { $ref: 3 }],
  ])("is refused: %s in %j", (expected, schema) => {
    expect(refusal(schema)).toBe(expected);
  });
});

describe("what is too much", () => {
  const nested = (levels: number): unknown =>
    levels === 0 ? {} : { type: "array", items: nested(levels - 1) };
  const chain = (length: number) => {
    const definition = (index: number) => at(index + 1 < length ? { $ref: `#/$defs/s${index + 1}` } : true);
    const $defs = Object.fromEntries(Array.from({ length }, (_, index) => [`s${index}`, definition(index)]));
    return { $ref: "#/$defs/s0", $defs };
  };

  it("is refused: depth", () => {
    expect(refusal(nested(100))).toMatch(/^accepted/);
    expect(() => checkedSchema(nested(1_000))).toThrow(/nests deeper than 128/);
    const circle: Record<string, unknown> = {};
    circle.items = circle;
    expect(() => checkedSchema(circle)).toThrow(/nests deeper than 128/);
    expect(refusal(chain(400))).toMatch(/^accepted/);
    expect(() => checkedSchema(chain(4_000))).toThrow(/more than 512 schemas nest/);
  });

  it("is refused: size", () => {
    const long = { enum: Array.from({ length: 100_001 }, (_, index) => index) };
    expect(() => checkedSchema(long)).toThrow(/more than 100000 parts/);
  });

  it("is refused: alternatives that multiply", () => {
    const choice = (name: string) => ({
      anyOf: [{ properties: { [name]: { type: "null" } } }, { required: [name] }],
    });
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    expect(() => checkedSchema({ type: "object", allOf: names.map(choice) })).toThrow(/alternatives/);
  });

  it("is refused: references and opposites that lead back to themselves", () => {
    const self = { anyOf: [{ $ref: "#/$defs/a" }, { type: "null" }] };
    expect(refusal({ $ref: "#/$defs/a", $defs: { a: self } })).toMatch(/^\$ref at/);
    expect(refusal({ type: "string", not: { $ref: "#/$defs/a" }, $defs: { a: { $ref: "#/$defs/a" } } })).toBe(
      "not at /$defs/a",
    );
    const tree = { properties: { next: { $ref: "#/$defs/tree" } } };
    expect(refusal({ type: "object", not: { $ref: "#/$defs/tree" }, $defs: { tree } })).toBe(
      "not at /$defs/tree",
    );
  });

  it("is refused: names too long to be told from others", () => {
    const long = "a".repeat(257);
    expect(refusal({ type: "object", properties: { [long]: true } })).not.toMatch(/^accepted/);
    expect(refusal({ type: "object", properties: { [long]: true }, additionalProperties: false })).toMatch(
      /^accepted/,
    );
  });
});
