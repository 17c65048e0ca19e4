// Messages between `compile` and its child process, over the fork's channel.
import { isErrorCode, MlcError } from "../errors.js";
import type { CompileProgress, CompileRequest } from "./compile-options.js";

/** Parent to child, once. */
export interface StartMessage {
  readonly type: "start";
  readonly request: CompileRequest;
}

/** Child to parent. */
export type ChildMessage =
  | { readonly type: "progress"; readonly event: CompileProgress }
  | { readonly type: "output"; readonly folder: string }
  | { readonly type: "done"; readonly folder: string }
  | { readonly type: "error"; readonly error: PlainError };

/** An error as plain data. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly stack: string | undefined;
}

/** Any thrown value as plain data; what is no MlcError becomes ERR_COMPILE. */
export function toPlainError(error: unknown): PlainError {
  const stack = error instanceof Error ? error.stack : undefined;
  if (error instanceof MlcError)
    return { code: error.code, message: error.message, details: plain(error.details), stack };
  const message = error instanceof Error ? error.message : String(error);
  return { code: "ERR_COMPILE", message: `The compilation failed: ${message}`, details: {}, stack };
}

/** The error again, with the child's stack as its cause. */
export function fromPlainError({ code, message, details, stack }: PlainError): MlcError {
  const cause = stack === undefined ? {} : { cause: stack };
  return new MlcError(isErrorCode(code) ? code : "ERR_COMPILE", message, {
    details: { ...details },
    ...cause,
  });
}

/** Details may hold anything; only what survives a message channel crosses. */
function plain(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(details, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
  ) as Record<string, unknown>;
}
