/** Checks of values a caller gave, all with one form of message: "Expected … for name but received …". */
import { MlcError } from "../errors.js";

/** ERR_INVALID_ARGUMENT for a value that is not what `expected` says. */
export function unexpected(name: string, expected: string, received: unknown): MlcError {
  return new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected ${expected} for ${name} but received ${shown(received)}.`,
    {
      details: { name },
    },
  );
}

/** A finite number of an inclusive range. */
export function expectNumber(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < least || value > most) {
    throw unexpected(name, `a number ${range(least, most)}`, value);
  }
  return value;
}

/** An integer of an inclusive range. */
export function expectInteger(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw unexpected(name, `an integer ${range(least, most)}`, value);
  }
  return value;
}

/** A text that is not empty. */
export function expectText(name: string, value: unknown): string {
  if (typeof value !== "string" || value === "") throw unexpected(name, "a text that is not empty", value);
  return value;
}

/** A boolean. */
export function expectBoolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw unexpected(name, "true or false", value);
  return value;
}

/** Refuses names that are not in `known`: a misspelt option must not be ignored. */
export function expectKnownNames(what: string, value: object, known: readonly string[]): void {
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) {
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        `Expected one of ${known.join(", ")} as a name in ${what} but received ${shown(name)}.`,
      );
    }
  }
}

/** A short form of any value for a message. */
export function shown(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint" || value === undefined) return String(value);
  if (typeof value === "function") return "a function";
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

function range(least: number, most: number): string {
  if (most >= Number.MAX_SAFE_INTEGER) return `of at least ${least}`;
  return `between ${least} and ${most}`;
}
