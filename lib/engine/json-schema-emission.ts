/** Cases as the schema that the grammar compiler is given, in the part of JSON Schema that it enforces exactly. */
import type { SchemaAlgebra } from "./json-schema-algebra.js";
import { keyOf } from "./json-schema-algebra.js";
import { type ArrayCase, type Case, isFree } from "./json-schema-cases.js";
import { mark } from "./json-schema-direct.js";
import { type Mark, refused } from "./json-schema-error.js";
import { endlessDefinition } from "./json-schema-finite.js";
import { objectSchema } from "./json-schema-objects.js";
import {
  booleanSchema,
  type Emitted,
  MOST_COUNT,
  numberSchema,
  stringSchema,
  valueSchema,
} from "./json-schema-scalars.js";
import type { Conjunction, SchemaSource } from "./json-schema-source.js";
import { satisfiesRest } from "./json-schema-values.js";

/** A schema that was or is being written under "$defs". */
interface Definition {
  readonly reference: Emitted;
  /** What to put where the schema is used; undefined: no value satisfies it. */
  result: Emitted | undefined;
  done: boolean;
  used: boolean;
}

/** Most definitions of one schema, and most inside one another. */
const MOST_DEFINITIONS = 5_000;
const DEEPEST = 512;

const ENDLESS = "every value of it would hold another one without end";

/** Writes one schema. */
export class SchemaEmission {
  readonly #source: SchemaSource;
  readonly #algebra: SchemaAlgebra;
  readonly #definitions = new Map<string, Definition>();
  readonly #bodies = new Map<string, Emitted>();
  readonly #marks = new Map<string, Mark>();
  #depth = 0;

  constructor(source: SchemaSource, algebra: SchemaAlgebra) {
    this.#source = source;
    this.#algebra = algebra;
  }

  /** The whole schema with its definitions. Errors: ERR_INVALID_GRAMMAR, also where no value satisfies it. */
  whole(): Emitted {
    const root = this.schema([this.#source.root]);
    if (root === undefined) {
      const at = this.#algebra.conflict ?? { keyword: "false", pointer: "" };
      throw refused(at, "no value satisfies the schema");
    }
    if (this.#bodies.size === 0) return root;
    const endless = this.#marks.get(endlessDefinition(this.#bodies) ?? "");
    if (endless !== undefined) throw refused(endless, ENDLESS);
    return { ...root, $defs: Object.fromEntries(this.#bodies) };
  }

  /** A conjunction as a schema: inline where small, else a reference; undefined where no value satisfies it. */
  schema(conjunction: Conjunction): Emitted | undefined {
    const key = keyOf(conjunction.filter((place) => place.schema !== true));
    const known = this.#definitions.get(key);
    if (known !== undefined) {
      known.used = true;
      return known.done ? known.result : known.reference;
    }
    const name = `d${this.#definitions.size}`;
    const at = conjunction[0] === undefined ? { keyword: "$ref", pointer: "" } : mark(conjunction[0], "$ref");
    if (this.#definitions.size >= MOST_DEFINITIONS)
      throw refused(at, `it comes to more than ${MOST_DEFINITIONS} schemas`);
    if (this.#depth >= DEEPEST) throw refused(at, `more than ${DEEPEST} schemas nest`);
    this.#depth += 1;
    const definition: Definition = {
      reference: { $ref: `#/$defs/${name}` },
      result: undefined,
      done: false,
      used: false,
    };
    this.#definitions.set(key, definition);
    this.#finish(definition, name, this.alternatives(this.#algebra.cases(conjunction)), at);
    this.#depth -= 1;
    return definition.result;
  }

  #finish(definition: Definition, name: string, body: Emitted | undefined, at: Mark): void {
    definition.done = true;
    if (body === undefined) {
      if (definition.used) throw refused(at, ENDLESS);
      return;
    }
    const small = body.properties === undefined && body.anyOf === undefined && body.prefixItems === undefined;
    if (small && !definition.used) {
      definition.result = body;
      return;
    }
    this.#bodies.set(name, body);
    this.#marks.set(name, at);
    definition.result = definition.reference;
  }

  /** Cases as one schema; undefined where none can hold. */
  alternatives(cases: readonly Case[]): Emitted | undefined {
    const free = new Set(cases.filter(isFree).map(({ type }) => type));
    if (free.size === 6) return {};
    const found = new Map<string, Emitted>();
    for (const one of cases) {
      if (!isFree(one) && free.has(one.type)) continue;
      const schemas = this.#one(one);
      if (schemas.length === 0) this.#algebra.conflict ??= emptyBy(one);
      for (const schema of schemas) found.set(JSON.stringify(schema), schema);
    }
    const all = [...found.values()];
    if (all.length < 2) return all[0];
    return { anyOf: all };
  }

  #one(one: Case): readonly Emitted[] {
    const excluded = this.#openExclusions(one);
    const first = excluded[0];
    if (first !== undefined && one.type !== "string" && one.type !== "boolean" && one.type !== "null") {
      throw refused(first.mark, "only texts, true, false and null can be left out");
    }
    const left = excluded.flatMap(({ values }) => values);
    switch (one.type) {
      case "values":
        return one.values.map((value) => valueSchema(value));
      case "null":
        return left.length > 0 ? [] : [{ type: "null" }];
      case "boolean":
        return booleanSchema(left);
      case "number":
        return numberSchema(one);
      case "string":
        return stringSchema(one, left.map(String), first?.mark);
      case "array":
        return this.#array(one);
      case "object":
        return objectSchema(one, this, this.#algebra);
    }
  }

  /** Exclusions that the rest of a case does not make already. */
  #openExclusions(one: Case) {
    return one.excluded
      .map(({ values, mark }) => ({
        mark,
        values: values.filter((value) => satisfiesRest(this.#algebra, one, value)),
      }))
      .filter(({ values }) => values.length > 0);
  }

  #array(one: ArrayCase): readonly Emitted[] {
    let most = one.maxItems?.value ?? Number.POSITIVE_INFINITY;
    const least = one.minItems?.value ?? 0;
    const prefix: Emitted[] = [];
    for (const conjunction of one.prefix) {
      const item = this.schema(conjunction);
      if (item === undefined) most = Math.min(most, prefix.length);
      if (prefix.length >= most) break;
      prefix.push(item as Emitted);
    }
    const rest = prefix.length < most ? this.schema(one.rest) : undefined;
    if (rest === undefined) most = Math.min(most, prefix.length);
    if (least > most) return [];
    if (one.unique !== undefined && most > 1) {
      throw refused(
        one.unique,
        "whether items differ cannot be enforced; leave it out or allow one item at most",
      );
    }
    const [contains] = one.contains;
    if (contains !== undefined) throw refused(contains.mark, "which items match cannot be enforced");
    if (least > MOST_COUNT && one.minItems !== undefined)
      throw refused(one.minItems.mark, `expected at most ${MOST_COUNT}`);
    if (most === 0) return [{ type: "array", items: false, maxItems: 0 }];
    const open = most > prefix.length;
    return [
      {
        type: "array",
        ...(prefix.length > 0 ? { prefixItems: prefix } : {}),
        items: open ? (rest as Emitted) : false,
        ...(least > 0 ? { minItems: least } : {}),
        ...(open && most <= MOST_COUNT ? { maxItems: most } : {}),
      },
    ];
  }
}

/** The keyword that leaves a case without values. */
function emptyBy(one: Case): Mark | undefined {
  if (one.type === "number") return (one.minimum ?? one.maximum)?.mark;
  if (one.type === "array") return one.minItems?.mark;
  if (one.type === "object") return (one.minProperties ?? one.maxProperties)?.mark ?? one.mark;
  return one.excluded[0]?.mark;
}
