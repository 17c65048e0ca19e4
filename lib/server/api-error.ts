/** Errors as OpenAI's clients read them. */
import { MlcError } from "../errors.js";

/** OpenAI's error object. */
export interface ApiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string;
}

const TYPE_OF_STATUS: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
};

/** What a client is told of an error. An unexpected one is told as such, without its text: that goes to the log. */
export function apiError(error: unknown): { status: number; error: ApiError } {
  if (!(error instanceof MlcError)) {
    const message =
      "Expected an answer but the server failed: its log has the reason under the request's id.";
    return { status: 500, error: { message, type: "server_error", param: null, code: "ERR_UNEXPECTED" } };
  }
  const { status, message, code, details } = error;
  const type = TYPE_OF_STATUS[status] ?? (status < 500 ? "invalid_request_error" : "server_error");
  const field = details.field ?? details.name ?? details.option;
  return { status, error: { message, type, param: typeof field === "string" ? field : null, code } };
}

/** Headers that tell a client when to try again. */
export function retryHeaders(error: unknown): Record<string, string> {
  const wait = error instanceof MlcError ? error.details.retryAfterMs : undefined;
  return typeof wait === "number" ? { "retry-after": String(Math.max(1, Math.ceil(wait / 1000))) } : {};
}
