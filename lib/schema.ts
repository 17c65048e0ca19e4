/**
 * Checks plain data (parsed JSON) against a declared shape. The shape is also its TypeScript type, and every fault has its place.
 * Nothing is copied: sound data is used as it is.
 */

/** A fault and the keys that lead to it. */
export interface Fault {
  readonly place: readonly (string | number)[];
  readonly message: string;
}

/** A shape of data of type T. */
export interface Schema<T> {
  /** Every fault of a value; none where it is a T. */
  readonly faults: (value: unknown) => readonly Fault[];
  /** Carries T; never there. */
  readonly type?: T;
}

/** A field that may be absent (undefined). */
export interface OptionalField<T> extends Schema<T> {
  readonly optional: true;
}

/** The type of the data a schema describes. */
export type Described<S> = S extends Schema<infer T> ? T : never;

type Fields = Readonly<Record<string, Schema<unknown>>>;
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends OptionalField<unknown> ? K : never;
}[keyof F];
/** Data of an object's fields. */
export type FieldValues<F extends Fields> = {
  [K in Exclude<keyof F, OptionalKeys<F>>]: Described<F[K]>;
} & { [K in OptionalKeys<F>]?: Described<F[K]> | undefined };

const SOUND: readonly Fault[] = [];

/** Numbers and lengths that are in range, both ends included. */
interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** A text of a length and a pattern; `expected` says in words what the pattern wants. */
export function text(
  rule: Range & { readonly pattern?: RegExp; readonly expected?: string } = {},
): Schema<string> {
  return leaf((value) => {
    if (typeof value !== "string") return received("string", value);
    const length = rangeFault("characters", value.length, rule);
    if (length !== undefined) return length;
    return rule.pattern?.test(value) === false ? `expected ${rule.expected ?? rule.pattern}` : undefined;
  });
}

/** A finite number. */
export function number(range: Range = {}): Schema<number> {
  return leaf((value) =>
    typeof value === "number" && Number.isFinite(value)
      ? rangeFault("", value, range)
      : received("number", value),
  );
}

/** A whole number that a double holds exactly. */
export function integer(range: Range = {}): Schema<number> {
  return leaf((value) => {
    if (typeof value !== "number") return received("number", value);
    if (!Number.isSafeInteger(value)) return `expected an exact integer but received ${value}`;
    return rangeFault("", value, range);
  });
}

/** true or false. */
export function flag(): Schema<boolean> {
  return leaf((value) => (typeof value === "boolean" ? undefined : received("boolean", value)));
}

/** One of a few texts or numbers. */
export function oneOf<const T extends string | number>(...values: readonly T[]): Schema<T> {
  const allowed: readonly unknown[] = values;
  return leaf((value) =>
    allowed.includes(value)
      ? undefined
      : `expected ${values.map((each) => JSON.stringify(each)).join(" or ")} but received ${shown(value)}`,
  );
}

/** A list of one kind of item. */
export function list<T>(item: Schema<T>, range: Range = {}): Schema<T[]> {
  return {
    faults: (value) => {
      if (!Array.isArray(value)) return at(received("list", value));
      const length = rangeFault("items", value.length, range);
      if (length !== undefined) return at(length);
      return value.flatMap((each: unknown, index) => within(index, item.faults(each)));
    },
  };
}

/** An object of exactly these fields; an unknown one is a fault. */
export function object<const F extends Fields>(fields: F): Schema<FieldValues<F>> {
  const open = openObject(fields);
  return {
    faults: (value) => {
      const faults = open.faults(value);
      if (!isObject(value)) return faults;
      const unknown = Object.keys(value).filter((key) => !Object.hasOwn(fields, key));
      if (unknown.length === 0) return faults;
      return [...faults, ...at(`unknown field ${unknown.map((key) => shown(key)).join(", ")}`)];
    },
  };
}

/** An object that has these fields and any others. */
export function openObject<const F extends Fields>(
  fields: F,
): Schema<FieldValues<F> & Readonly<Record<string, unknown>>> {
  const entries = Object.entries(fields);
  return {
    faults: (value) => {
      if (!isObject(value)) return at(received("object", value));
      return entries.flatMap(([key, field]) =>
        within(key, field.faults(Object.hasOwn(value, key) ? value[key] : undefined)),
      );
    },
  };
}

/** An object whose keys and values are each of one kind. */
export function record<T>(key: Schema<string>, value: Schema<T>): Schema<Record<string, T>> {
  return {
    faults: (whole) => {
      if (!isObject(whole)) return at(received("object", whole));
      return Object.entries(whole).flatMap(([name, each]) =>
        within(name, [...key.faults(name), ...value.faults(each)]),
      );
    },
  };
}

/** What either schema allows; the faults are the second one's. */
export function either<A, B>(first: Schema<A>, second: Schema<B>): Schema<A | B> {
  return { faults: (value) => (first.faults(value).length === 0 ? SOUND : second.faults(value)) };
}

/** A field that may be absent. */
export function optional<T>(schema: Schema<T>): OptionalField<T> {
  return { optional: true, faults: (value) => (value === undefined ? SOUND : schema.faults(value)) };
}

/** A field that may be absent or null. */
export function nullish<T>(schema: Schema<T>): OptionalField<T | null> {
  return { optional: true, faults: (value) => (value == null ? SOUND : schema.faults(value)) };
}

function leaf<T>(check: (value: unknown) => string | undefined): Schema<T> {
  return {
    faults: (value) => {
      const message = check(value);
      return message === undefined ? SOUND : at(message);
    },
  };
}

function at(message: string): readonly Fault[] {
  return [{ place: [], message }];
}

/** The faults of a member, seen from what holds it. */
function within(key: string | number, faults: readonly Fault[]): readonly Fault[] {
  if (faults.length === 0) return faults;
  return faults.map(({ place, message }) => ({ place: [key, ...place], message }));
}

function rangeFault(unit: string, value: number, { min, max }: Range): string | undefined {
  const suffix = unit === "" ? "" : ` ${unit}`;
  if (min !== undefined && value < min) return `expected at least ${min}${suffix} but received ${value}`;
  if (max !== undefined && value > max) return `expected at most ${max}${suffix} but received ${value}`;
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function received(expected: string, value: unknown): string {
  const kind = value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
  return `expected ${expected} but received ${kind}`;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
