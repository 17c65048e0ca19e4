/** What the routes share: the server's parts, and what is known of one request. */
import type { Context } from "hono";
import type { Logger } from "pino";
import { expectKnownNames, unexpected } from "../engine/expectation.js";
import { MlcError } from "../errors.js";
import type { KeyAccount } from "./api-keys.js";
import { isDeeper, MOST_LEVELS } from "./json-depth.js";
import type { ModelPool } from "./model-pool.js";

/** Limits of every request. */
export interface RequestLimits {
  /** Most tokens an answer may have; default: what the context holds. */
  readonly maxTokens?: number | undefined;
  /** Most milliseconds a request may take; default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Most texts of one request for embeddings or of documents to rank; default: what the engine takes (docs/embeddings.md). */
  readonly maxInputs?: number | undefined;
}

/** What is known of a request. */
export interface RequestVariables {
  readonly requestId: string;
  account: KeyAccount | undefined;
  readonly log: Logger;
  /** For the log line. */
  model?: string;
  tokens?: number;
  /** Whether the body goes on after the response has been made; `ended` is then called at its end. */
  streaming?: boolean;
  ended: () => void;
}

/** Hono's types of this server. */
export interface ServerEnv {
  Variables: { request: RequestVariables };
}

export type ServerContext = Context<ServerEnv>;

/** The parts of a server that its routes use. */
export interface ServerParts {
  readonly pool: ModelPool;
  readonly limits: RequestLimits;
  readonly version: string;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The body as a JSON object. Errors: ERR_INVALID_ARGUMENT for other JSON, no JSON, JSON that is nested too deep, and bytes that are not
 * UTF-8.
 */
export async function jsonBody(context: ServerContext): Promise<JsonObject> {
  const bytes = new Uint8Array(await context.req.arrayBuffer());
  if (isDeeper(bytes, MOST_LEVELS))
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a body of at most ${MOST_LEVELS} levels of objects and lists but received a deeper one.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a body of JSON in UTF-8 but received ${bytes.byteLength} bytes that are none: ${cause instanceof Error ? cause.message : cause}.`,
      { cause },
    );
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw unexpected("the body", "a JSON object", value);
}

/** The model a body names. Errors: ERR_INVALID_ARGUMENT. */
export function modelName({ model }: JsonObject): string | undefined {
  if (model === undefined || model === null || model === "") return undefined;
  if (typeof model === "string") return model;
  throw unexpected("model", "a name", model);
}

/** A body that may have these fields alone. Errors: as jsonBody, ERR_INVALID_ARGUMENT for another field. */
export async function closedBody(context: ServerContext, fields: readonly string[]): Promise<JsonObject> {
  const body = await jsonBody(context);
  expectKnownNames("the body", body, fields);
  return body;
}
