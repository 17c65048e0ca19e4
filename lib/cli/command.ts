/**
 * What a command is: one object { meta, args, run }, in citty's form (citty writes the help), parsed strictly by Node itself: an
 * unknown flag, a missing value and a surplus argument are errors, which citty's own parser lets pass.
 */
import { parseArgs } from "node:util";
import { MlcError } from "../errors.js";
import { CommandOutput } from "./output.js";

/** A flag or a positional argument. */
export type ArgDefinition =
  | { readonly type: "boolean"; readonly description: string; readonly alias?: string }
  | {
      readonly type: "string";
      readonly description: string;
      readonly valueHint: string;
      readonly alias?: string;
      readonly required?: boolean;
      /** The value of the flag alone; another one then needs "=". */
      readonly alone?: string;
    }
  | { readonly type: "positional"; readonly description: string };

export type ArgDefinitions = Readonly<Record<string, ArgDefinition>>;

/** Values by name; required ones are always there. */
export type ArgValues<Definitions extends ArgDefinitions> = {
  readonly [Name in keyof Definitions]: Definitions[Name] extends { type: "boolean" }
    ? boolean
    : Definitions[Name] extends { type: "positional" } | { required: true }
      ? string
      : string | undefined;
};

/** What a command gets besides its arguments. */
export interface CommandContext {
  readonly output: CommandOutput;
  /** Fires on Ctrl-C (SIGINT) and SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Command<Definitions extends ArgDefinitions = ArgDefinitions> {
  readonly meta: { readonly name: string; readonly description: string };
  readonly args: Definitions;
  run(args: ArgValues<Definitions>, context: CommandContext): Promise<void>;
}

/** Every command's own flag. */
const COMMON = {
  json: {
    type: "boolean",
    description: "Print one JSON object on standard output, everything else on standard error",
  },
} as const satisfies ArgDefinitions;

/** A command whose arguments are known by type, ready to run on raw arguments. */
export interface RunnableCommand {
  readonly meta: Command["meta"];
  /** With the common flags: for the help. */
  readonly args: ArgDefinitions;
  parseAndRun(rawArgs: readonly string[], signal: AbortSignal): Promise<void>;
}

/** Makes a command runnable; `args` keep their literal types for `run`. */
export function defineCommand<const Definitions extends ArgDefinitions>(
  command: Command<Definitions>,
): RunnableCommand {
  const args = { ...command.args, ...COMMON };
  return {
    meta: command.meta,
    args,
    async parseAndRun(rawArgs, signal) {
      const values = parseCommandLine(command.meta.name, args, rawArgs);
      const output = new CommandOutput(values.json === true);
      // The parser has checked each value against its definition, which is what ArgValues says.
      await command.run(values as ArgValues<Definitions>, { output, signal });
    },
  };
}

/** Values of a command line. Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD for an unknown flag. */
export function parseCommandLine(
  command: string,
  definitions: ArgDefinitions,
  rawArgs: readonly string[],
): Record<string, string | boolean | undefined> {
  const entries = Object.entries(definitions);
  const positionalNames = entries.filter(([, { type }]) => type === "positional").map(([name]) => name);
  const options = Object.fromEntries(
    entries.flatMap(([name, definition]) =>
      definition.type === "positional"
        ? []
        : [[name, { type: definition.type, ...("alias" in definition ? { short: definition.alias } : {}) }]],
    ),
  );
  const { values, positionals } = parseStrictly(command, options, giveLoneFlagsValues(rawArgs, definitions));
  if (positionals.length > positionalNames.length) {
    throw usage(command, "no more arguments", `"${positionals[positionalNames.length]}"`);
  }
  const result: Record<string, string | boolean | undefined> = {};
  for (const [name, definition] of entries) {
    const value =
      definition.type === "positional" ? positionals[positionalNames.indexOf(name)] : values[name];
    if (Array.isArray(value)) throw usage(command, `--${name} once`, "it several times");
    const required =
      definition.type === "positional" || (definition.type === "string" && definition.required);
    if (required && value === undefined) {
      throw usage(command, definition.type === "positional" ? name.toUpperCase() : `--${name}`, "none");
    }
    result[name] = definition.type === "boolean" ? value === true : value;
  }
  return result;
}

type ParsedValue = string | boolean | (string | boolean)[] | undefined;

function parseStrictly(
  command: string,
  options: Record<string, { type: "string" | "boolean"; short?: string | undefined }>,
  rawArgs: readonly string[],
): { values: Record<string, ParsedValue>; positionals: string[] } {
  const withShorts = Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [
      name,
      short === undefined ? { type } : { type, short },
    ]),
  );
  try {
    return parseArgs({
      args: joinNegativeNumbers(rawArgs, options),
      options: withShorts,
      allowPositionals: true,
      strict: true,
    });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const reason = text
      .replaceAll("\n", " ")
      .replace(/\. To specify a positional.*$/, "")
      .replace(/\.$/, "");
    throw new MlcError("ERR_INVALID_ARGUMENT", `${reason} (see node-mlc ${command} --help).`, { cause });
  }
}

/** `--tune` → `--tune=60`, where the flag alone means something. */
function giveLoneFlagsValues(rawArgs: readonly string[], definitions: ArgDefinitions): string[] {
  const end = rawArgs.indexOf("--");
  return rawArgs.map((arg, index) => {
    const isFlag = arg.startsWith("--") && (end < 0 || index < end);
    const definition = isFlag ? definitions[arg.slice(2)] : undefined;
    return definition?.type === "string" && definition.alone !== undefined
      ? `${arg}=${definition.alone}`
      : arg;
  });
}

/** `--seed -1` → `--seed=-1`: Node takes a value that begins with a dash for a flag. */
function joinNegativeNumbers(
  rawArgs: readonly string[],
  options: Record<string, { type: string }>,
): string[] {
  const joined: string[] = [];
  for (let index = 0; index < rawArgs.length; index++) {
    const arg = rawArgs[index] ?? "";
    const next = rawArgs[index + 1];
    const takesValue = arg.startsWith("--") && options[arg.slice(2)]?.type === "string";
    if (takesValue && next !== undefined && /^-\d/.test(next)) {
      joined.push(`${arg}=${next}`);
      index++;
    } else joined.push(arg);
  }
  return joined;
}

function usage(command: string, expected: string, received: string): MlcError {
  return new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected ${expected} but received ${received} (see node-mlc ${command} --help).`,
  );
}

/** An integer flag of an inclusive range, or undefined where it is absent. */
export function integerFlag(
  flag: string,
  value: string | undefined,
  least = 1,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (value === undefined) return undefined;
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number) || number < least || number > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `between ${least} and ${most}`;
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected an integer ${range} for --${flag} but received "${value}".`,
    );
  }
  return number;
}

/** A number flag, or undefined where it is absent; the range is checked where the number is used. */
export function numberFlag(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = value.trim() === "" ? Number.NaN : Number(value);
  if (!Number.isFinite(number)) {
    throw new MlcError("ERR_INVALID_ARGUMENT", `Expected a number for --${flag} but received "${value}".`);
  }
  return number;
}
