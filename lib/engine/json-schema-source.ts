/** A JSON schema as it was given: its parts with their pointers, local references, and limits on its size. */
import { MlcError } from "../errors.js";
import { type Mark, refused } from "./json-schema-error.js";
import { ASSERTIONS, NOT_ONE_OF } from "./json-schema-keywords.js";

/** A schema object; keywords are own properties. NOT_ONE_OF is set only on schemas that the negation of others makes. */
export interface SchemaObject {
  readonly [keyword: string]: unknown;
  readonly [NOT_ONE_OF]?: readonly unknown[];
}

/** A schema and where it stands. `id` is one per schema, however it is reached. */
export interface Location {
  readonly schema: SchemaObject | boolean;
  readonly pointer: string;
  readonly id: number;
}

/** Schemas that must all hold; none: any value does. */
export type Conjunction = readonly Location[];

const DEEPEST = 128;
const MOST_PARTS = 100_000;
/** Steps of simplification before a schema counts as too complex. */
const MOST_STEPS = 200_000;

/** What a part of the schema is: names and anchors count only in schemas. */
type Part = "schema" | "schemas" | "data";

/** Keywords with schemas by name; the others that hold schemas have one or a list. */
const MAPS = new Set([
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
  "dependencies",
  "dependentSchemas",
]);
const DATA = new Set(["enum", "const", "required", "dependentRequired"]);

export class SchemaSource {
  readonly root: Location;
  readonly #locations = new Map<object, Location>();
  /** Schema resource ($id) that each object belongs to, where that is not the root. */
  readonly #resources = new Map<object, object>();
  readonly #named = new Map<string, object>();
  /** Anchors by the schema resource they belong to. */
  readonly #anchors = new Map<object, Map<string, object>>();
  #steps = 0;
  #nextId = 2;

  /** Errors: ERR_INVALID_GRAMMAR for what is not a schema, is nested too deep or is too large. */
  constructor(schema: unknown) {
    if (typeof schema === "boolean") {
      this.root = { schema, pointer: "", id: Number(schema) };
      return;
    }
    if (!isSchemaObject(schema)) {
      throw new MlcError("ERR_INVALID_GRAMMAR", "Expected an object, true or false as a JSON schema.", {
        details: { keyword: "", pointer: "" },
      });
    }
    this.root = this.at(schema, "");
    this.#index(schema);
  }

  /** The location of a schema. Errors: ERR_INVALID_GRAMMAR for anything but an object or a boolean. */
  at(schema: unknown, pointer: string): Location {
    if (typeof schema === "boolean") return { schema, pointer, id: Number(schema) };
    if (!isSchemaObject(schema)) throw refused(markOf(pointer), "a schema must be an object, true or false");
    const known = this.#locations.get(schema);
    if (known !== undefined) return known;
    const location = { schema, pointer, id: this.#nextId++ };
    this.#locations.set(schema, location);
    return location;
  }

  /** A schema inside another, by the names on the way. */
  child(parent: Location, schema: unknown, ...names: (string | number)[]): Location {
    return this.at(schema, parent.pointer + names.map((name) => `/${escapePointer(String(name))}`).join(""));
  }

  /** A schema made from parts of `parent`, reported under its pointer; references in it resolve as there. */
  made(parent: Location, schema: SchemaObject): Location {
    const resource = typeof parent.schema === "object" ? this.#resources.get(parent.schema) : undefined;
    if (resource !== undefined) this.#resources.set(schema, resource);
    return this.at(schema, parent.pointer);
  }

  /** The schema a "$ref" of `from` means. Errors: ERR_INVALID_GRAMMAR for remote and missing ones. */
  resolve(from: Location, reference: unknown): Location {
    const mark = { keyword: "$ref", pointer: from.pointer };
    if (typeof reference !== "string") throw refused(mark, "a reference must be a text");
    const hash = reference.indexOf("#");
    const uri = hash < 0 ? reference : reference.slice(0, hash);
    const fragment = hash < 0 ? "" : decoded(reference.slice(hash + 1), mark);
    const resource = uri === "" ? this.#resourceOf(from) : this.#named.get(uri);
    if (resource === undefined) {
      throw refused(
        mark,
        `the reference "${reference}" leads outside the schema; put its target under "$defs"`,
      );
    }
    if (fragment !== "" && !fragment.startsWith("/"))
      return this.#anchored(resource, fragment, reference, mark);
    let target: unknown = resource;
    for (const part of fragment.split("/").slice(1)) {
      const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
      if (typeof target !== "object" || target === null || !Object.hasOwn(target, name)) {
        throw refused(mark, `the reference "${reference}" leads nowhere`);
      }
      target = (target as Record<string, unknown>)[name];
    }
    return this.at(target, uri === "" && resource === this.root.schema ? fragment : reference);
  }

  /** Counts work, so that no schema takes unbounded time. Errors: ERR_INVALID_GRAMMAR past the limit. */
  spend(mark: Mark, steps = 1): void {
    this.#steps += steps;
    if (this.#steps > MOST_STEPS)
      throw refused(mark, "the schema is too complex; use fewer combined alternatives");
  }

  #anchored(resource: object, name: string, reference: string, mark: Mark): Location {
    const target = this.#anchors.get(resource)?.get(name);
    if (target === undefined) throw refused(mark, `the reference "${reference}" leads nowhere`);
    return this.at(target, `/${reference}`);
  }

  #resourceOf(from: Location): object | undefined {
    if (typeof from.schema === "boolean") return undefined;
    return this.#resources.get(from.schema) ?? (this.root.schema as object);
  }

  /** Finds anchors and embedded resources, and measures. */
  #index(root: SchemaObject): void {
    const waiting: [value: object, depth: number, resource: object, part: Part][] = [
      [root, 0, root, "schema"],
    ];
    let parts = 0;
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
      const [value, depth, outer, part] = item;
      parts += 1;
      if (depth > DEEPEST) throw refused(markOf(""), `the schema nests deeper than ${DEEPEST} levels`);
      const resource = part === "schema" && !Array.isArray(value) ? this.#name(value, outer, root) : outer;
      if (resource !== root) this.#resources.set(value, resource);
      for (const [keyword, inner] of Object.entries(value)) {
        if (typeof inner !== "object" || inner === null) parts += 1;
        else waiting.push([inner, depth + 1, resource, partUnder(part, value, keyword)]);
      }
      if (parts > MOST_PARTS) throw refused(markOf(""), `the schema has more than ${MOST_PARTS} parts`);
    }
  }

  /** Takes down the names of a schema; returns the resource it belongs to. */
  #name(value: object, outer: object, root: object): object {
    const { $id, id, $anchor, $dynamicAnchor } = value as Record<string, unknown>;
    const own = typeof $id === "string" ? $id : typeof id === "string" ? id : undefined;
    const named = own !== undefined && !own.startsWith("#");
    const resource = named && (value === root || typeof $id === "string") ? value : outer;
    const fragment = named ? undefined : own?.slice(1);
    const anchors = this.#anchors.get(resource) ?? new Map<string, object>();
    this.#anchors.set(resource, anchors);
    for (const anchor of [$anchor, $dynamicAnchor, fragment]) {
      if (typeof anchor === "string") anchors.set(anchor, value);
    }
    if (named) this.#named.set(own.replace(/#$/, ""), value);
    return resource;
  }
}

function partUnder(part: Part, value: object, keyword: string): Part {
  if (part === "data") return "data";
  if (part === "schemas" || Array.isArray(value)) return "schema";
  if (MAPS.has(keyword)) return "schemas";
  return ASSERTIONS.has(keyword) && !DATA.has(keyword) ? "schema" : "data";
}

function isSchemaObject(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The last name of a pointer as the keyword that a refusal names. */
function markOf(pointer: string): Mark {
  const cut = pointer.lastIndexOf("/");
  return { keyword: pointer.slice(cut + 1), pointer: cut < 0 ? "" : pointer.slice(0, cut) };
}

function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function decoded(fragment: string, mark: Mark): string {
  try {
    return decodeURIComponent(fragment);
  } catch (cause) {
    throw Object.assign(refused(mark, `the reference "#${fragment}" is not a URI`), { cause });
  }
}
