/** Schemas as lists of cases: conjunctions and alternatives of schemas are worked out, references followed. */
import { areApart } from "./json-schema-apart.js";
import { type Case, everyCase, intersection, type ValuesCase } from "./json-schema-cases.js";
import { DirectCases, listOf, mark } from "./json-schema-direct.js";
import { type Mark, refused } from "./json-schema-error.js";
import { conditions, opposite } from "./json-schema-negation.js";
import type { Conjunction, Location, SchemaObject, SchemaSource } from "./json-schema-source.js";
import { satisfies } from "./json-schema-values.js";

/** Most alternatives one place of a schema may come to. */
const MOST_CASES = 256;
const DEEPEST = 64;
/** Keywords that make what other schemas have looked at count as evaluated. */
const COMBINING = [
  "$ref",
  "allOf",
  "anyOf",
  "oneOf",
  "not",
  "if",
  "dependencies",
  "dependentSchemas",
  "contains",
];

/** Works out the cases of conjunctions; one per checked schema. */
export class SchemaAlgebra {
  readonly #source: SchemaSource;
  readonly #direct: DirectCases;
  readonly #known = new Map<string, readonly Case[]>();
  #depth = 0;
  /** The keyword by which a conjunction was last found to allow no value. */
  conflict: Mark | undefined;

  constructor(source: SchemaSource) {
    this.#source = source;
    this.#direct = new DirectCases(source);
  }

  /**
   * The cases of which one must hold for every schema of the conjunction to hold; none: no value does.
   * Errors: ERR_INVALID_GRAMMAR naming a keyword that cannot be enforced, or too much work.
   */
  cases(conjunction: Conjunction): readonly Case[] {
    const key = keyOf(conjunction);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const first = conjunction[0];
    this.#depth += 1;
    if (this.#depth > DEEPEST && first !== undefined) {
      throw refused(mark(first, "$ref"), "a reference leads back to itself without a value between");
    }
    try {
      const found = this.#cases(conjunction);
      this.#known.set(key, found);
      return found;
    } finally {
      this.#depth -= 1;
    }
  }

  /** Whether a JSON value satisfies a conjunction. */
  accepts(conjunction: Conjunction, value: unknown): boolean {
    return this.cases(conjunction).some((one) => satisfies(this, one, value));
  }

  #cases(conjunction: Conjunction): readonly Case[] {
    const all = this.#flattened(conjunction);
    let cases = everyCase(conjunction[0]?.pointer ?? "");
    for (const place of all) {
      if (place.schema === true) continue;
      if (place.schema === false) {
        this.conflict = { keyword: "false", pointer: place.pointer };
        return [];
      }
      cases = this.#both(cases, this.#own(place, place.schema), mark(place, "type"));
    }
    for (const place of all) {
      if (typeof place.schema === "object") cases = this.#combined(cases, place, place.schema);
    }
    return cases;
  }

  /** The schemas of a conjunction with those that "$ref" and "allOf" add, each once. */
  #flattened(conjunction: Conjunction): readonly Location[] {
    const found = new Map<number, Location>();
    const waiting = [...conjunction];
    for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) {
      if (found.has(place.id)) continue;
      this.#source.spend(mark(place, "allOf"));
      found.set(place.id, place);
      if (typeof place.schema === "boolean") continue;
      const { schema } = place;
      if (schema.$ref !== undefined) waiting.push(this.#source.resolve(place, schema.$ref));
      for (const [index, inner] of listOf(place, schema, "allOf").entries()) {
        waiting.push(this.#source.child(place, inner, "allOf", index));
      }
    }
    return [...found.values()];
  }

  #own(place: Location, schema: SchemaObject): readonly Case[] {
    for (const keyword of ["unevaluatedProperties", "unevaluatedItems"]) {
      const beside = COMBINING.find((name) => schema[name] !== undefined);
      if (schema[keyword] !== undefined && schema[keyword] !== true && beside !== undefined) {
        throw refused(mark(place, keyword), `what "${beside}" beside it evaluates cannot be followed`);
      }
    }
    return this.#withValues(this.#direct.of(place, schema), place, schema);
  }

  #withValues(cases: readonly Case[], place: Location, schema: SchemaObject): readonly Case[] {
    let left = cases;
    if (schema.const !== undefined) left = this.#both(left, [values([schema.const])], mark(place, "const"));
    if (schema.enum === undefined) return left;
    const listed = listOf(place, schema, "enum");
    this.#source.spend(mark(place, "enum"), listed.length);
    return this.#both(left, [values(listed)], mark(place, "enum"));
  }

  #combined(cases: readonly Case[], place: Location, schema: SchemaObject): readonly Case[] {
    let left = cases;
    if (schema.anyOf !== undefined) {
      left = this.#either(left, this.#branches(place, schema, "anyOf"), mark(place, "anyOf"));
    }
    if (schema.oneOf !== undefined) left = this.#one(left, place, schema);
    if (schema.not !== undefined) {
      const against = opposite(this.#source, this.#source.child(place, schema.not, "not"));
      const alternatives = against.map((inner) =>
        typeof inner === "boolean" ? this.#source.at(inner, place.pointer) : this.#source.made(place, inner),
      );
      left = this.#either(left, alternatives, mark(place, "not"));
    }
    for (const group of conditions(this.#source, place, schema))
      left = this.#either(left, group, mark(place, "if"));
    return left;
  }

  #branches(place: Location, schema: SchemaObject, keyword: string): readonly Location[] {
    return listOf(place, schema, keyword).map((inner, index) =>
      this.#source.child(place, inner, keyword, index),
    );
  }

  #either(cases: readonly Case[], alternatives: readonly Location[], at: Mark): readonly Case[] {
    const found = alternatives.flatMap((inner) => this.#both(cases, this.cases([inner]), at));
    if (found.length > MOST_CASES) throw refused(at, `it comes to more than ${MOST_CASES} alternatives`);
    if (found.length === 0) this.conflict = at;
    return found;
  }

  /** "oneOf" is "anyOf" where no value can satisfy two of its schemas. */
  #one(cases: readonly Case[], place: Location, schema: SchemaObject): readonly Case[] {
    const at = mark(place, "oneOf");
    const branches = this.#branches(place, schema, "oneOf").map((inner) =>
      this.#both(cases, this.cases([inner]), at),
    );
    for (const [index, left] of branches.entries()) {
      for (const right of branches.slice(index + 1)) {
        this.#source.spend(at, left.length * right.length);
        if (!left.every((one) => right.every((other) => areApart(this, one, other)))) {
          throw refused(
            at,
            'two of its schemas may hold at once; use "anyOf", or a property with a "const" that differs',
          );
        }
      }
    }
    return branches.flat();
  }

  #both(left: readonly Case[], right: readonly Case[], at: Mark): readonly Case[] {
    this.#source.spend(at, left.length * right.length);
    const found: Case[] = [];
    for (const one of left) {
      for (const other of right) {
        const both = this.#intersection(one, other);
        if (both !== undefined) found.push(both);
      }
    }
    if (found.length > MOST_CASES) throw refused(at, `it comes to more than ${MOST_CASES} alternatives`);
    if (found.length === 0 && left.length > 0 && (right.length > 0 || this.conflict === undefined))
      this.conflict = at;
    return found;
  }

  #intersection(left: Case, right: Case): Case | undefined {
    const [listed, other] = left.type === "values" ? [left, right] : [right, left];
    if (listed.type !== "values") return intersection(left, right);
    const kept = listed.values.filter(
      (value) => satisfies(this, other, value) && satisfies(this, listed, value),
    );
    return kept.length === 0 ? undefined : values(kept);
  }
}

/** A key that is equal for equal sets of schemas. */
export function keyOf(conjunction: Conjunction): string {
  return [...new Set(conjunction.map(({ id }) => id))].sort((a, b) => a - b).join(",");
}

function values(list: readonly unknown[]): ValuesCase {
  return { type: "values", values: list, excluded: [] };
}
