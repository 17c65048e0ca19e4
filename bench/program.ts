import { fileURLToPath } from "node:url";
import { MlcError } from "../lib/errors.js";

/** Exit status of wrong usage and of everything that could not be done. */
const FAILURE = 2;

/**
 * Runs `main` with the arguments if the module of this URL is what Node was started with. Its result is the exit status; an MlcError
 * is one line on standard error and status 2.
 */
export function runProgram(moduleUrl: string, main: (args: readonly string[]) => number): void {
  if (process.argv[1] !== fileURLToPath(moduleUrl)) return;
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof MlcError)) throw error;
    console.error(error.message);
    process.exitCode = FAILURE;
  }
}

/** The error for a program called with other arguments than `usage`. */
export function wrongUsage(usage: string, args: readonly string[]): MlcError {
  return new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected the arguments ${usage} but received ${JSON.stringify(args)}.`,
  );
}
