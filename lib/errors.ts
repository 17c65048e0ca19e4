/**
 * The one error class of the project. `code` is stable and meant for programs; `message` says what was expected,
 * what was received and what to do; `cause` keeps the original error.
 */
export class MlcError extends Error {
  readonly code: ErrorCode;
  /** HTTP status a server should answer with. */
  readonly status: number;
  /** Facts behind the message (sizes, limits, names), for programs. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: MlcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MlcError";
    this.code = code;
    this.status = STATUS[code];
    this.details = options.details ?? {};
  }
}

/** What an error carries beside code and message. */
export interface MlcErrorOptions {
  cause?: unknown;
  details?: Record<string, unknown>;
}

/** Every error code with the HTTP status it maps to. */
const STATUS = {
  ERR_INVALID_ARGUMENT: 400,
  ERR_UNSUPPORTED_FIELD: 400,
  ERR_CONTEXT_OVERFLOW: 400,
  ERR_CHAT_TEMPLATE: 400,
  ERR_INVALID_GRAMMAR: 400,
  ERR_UNAUTHORIZED: 401,
  ERR_FORBIDDEN: 403,
  ERR_NOT_FOUND: 404,
  ERR_MODEL_NOT_FOUND: 404,
  ERR_BODY_TOO_LARGE: 413,
  ERR_UNSUPPORTED_ARCHITECTURE: 422,
  ERR_UNSUPPORTED_FORMAT: 422,
  ERR_INVALID_MODEL: 422,
  ERR_MISSING_TENSOR: 422,
  ERR_INVALID_PACKAGE: 422,
  ERR_PACKAGE_VERSION: 422,
  ERR_DIGEST_MISMATCH: 422,
  ERR_CPU_UNSUPPORTED: 422,
  ERR_INVALID_SESSION: 422,
  ERR_RUNTIME_MISMATCH: 500,
  ERR_COMPILER_NOT_FOUND: 500,
  ERR_LINKER_NOT_FOUND: 500,
  ERR_COMPILE: 500,
  ERR_NATIVE: 500,
  ERR_ENGINE_CRASHED: 500,
  ERR_DEVICE_LOST: 500,
  ERR_IO: 500,
  ERR_ABORTED: 499,
  ERR_TIMEOUT: 504,
  ERR_DISPOSED: 410,
  ERR_ENGINE_OVERLOADED: 429,
  ERR_RATE_LIMITED: 429,
  ERR_UNAVAILABLE: 503,
  ERR_DEVICE_UNAVAILABLE: 503,
  ERR_INSUFFICIENT_MEMORY: 507,
} as const;

/** What went wrong, for programs; docs/api.md tells what each means. */
export type ErrorCode = keyof typeof STATUS;

/** Whether `value` is one of this project's error codes (used when an error crosses a process or native boundary). */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(STATUS, value);
}
