/** Random schemas and values: what is accepted means the same after it was rewritten. */
import Ajv2020 from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { checkedSchema } from "../../../lib/engine/json-schema.js";
import { MlcError } from "../../../lib/errors.js";
import { allows } from "../../support/checked-schema.js";
import { Random } from "../../support/random.js";

const TYPES = ["null", "boolean", "number", "integer", "string", "array", "object"];
const NAMES = ["a", "b", "ab", 'q"', "\n"];
const TEXTS = ["", "a", "b", "ab", "aab", "abc", "é", "\n", '"', "😀", "1"];
const PATTERNS = ["^a", "b$", "^[ab]{1,2}$", "^(?:a|b)*$", "a|^b$", "^.$", "^[^a]+$", "^$", "^\\W$"];
const NUMBERS = [-2, -1, 0, 0.5, 1, 1.5, 2, 3, 4, 6];

type Schema = Record<string, unknown> | boolean;

class Draw {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  #of<T>(list: readonly T[]): T {
    return list[this.#random.integer(list.length)] as T;
  }

  #list<T>(most: number, draw: () => T): T[] {
    return Array.from({ length: this.#random.integer(most + 1) }, draw);
  }

  #named<T>(most: number, draw: () => T): Record<string, T> {
    return Object.fromEntries(this.#list(most, () => [this.#of(NAMES), draw()]));
  }

  value(depth = 2): unknown {
    const kind = this.#random.integer(depth > 0 ? 6 : 4);
    if (kind === 0) return this.#of([null, true, false]);
    if (kind === 1) return this.#of(NUMBERS);
    if (kind < 4) return this.#of(TEXTS);
    return kind === 4
      ? this.#list(3, () => this.value(depth - 1))
      : this.#named(3, () => this.value(depth - 1));
  }

  schema(depth = 3): Schema {
    if (this.#random.integer(12) === 0) return this.#of([true, true, false]);
    const drawn: Record<string, unknown> = {};
    if (this.#random.integer(3) > 0) drawn.type = this.#type();
    for (let left = this.#random.integer(4); left > 0; left--) {
      Object.assign(drawn, this.#keyword(depth));
    }
    return drawn;
  }

  #type(): unknown {
    const types = [...new Set([this.#of(TYPES), ...this.#list(2, () => this.#of(TYPES))])];
    return types.length === 1 ? types[0] : types;
  }

  #keyword(depth: number): Record<string, unknown> {
    const count = () => this.#random.integer(4);
    const inner = () => this.schema(depth - 1);
    const some = () => [inner(), ...this.#list(2, inner)];
    const names = () => [...new Set(this.#list(2, () => this.#of(NAMES)))];
    const flat: (() => Record<string, unknown>)[] = [
      () => ({ const: this.value(1) }),
      () => ({ enum: [this.value(1), this.value(1), this.value(0)] }),
      () => ({
        [this.#of(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])]: this.#of(NUMBERS),
      }),
      () => ({ multipleOf: this.#of([1, 2, 3]) }),
      () => ({ [this.#of(["minLength", "maxLength"])]: count() }),
      () => ({ pattern: this.#of(PATTERNS) }),
      () => ({ [this.#of(["minItems", "maxItems"])]: count() }),
      () => ({ [this.#of(["minProperties", "maxProperties"])]: count() }),
      () => ({ required: names() }),
      () => ({ dependentRequired: this.#named(2, names) }),
      () => ({ $ref: this.#of(["#/$defs/one", "#/$defs/two"]) }),
    ];
    if (depth <= 0) return this.#of(flat)();
    const nested: (() => Record<string, unknown>)[] = [
      () => ({ items: inner() }),
      () => ({ prefixItems: some() }),
      () => ({ properties: this.#named(3, inner) }),
      () => ({ properties: this.#named(3, inner), additionalProperties: this.#of([false, inner()]) }),
      () => ({
        patternProperties: Object.fromEntries([
          [this.#of(PATTERNS), inner()],
          ...this.#list(1, () => [this.#of(PATTERNS), inner()]),
        ]),
        additionalProperties: this.#of([false, inner()]),
      }),
      () => ({ propertyNames: inner() }),
      () => ({ allOf: some() }),
      () => ({ anyOf: some() }),
      () => ({ oneOf: some() }),
      () => ({ not: inner() }),
      () => ({ if: inner(), [this.#of(["then", "else"])]: inner() }),
      () => Object.fromEntries(["if", "then", "else"].map((keyword) => [keyword, inner()])),
      () => ({ dependentSchemas: this.#named(2, inner) }),
      () => ({ unevaluatedProperties: this.#of([false, inner()]) }),
      () => ({ unevaluatedItems: this.#of([false, inner()]) }),
      () => ({ uniqueItems: true, maxItems: this.#of([1, 2]) }),
      () => ({ contains: inner(), minContains: this.#of([0, 1]) }),
    ];
    return this.#of([...flat, ...nested, ...nested])();
  }
}

/** Whether ajv finds each value valid; undefined where references lead in circles, which it does not stop at. */
function judged(
  ajv: InstanceType<typeof Ajv2020.default>,
  schema: Schema,
  values: readonly unknown[],
): readonly boolean[] | undefined {
  try {
    const isValid = ajv.compile(schema);
    return values.map((value) => isValid(value) as boolean);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The checked schema; "false" where no value satisfies it, undefined where it is refused. */
function accepted(schema: Schema): string | undefined {
  try {
    return checkedSchema(schema);
  } catch (error) {
    if (!(error instanceof MlcError) || error.code !== "ERR_INVALID_GRAMMAR") throw error;
    return error.message.includes("no value satisfies") ? "false" : undefined;
  }
}

describe("a random schema", () => {
  it.each([1, 2, 3, 4])("allows after the check what it allowed before (seed %i)", (seed) => {
    const ajv = new Ajv2020.default({ strict: false, logger: false });
    const draw = new Draw(seed);
    const counts = { accepted: 0, empty: 0, valid: 0, invalid: 0 };
    for (let round = 0; round < 500; round++) {
      const root = draw.schema();
      const schema =
        typeof root === "boolean" ? root : { ...root, $defs: { one: draw.schema(2), two: draw.schema(1) } };
      const values = Array.from({ length: 40 }, () => draw.value());
      const text = accepted(schema);
      if (text === undefined) continue;
      counts[text === "false" ? "empty" : "accepted"] += 1;
      const verdicts = judged(ajv, schema, values) ?? [];
      for (const [index, valid] of verdicts.entries()) {
        const value = values[index];
        counts[valid ? "valid" : "invalid"] += 1;
        if (allows(text, value) === valid) continue;
        expect({ schema, value, text, valid: !valid }).toEqual({ schema, value, text, valid });
      }
    }
    expect(counts.accepted).toBeGreaterThan(200);
    expect(counts.empty).toBeGreaterThan(20);
    expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(4_000);
  });
});
