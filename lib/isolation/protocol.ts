/**
 * The messages between an engine's client and its host in another thread or process, in the order in which they are sent.
 *
 * They are plain data that the structured clone algorithm copies (`fork` with serialization "advanced", worker threads): typed arrays
 * and bigints go as they are. Both sides are of one package, and the host says its version first.
 */
import { isErrorCode, MlcError } from "../errors.js";
import type { DeviceRuntime } from "../ffi/device-runtime.js";
import type {
  NativeEngine,
  NativeEngineConfig,
  NativeEngineStats,
  NativeEvent,
  NativeRequest,
} from "../ffi/native-engine.js";

/** Changes whenever a message does. */
export const PROTOCOL_VERSION = 2;

/** Batches of events that may be on their way; the host joins what comes after them. */
export const EVENT_WINDOW = 64;

/** Batches that one acknowledgement covers. */
export const EVENTS_PER_ACKNOWLEDGEMENT = 16;

/** Methods that give nothing back: sent, not waited for. */
export type TellMethod = "abort" | "abortIfQueued" | "replyLogits" | "useVocabulary" | "unpin" | "startTrace";

/** Methods that give a promise. */
export type CallMethod =
  | "matchGrammar"
  | "evaluate"
  | "embed"
  | "pin"
  | "readPrefix"
  | "writePrefix"
  | "score"
  | "stopTrace"
  | "dispose";

/** What a method of the host resolves with. */
export type CallResult<M extends CallMethod> = Awaited<ReturnType<NativeEngine[M]>>;

/** One call of a method that gives nothing back. */
export type Tell = {
  readonly [M in TellMethod]: {
    readonly type: "tell";
    readonly method: M;
    readonly args: Parameters<NativeEngine[M]>;
  };
}[TellMethod];

/** One call of a method that gives a promise. */
export type Call = {
  readonly [M in CallMethod]: {
    readonly type: "call";
    readonly call: number;
    readonly method: M;
    readonly args: Parameters<NativeEngine[M]>;
  };
}[CallMethod];

/** Client to host. */
export type ToHost =
  | { readonly type: "devices"; readonly call: number; readonly runtime: DeviceRuntime }
  | { readonly type: "load"; readonly call: number; readonly config: NativeEngineConfig }
  | { readonly type: "submit"; readonly request: NativeRequest }
  | { readonly type: "acknowledge"; readonly batches: number }
  | Tell
  | Call;

/** Host to client. */
export type FromHost =
  | { readonly type: "hello"; readonly version: number; readonly cpuFeatures: readonly string[] }
  /** In place of hello: the addon does not load. */
  | { readonly type: "unavailable"; readonly error: PlainError }
  | { readonly type: "progress"; readonly done: number; readonly total: number; readonly phase: string }
  /** All that happened in one step, or in several where the client is slow. */
  | {
      readonly type: "events";
      readonly events: readonly NativeEvent[];
      readonly stats: NativeEngineStats | undefined;
    }
  | {
      readonly type: "reply";
      readonly call: number;
      readonly value: unknown;
      readonly stats: NativeEngineStats | undefined;
    }
  | { readonly type: "failure"; readonly call: number; readonly error: PlainError };

/** An error as plain data. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly stack: string | undefined;
}

/** Any thrown value as plain data; what is no MlcError becomes ERR_NATIVE. */
export function toPlainError(error: unknown): PlainError {
  const stack = error instanceof Error ? error.stack : undefined;
  if (!(error instanceof MlcError))
    return {
      code: "ERR_NATIVE",
      message: error instanceof Error ? error.message : String(error),
      details: {},
      stack,
    };
  return { code: error.code, message: error.message, details: plainDetails(error.details), stack };
}

/** The error again; the host's stack is its cause. */
export function fromPlainError({ code, message, details, stack }: PlainError): MlcError {
  return new MlcError(isErrorCode(code) ? code : "ERR_NATIVE", message, {
    details: { ...details },
    ...(stack === undefined ? {} : { cause: stack }),
  });
}

/** Details may hold anything; texts, numbers and truths cross as they are, all else as JSON. */
function plainDetails(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const text = JSON.stringify(details, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  return JSON.parse(text) as Record<string, unknown>;
}
