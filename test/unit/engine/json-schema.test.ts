/** JSON schemas as generation enforces them: what is kept and what is rewritten to the same meaning. */
import { describe, expect, it } from "vitest";
import { checkedSchema } from "../../../lib/engine/json-schema.js";
import { allows, writtenOut } from "../../support/checked-schema.js";

const checked = (schema: unknown): unknown => writtenOut(checkedSchema(schema));

/** The values of a list that the checked schema allows. */
const allowed = (schema: unknown, values: readonly unknown[]): unknown[] => {
  const text = checkedSchema(schema);
  return values.filter((value) => allows(text, value));
};

const closed = (properties: Record<string, unknown>, ...required: string[]) => ({
  type: "object",
  properties,
  ...(required.length > 0 ? { required } : {}),
  additionalProperties: false,
});

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
    const values = [1, [], [null], 1.5, "1", [1], {}];
    expect(allowed({ type: ["integer", "array"], items: { type: "null" } }, values)).toEqual([1, [], [null]]);
  });

  it("leaves out keywords of other types, and annotations", () => {
    expect(checked({ type: "string", minimum: 3, items: false, title: "t", examples: [1] })).toEqual({
      type: "string",
    });
    expect(checked({ type: "boolean", "x-vendor": { any: "thing" }, default: true })).toEqual({
      type: "boolean",
    });
  });

  it("lists fixed values that the rest allows, objects and arrays part by part", () => {
    expect(checked({ type: "string", enum: ["a", 1, "b"] })).toEqual({
      anyOf: [{ enum: ["a"] }, { enum: ["b"] }],
    });
    expect(checked({ const: null })).toEqual({ enum: [null] });
    expect(checked({ const: { a: [1, {}] } })).toEqual(
      closed(
        {
          a: {
            type: "array",
            prefixItems: [
              { enum: [1] },
              { type: "object", properties: {}, required: [], additionalProperties: false },
            ],
            items: false,
            minItems: 2,
          },
        },
        "a",
      ),
    );
    expect(checked({ enum: [1, 2, 3, 4], minimum: 2, not: { const: 3 } })).toEqual({
      anyOf: [{ enum: [2] }, { enum: [4] }],
    });
  });
});

describe("numbers", () => {
  it("keeps limits, the strictest of each kind", () => {
    expect(checked({ type: "number", minimum: 1, exclusiveMinimum: 1, maximum: 2.5 })).toEqual({
      type: "number",
      exclusiveMinimum: 1,
      maximum: 2.5,
    });
    expect(checked({ type: "number", minimum: 1, exclusiveMinimum: true })).toEqual({
      type: "number",
      exclusiveMinimum: 1,
    });
    expect(checked({ type: "number", maximum: 3, allOf: [{ maximum: 2 }] })).toEqual({
      type: "number",
      maximum: 2,
    });
  });

  it("rounds the limits of integers inwards", () => {
    expect(checked({ type: "integer", exclusiveMinimum: 1, maximum: 4.5 })).toEqual({
      type: "integer",
      minimum: 2,
      maximum: 4,
    });
    expect(checked({ type: "integer", minimum: -0.5, exclusiveMaximum: 3 })).toEqual({
      type: "integer",
      minimum: 0,
      maximum: 2,
    });
    expect(checked({ type: "number", format: "int32" })).toEqual({
      type: "integer",
      minimum: -(2 ** 31),
      maximum: 2 ** 31 - 1,
    });
  });

  it("joins steps", () => {
    expect(checked({ type: "integer", multipleOf: 4, allOf: [{ multipleOf: 6 }] })).toEqual({
      type: "integer",
      multipleOf: 12,
    });
    expect(checked({ type: "integer", multipleOf: 0.5 })).toEqual({ type: "integer" });
    expect(checked({ type: "number", multipleOf: 1 })).toEqual({ type: "integer" });
  });
});

describe("arrays", () => {
  it("keeps items by place and the rest", () => {
    expect(checked({ type: "array", items: { type: "null" }, minItems: 1, maxItems: 2 })).toEqual({
      type: "array",
      items: { type: "null" },
      minItems: 1,
      maxItems: 2,
    });
    const tuple = { type: "array", prefixItems: [{ type: "null" }], items: { type: "boolean" } };
    expect(
      checked({ type: "array", items: [{ type: "null" }], additionalItems: { type: "boolean" } }),
    ).toEqual(tuple);
    expect(checked(tuple)).toEqual(tuple);
    expect(checked({ type: "array", prefixItems: [{ type: "null" }], unevaluatedItems: false })).toEqual({
      ...tuple,
      items: false,
    });
  });

  it("ends before an item that cannot be", () => {
    expect(checked({ type: "array", prefixItems: [{ type: "null" }, false] })).toEqual({
      type: "array",
      prefixItems: [{ type: "null" }],
      items: false,
    });
    expect(checked({ type: "array", items: false })).toEqual({ type: "array", items: false, maxItems: 0 });
    expect(checked({ type: ["array", "null"], items: false, minItems: 1 })).toEqual({ type: "null" });
  });

  it("drops what says nothing: items that must differ where one is allowed, and no least of contained ones", () => {
    const short = { type: "array", items: {}, maxItems: 1 };
    expect(checked({ ...short, uniqueItems: true })).toEqual(short);
    expect(checked({ ...short, contains: false, minContains: 0 })).toEqual(short);
  });
});

describe("objects", () => {
  it("keeps closed objects with their order", () => {
    const schema = closed({ b: { type: "null" }, a: { type: "boolean" } }, "a");
    expect(checked(schema)).toEqual(schema);
    expect(Object.keys((checked(schema) as { properties: object }).properties)).toEqual(["b", "a"]);
  });

  it("tells named properties from the other ones of an open object", () => {
    const schema = { type: "object", properties: { a: { type: "null" }, ab: true }, required: ["a", "c"] };
    const fitting = [
      { a: null, c: 1 },
      { a: null, c: 1, ab: 2, b: 3, "": 4, aa: 5, '"': 6 },
    ];
    expect(allowed(schema, [...fitting, { a: 1, c: 1 }, { a: null }, []])).toEqual(fitting);
    const patterns = Object.keys(
      (checked(schema) as { patternProperties: Record<string, unknown> }).patternProperties,
    );
    expect(patterns).toHaveLength(1);
    for (const name of ["a", "ab", "c"]) expect(new RegExp(patterns[0] ?? "", "su").test(name)).toBe(false);
    for (const name of ["", "b", "abc", "ca", "😀"]) {
      expect(new RegExp(patterns[0] ?? "", "su").test(name)).toBe(true);
    }
  });

  it("keeps patterns of names, also beside named properties that they do not fit", () => {
    const schema = {
      type: "object",
      properties: { id: { type: "integer" } },
      patternProperties: { "^x-": { type: "string" } },
      additionalProperties: false,
    };
    const fitting = [{}, { id: 1 }, { "x-a": "b", id: 2 }];
    expect(allowed(schema, [...fitting, { "x-a": 1 }, { y: "a" }, { "ax-": "" }])).toEqual(fitting);
  });

  it("enforces forms of names, and lists of them", () => {
    const values = [{}, { ab: 1 }, { b: 1 }, { a: 1, ab: 1 }];
    expect(allowed({ type: "object", propertyNames: { pattern: "^a" } }, values)).toEqual([
      {},
      values[1],
      values[3],
    ]);
    expect(checked({ type: "object", propertyNames: { enum: ["a", "b"] } })).toEqual(
      closed({ a: {}, b: {} }),
    );
  });

  it("counts properties", () => {
    const count = { minProperties: 1, maxProperties: 2 };
    const values = [{}, { a: 1 }, { a: 1, b: 1 }, { a: 1, b: 1, c: 1 }];
    expect(allowed({ type: "object", ...count }, values)).toEqual(values.slice(1, 3));
    expect(allowed({ ...closed({ a: {}, b: {}, c: {} }), ...count }, values)).toEqual(values.slice(1, 3));
  });

  it("leaves out an optional property that cannot be, and the whole object where it is required", () => {
    expect(checked(closed({ a: false, b: true }))).toEqual(closed({ b: {} }));
    expect(checked({ type: ["object", "null"], properties: { a: false }, required: ["a"] })).toEqual({
      type: "null",
    });
  });

  it("has names with a meaning of their own in JavaScript like any other", () => {
    const schema = JSON.parse(
      '{"type": "object", "properties": {"__proto__": {"type": "null"}, "constructor": {"type": "null"}}}',
    );
    const [good, bad] = ['{"__proto__": null, "toString": 1}', '{"__proto__": 1}'].map((text) =>
      JSON.parse(text),
    );
    expect(allowed(schema, [good, bad, { constructor: 1 }])).toEqual([good]);
  });
});

describe("several schemas at once", () => {
  it("joins allOf, references and what stands beside them", () => {
    const schema = {
      $ref: "#/$defs/named",
      allOf: [{ properties: { a: { maximum: 5 } } }],
      properties: { a: { minimum: 1 } },
      additionalProperties: false,
      $defs: { named: { type: "object", properties: { a: { type: "integer" } }, required: ["a"] } },
    };
    expect(checked(schema)).toEqual(closed({ a: { type: "integer", minimum: 1, maximum: 5 } }, "a"));
  });

  it("multiplies out alternatives", () => {
    const schema = { type: "object", anyOf: [{ required: ["a"] }, { required: ["b"] }], maxProperties: 1 };
    expect(allowed(schema, [{}, { a: 1 }, { b: 1 }, { c: 1 }, { a: 1, b: 1 }])).toEqual([{ a: 1 }, { b: 1 }]);
  });

  it("takes oneOf for anyOf where its schemas cannot hold at once", () => {
    const kind = (name: string, more: object) => ({
      type: "object",
      properties: { kind: { const: name }, ...more },
      required: ["kind"],
      additionalProperties: false,
    });
    const schema = { oneOf: [kind("a", { x: { type: "null" } }), kind("b", {})] };
    expect(
      allowed(schema, [{ kind: "a", x: null }, { kind: "b" }, { kind: "b", x: null }, { kind: "c" }]),
    ).toEqual([{ kind: "a", x: null }, { kind: "b" }]);
    expect(checked({ oneOf: [{ type: "null" }, { type: "integer", minimum: 3 }] })).toEqual({
      anyOf: [{ type: "null" }, { type: "integer", minimum: 3 }],
    });
    expect(
      allowed({ type: "string", oneOf: [{ maxLength: 2 }, { minLength: 4 }] }, ["a", "abc", "abcd"]),
    ).toEqual(["a", "abcd"]);
  });

  it("writes opposites", () => {
    const values = [null, true, false, 0, 5, "", "a", "abc", [], [1], {}, { a: 1 }];
    const without = (...left: unknown[]) => values.filter((value) => !left.includes(value));
    expect(allowed({ not: { type: ["number", "object"] } }, values)).toEqual([
      ...[null, true, false, "", "a", "abc"],
      ...[[], [1]],
    ]);
    expect(allowed({ not: { enum: ["a", true, null] } }, values)).toEqual(without("a", true, null));
    expect(allowed({ type: ["string", "array"], not: { minLength: 2, type: "string" } }, values)).toEqual([
      "",
      "a",
      [],
      [1],
    ]);
    expect(allowed({ type: "object", not: { required: ["a"] } }, values)).toEqual([{}]);
    expect(allowed({ type: "number", not: { minimum: 1, maximum: 9 } }, [0, 1, 9, 10])).toEqual([0, 10]);
    expect(allowed({ not: { not: { type: "null" } } }, values)).toEqual([null]);
    expect(allowed({ not: { anyOf: [{ type: "string" }, { maximum: 3 }] } }, values)).toEqual([5]);
  });

  it("writes conditions and dependencies as alternatives", () => {
    const condition = JSON.parse(
      `{"if": {"properties": {"kind": {"const": "a"}}, "required": ["kind"]},
        "then": {"required": ["x"]}, "else": {"maxProperties": 1}}`,
    );
    const schema = {
      type: "object",
      properties: { kind: { enum: ["a", "b"] }, x: { type: "integer" } },
      additionalProperties: false,
      ...condition,
    };
    const values = [{}, { kind: "a" }, { kind: "b" }, { kind: "a", x: 1 }, { kind: "b", x: 1 }];
    expect(allowed(schema, values)).toEqual([{}, { kind: "b" }, { kind: "a", x: 1 }]);
    for (const needs of [{ dependentRequired: { a: ["b"] } }, { dependencies: { a: ["b"] } }]) {
      expect(allowed({ type: "object", ...needs }, [{ a: 1 }, { b: 1 }, { a: 1, b: 1 }])).toEqual([
        { b: 1 },
        { a: 1, b: 1 },
      ]);
    }
    expect(allowed({ dependentSchemas: { a: { maxProperties: 1 } } }, [{ a: 1 }, { a: 1, b: 1 }, 3])).toEqual(
      [{ a: 1 }, 3],
    );
  });
});

describe("references", () => {
  it("follows pointers, anchors and embedded schemas", () => {
    const targets = {
      "a/b~c d": { type: "null" },
      anchored: { $anchor: "here", type: "boolean" },
      inner: { $id: "http://x/y", type: "string", $anchor: "here" },
    };
    const cases: [string, unknown][] = [
      ["#/$defs/a~1b~0c%20d", { type: "null" }],
      ["#here", { type: "boolean" }],
      ["http://x/y", { type: "string" }],
      ["http://x/y#here", { type: "string" }],
    ];
    for (const [$ref, result] of cases) expect(checked({ $ref, $defs: targets })).toEqual(result);
  });

  it("takes names only from schemas", () => {
    const schema = {
      $ref: "#here",
      properties: { enum: { $anchor: "here", type: "null" }, const: { $anchor: "there" } },
      enum: [{ $anchor: "here" }, null],
      "x-note": { $anchor: "here" },
    };
    expect(checked(schema)).toEqual({ enum: [null] });
  });

  it("keeps schemas that hold themselves", () => {
    const tree = { type: "object", properties: { next: { $ref: "#" } }, additionalProperties: false };
    expect(allowed(tree, [{}, { next: { next: {} } }, { next: { next: 1 } }])).toEqual([
      {},
      { next: { next: {} } },
    ]);
    const list = {
      anyOf: [{ type: "null" }, { type: "array", prefixItems: [{ $ref: "#" }], minItems: 1, items: false }],
    };
    expect(allowed(list, [null, [[null]], [], [1]])).toEqual([null, [[null]]]);
  });
});
