/** Runs a call of the engine for a client: limits, streaming, and what its key is charged. */
import { MlcError } from "../errors.js";
import type { ModelLease } from "./model-pool.js";
import {
  type JsonObject,
  modelName,
  type RequestLimits,
  type ServerContext,
  type ServerParts,
} from "./request-context.js";
import { streamResponse } from "./text-stream.js";

/** One call of an engine's API: a whole answer, or a stream of its parts. */
export type CreateAnswer<Answer, Part> = (
  lease: ModelLease,
  body: JsonObject,
  options: { signal: AbortSignal },
) => Promise<Answer | AsyncIterable<Part>>;

/** How a protocol writes what the engine gives; `model` is the name that the server has for it. */
export interface AnswerFormat<Answer, Part> {
  readonly contentType: string;
  /** Sent while nothing comes. */
  readonly ping?: string;
  whole(answer: Answer, model: string): object;
  /** A part as text; "" for nothing. */
  part(part: Part, model: string): string;
  /** Tokens of prompt and answer, where this says so. */
  tokens(said: Answer | Part): number | undefined;
  /** After the last part. */
  end(): string;
  error(error: unknown): string;
}

/** A call that answers whole, and the tokens it took. */
export type AnswerWhole = (
  lease: ModelLease,
  body: JsonObject,
  options: { signal: AbortSignal },
) => Promise<{ answer: object; tokens: number }>;

/** Answers a request by a call that never streams. Errors: those of the call. */
export async function respondWhole(
  context: ServerContext,
  { pool, limits }: ServerParts,
  body: JsonObject,
  call: AnswerWhole,
): Promise<Response> {
  const lease = await pool.lease(modelName(body));
  context.get("request").model = lease.name;
  try {
    const { signal } = context.req.raw;
    const { answer, tokens } = await call(lease, { ...body, ...timeLimit(body, limits) }, { signal });
    charge(context, tokens);
    return context.json(answer);
  } finally {
    lease.release();
  }
}

function charge(context: ServerContext, tokens: number): void {
  const request = context.get("request");
  request.tokens = tokens;
  request.account?.charge(tokens);
}

/** Answers a request by a call of the engine. Errors, before the first byte: those of the call. */
export async function respondWithAnswer<Answer extends object, Part extends object>(
  context: ServerContext,
  { pool, limits }: ServerParts,
  body: JsonObject,
  format: AnswerFormat<Answer, Part>,
  create: CreateAnswer<Answer, Part>,
): Promise<Response> {
  const request = context.get("request");
  const gone = new AbortController();
  const lease = await pool.lease(modelName(body));
  request.model = lease.name;
  let streaming = false;
  try {
    const signal = AbortSignal.any([context.req.raw.signal, gone.signal]);
    const made = await create(lease, limited(body, limits), { signal });
    if (!isStream(made)) {
      charge(context, format.tokens(made) ?? 0);
      return context.json(format.whole(made, lease.name));
    }
    streaming = true;
    request.streaming = true;
    const sent: Sent = { tokens: undefined, parts: 0 };
    return streamResponse(context.req.raw, partTexts(made, lease.name, format, sent), {
      contentType: format.contentType,
      abort: () => gone.abort(),
      // A stream that broke off never said its tokens: one for each part at least.
      ended: () => {
        charge(context, sent.tokens ?? sent.parts);
        lease.release();
        request.ended();
      },
      ping: format.ping,
    });
  } finally {
    if (!streaming) lease.release();
  }
}

/** What a stream has sent so far. */
interface Sent {
  tokens: number | undefined;
  parts: number;
}

/** The texts of a stream, an error among them where it breaks off. */
async function* partTexts<Answer, Part>(
  parts: AsyncIterable<Part>,
  model: string,
  format: AnswerFormat<Answer, Part>,
  sent: Sent,
): AsyncGenerator<string, void, undefined> {
  try {
    for await (const part of parts) {
      sent.parts++;
      sent.tokens = format.tokens(part) ?? sent.tokens;
      const text = format.part(part, model);
      if (text !== "") yield text;
    }
    yield format.end();
  } catch (error) {
    if (error instanceof MlcError && error.code === "ERR_ABORTED") return;
    yield format.error(error);
  }
}

function isStream<Answer extends object, Part>(
  made: Answer | AsyncIterable<Part>,
): made is AsyncIterable<Part> {
  return Symbol.asyncIterator in made;
}

/** Names of the token limit, by API. */
const TOKEN_FIELDS = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

/** The body within the server's limits. Errors: ERR_INVALID_ARGUMENT for more than they allow. */
function limited(body: JsonObject, limits: RequestLimits): JsonObject {
  const { maxTokens } = limits;
  return {
    ...body,
    ...(maxTokens === undefined
      ? {}
      : within(body, TOKEN_FIELDS, "input" in body ? "max_output_tokens" : "max_tokens", maxTokens)),
    ...timeLimit(body, limits),
  };
}

function timeLimit(body: JsonObject, { timeoutMs }: RequestLimits): JsonObject {
  return timeoutMs === undefined ? {} : within(body, ["timeout_ms"], "timeout_ms", timeoutMs);
}

/** The limit as the field's value where the body has none. */
function within(body: JsonObject, names: readonly string[], field: string, most: number): JsonObject {
  const given = names.filter((name) => body[name] !== undefined && body[name] !== null);
  for (const name of given) {
    const value = body[name];
    if (typeof value === "number" && value > most)
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        `Expected at most ${most} for ${name} (a limit of this server) but received ${value}.`,
        { details: { field: name } },
      );
  }
  return given.length > 0 ? {} : { [field]: most };
}
