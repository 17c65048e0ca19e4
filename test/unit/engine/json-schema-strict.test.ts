/** What `strict: true` asks of JSON schemas. */
import { describe, expect, it } from "vitest";
import { checkedSchema } from "../../../lib/engine/json-schema.js";

const closed = (properties: Record<string, unknown>, more: object = {}): Record<string, unknown> => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});

function refusal(schema: unknown): string {
  try {
    return `accepted: ${checkedSchema(schema, { strict: true })}`;
  } catch (error) {
    expect(error).toMatchObject({ code: "ERR_INVALID_GRAMMAR" });
    const { keyword, pointer } = (error as { details: { keyword: string; pointer: string } }).details;
    return `${keyword} at ${pointer}`;
  }
}

const nested = (levels: number): Record<string, unknown> =>
  closed(levels === 1 ? {} : { inner: nested(levels - 1) });
const many = (count: number) =>
  closed(Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, { type: "null" }])));
const listed = (count: number) =>
  closed({ a: { type: "string", enum: Array.from({ length: count }, (_, index) => `v${index}`) } });

describe("a strict schema", () => {
  it("is what it is without strict", () => {
    const schemas = [
      closed({ a: { type: ["string", "null"], description: "d" }, b: { type: "array", items: closed({}) } }),
      closed({ a: { anyOf: [{ type: "null" }, { $ref: "#/$defs/b" }] } }, { $defs: { b: closed({}) } }),
      {
        $ref: "#/$defs/a",
        $defs: { a: closed({ next: { anyOf: [{ $ref: "#/$defs/a" }, { type: "null" }] } }) },
      },
      nested(10),
      many(300),
      listed(1_000),
    ];
    for (const schema of schemas) {
      expect(checkedSchema(schema, { strict: true })).toBe(checkedSchema(schema));
    }
  });

  it.each<[string, unknown]>([
    ["type at ", {}],
    ["type at ", true],
    ["type at ", { type: "array" }],
    ["type at ", { type: ["object"] }],
    ["anyOf at ", closed({}, { anyOf: [closed({})] })],
    ["additionalProperties at ", { type: "object" }],
    ["additionalProperties at ", closed({}, { additionalProperties: true })],
    [
      "additionalProperties at /properties/a/items",
      closed({ a: { type: "array", items: { type: "object" } } }),
    ],
    ["additionalProperties at /properties/a", closed({ a: { properties: {} } })],
    ["additionalProperties at /$defs/x~1y", closed({}, { $defs: { "x/y": { type: ["object", "null"] } } })],
    ["required at ", closed({ a: {}, b: {} }, { required: ["a"] })],
    [
      "required at /properties/a/anyOf/1",
      closed({ a: { anyOf: [{}, closed({ b: {} }, { required: [] })] } }),
    ],
    [
      "additionalProperties at /properties/a/items/1",
      closed({ a: { type: "array", items: [{}, { type: "object" }] } }),
    ],
    [
      "additionalProperties at /dependentSchemas/a",
      closed({ a: {} }, { dependentSchemas: { a: { type: "object" } } }),
    ],
    ["x-order at ", closed({}, { "x-order": 1 })],
    ["typo at /properties/a", closed({ a: { type: "string", typo: 1 } })],
    ["uniqueItems at /properties/a", closed({ a: { type: "array", items: {}, uniqueItems: true } })],
  ])("is refused: %s in %j", (expected, schema) => {
    expect(refusal(schema)).toBe(expected);
  });

  it("has at most ten levels, 5,000 properties and 1,000 listed values", () => {
    expect(refusal(nested(11))).toBe(`properties at ${"/properties/inner".repeat(10)}`);
    expect(refusal(many(5_001))).toBe("properties at ");
    expect(refusal(listed(1_001))).toBe("enum at /properties/a");
  });

  it("is not asked for by default", () => {
    expect(checkedSchema({ type: "object", typo: 1 })).toBe(
      checkedSchema({ type: "object" }, { strict: false }),
    );
  });
});
