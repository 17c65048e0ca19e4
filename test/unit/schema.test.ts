/** The shape checker: what is sound, what is a fault and where, and the types that follow. */
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type Described,
  either,
  flag,
  integer,
  list,
  nullish,
  number,
  object,
  oneOf,
  openObject,
  optional,
  record,
  type Schema,
  text,
} from "../../lib/schema.js";

const person = object({
  name: text({ min: 1, max: 8, pattern: /^[a-z]+$/, expected: "small letters" }),
  age: optional(integer({ min: 0, max: 150 })),
  height: nullish(number({ min: 0.1 })),
  tags: list(oneOf("a", "b"), { max: 2 }),
  scores: record(text({ min: 2 }), either(flag(), list(number()))),
});
const sound = { name: "ann", tags: ["a"], scores: { xy: true, zz: [1, 2.5] } };

const places = (schema: Schema<unknown>, value: unknown) =>
  schema.faults(value).map(({ place, message }) => `${place.join("/")}: ${message}`);

describe("schema", () => {
  it("finds nothing in sound data, whatever may be absent", () => {
    for (const more of [{}, { age: 150, height: 1 }, { age: undefined, height: null }]) {
      expect(person.faults({ ...sound, ...more })).toEqual([]);
    }
    expect(openObject({ x: integer() }).faults({ x: 1, y: 2 })).toEqual([]);
  });

  it.each<[object, string]>([
    [{ name: "" }, "name: expected at least 1 characters but received 0"],
    [{ name: "Ann" }, "name: expected small letters"],
    [{ name: "x".repeat(9) }, "name: expected at most 8 characters but received 9"],
    [{ name: 3 }, "name: expected string but received number"],
    [{ age: 1.5 }, "age: expected an exact integer but received 1.5"],
    [{ age: 2 ** 53 }, `age: expected an exact integer but received ${2 ** 53}`],
    [{ age: -1 }, "age: expected at least 0 but received -1"],
    [{ age: null }, "age: expected number but received null"],
    [{ height: Number.NaN }, "height: expected number but received number"],
    [{ tags: ["a", "c"] }, 'tags/1: expected "a" or "b" but received "c"'],
    [{ tags: ["a", "a", "a"] }, "tags: expected at most 2 items but received 3"],
    [{ tags: {} }, "tags: expected list but received object"],
    [{ scores: [] }, "scores: expected object but received list"],
    [{ scores: { x: true } }, "scores/x: expected at least 2 characters but received 1"],
    [{ scores: { xy: ["1"] } }, "scores/xy/0: expected number but received string"],
    [{ more: 1 }, ': unknown field "more"'],
    [JSON.parse('{ "__proto__": 1 }'), ': unknown field "__proto__"'],
  ])("%j", (change, fault) => {
    const value = Object.assign(Object.create(null), sound);
    for (const [key, changed] of Object.entries(change)) {
      Object.defineProperty(value, key, { value: changed, enumerable: true });
    }
    expect(places(person, value)).toEqual([fault]);
  });

  it("reports every fault, missing fields too, and is not fooled by prototypes", () => {
    expect(places(person, { name: 1, tags: [1] })).toHaveLength(3);
    expect(places(openObject({ toString: text() }), {})).toEqual([
      "toString: expected string but received undefined",
    ]);
    expect(places(person, null)).toEqual([": expected object but received null"]);
  });

  it("is the type of the data", () => {
    type Person = Described<typeof person>;
    expectTypeOf<Person["name"]>().toEqualTypeOf<string>();
    expectTypeOf<Person["age"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<Person["height"]>().toEqualTypeOf<number | null | undefined>();
    expectTypeOf<Person["tags"]>().toEqualTypeOf<("a" | "b")[]>();
    expectTypeOf<Person["scores"]>().toEqualTypeOf<Record<string, boolean | number[]>>();
  });
});
