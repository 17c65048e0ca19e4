/** Values of command line options. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { MlcError } from "../lib/errors.js";

/** The values of a command line. Errors: ERR_INVALID_ARGUMENT for what is no option. */
export function optionValues<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (cause) {
    throw new MlcError("ERR_INVALID_ARGUMENT", cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
}

/** Names of a list separated by commas; all known ones where none is given. Errors: ERR_INVALID_ARGUMENT. */
export function listOption<Name extends string>(
  option: string,
  value: string | undefined,
  known: readonly Name[],
): Name[] {
  if (value === undefined) return [...known];
  return value.split(",").map((given) => {
    const found = known.find((name) => name === given.trim());
    if (found !== undefined) return found;
    throw invalidOption(`--${option} of ${known.join(", ")}`, given);
  });
}

/** An integer within bounds. Errors: ERR_INVALID_ARGUMENT. */
export function integerOption(
  option: string,
  value: string | undefined,
  otherwise: number,
  least: number,
  most: number,
): number {
  const number = value === undefined ? otherwise : Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw invalidOption(`--${option} of ${least} to ${most}`, value ?? "");
}

/** The error for an option. */
export function invalidOption(expected: string, received: string): MlcError {
  return new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected ${expected} but received ${JSON.stringify(received)}.`,
  );
}
