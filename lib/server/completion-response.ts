/** Runs a completion of the engine for a client: limits, streaming, and what its key is charged. */
import type { CompletionUsage } from "../engine/openai-types.js";
import { MlcError } from "../errors.js";
import { apiError } from "./api-error.js";
import type { ModelLease } from "./model-pool.js";
import {
  type JsonObject,
  modelName,
  type RequestLimits,
  type ServerContext,
  type ServerParts,
} from "./request-context.js";
import { textStream } from "./text-stream.js";

/** A whole completion, or a chunk of one. */
export interface CompletionObject {
  model: string;
  usage?: CompletionUsage | null;
  choices: readonly unknown[];
}

/** One call of an engine's completion API. */
export type CreateCompletion = (
  lease: ModelLease,
  body: JsonObject,
  options: { signal: AbortSignal },
) => Promise<CompletionObject | AsyncIterable<CompletionObject>>;

/** How a protocol writes what the engine gives. */
export interface CompletionFormat {
  readonly contentType: string;
  /** Sent while nothing comes. */
  readonly ping?: string;
  whole(completion: CompletionObject): unknown;
  /** A chunk as text; "" for nothing. */
  chunk(chunk: CompletionObject): string;
  /** The last chunk has come; its usage. */
  end(usage: CompletionUsage | undefined): string;
  error(error: unknown): string;
}

/** Answers a request by a completion. Errors, before the first byte: those of the call. */
export async function respondWithCompletion(
  context: ServerContext,
  { pool, limits }: ServerParts,
  body: JsonObject,
  format: CompletionFormat,
  create: CreateCompletion,
): Promise<Response> {
  const request = context.get("request");
  const gone = new AbortController();
  const lease = await pool.lease(modelName(body));
  request.model = lease.name;
  const charge = (tokens: number): void => {
    request.tokens = tokens;
    request.account?.charge(tokens);
  };
  let streaming = false;
  try {
    const signal = AbortSignal.any([context.req.raw.signal, gone.signal]);
    const made = await create(lease, limited(body, limits), { signal });
    if (!isStream(made)) {
      charge(made.usage?.total_tokens ?? 0);
      return context.json(format.whole({ ...made, model: lease.name }) as object);
    }
    streaming = true;
    request.streaming = true;
    const texts = chunkTexts(made, lease, format, charge);
    const stream = textStream(texts, {
      abort: () => gone.abort(),
      ...(format.ping === undefined ? {} : { ping: format.ping }),
    });
    return new Response(stream, {
      headers: { "content-type": format.contentType, "cache-control": "no-store", "x-accel-buffering": "no" },
    });
  } finally {
    if (!streaming) lease.release();
  }
}

/** The texts of a stream, an error among them where it breaks off; the lease ends with it. */
async function* chunkTexts(
  chunks: AsyncIterable<CompletionObject>,
  lease: ModelLease,
  format: CompletionFormat,
  charge: (tokens: number) => void,
): AsyncGenerator<string, void, undefined> {
  let usage: CompletionUsage | undefined;
  let count = 0;
  try {
    for await (const chunk of chunks) {
      count++;
      usage = chunk.usage ?? usage;
      const text = format.chunk({ ...chunk, model: lease.name });
      if (text !== "") yield text;
    }
    yield format.end(usage);
  } catch (error) {
    if (error instanceof MlcError && error.code === "ERR_ABORTED") return;
    yield format.error(error);
  } finally {
    // Of a stream that broke off the usage never came: a token for each chunk at least.
    charge(usage?.total_tokens ?? count);
    lease.release();
  }
}

function isStream(
  made: CompletionObject | AsyncIterable<CompletionObject>,
): made is AsyncIterable<CompletionObject> {
  return Symbol.asyncIterator in made;
}

/** The body within the server's limits. Errors: ERR_INVALID_ARGUMENT for more than they allow. */
function limited(body: JsonObject, { maxTokens, timeoutMs }: RequestLimits): JsonObject {
  return {
    ...body,
    ...(maxTokens === undefined
      ? {}
      : within(body, ["max_completion_tokens", "max_tokens"], "max_tokens", maxTokens)),
    ...(timeoutMs === undefined ? {} : within(body, ["timeout_ms"], "timeout_ms", timeoutMs)),
  };
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

/** Server-sent events with OpenAI's chunks; `keepUsage`: the client asked for the chunk of usage. */
export function openAiFormat(keepUsage: boolean): CompletionFormat {
  const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
  return {
    contentType: "text/event-stream; charset=utf-8",
    ping: ": ping\n\n",
    whole: (completion) => completion,
    chunk(chunk) {
      if (keepUsage) return event(chunk);
      const { usage, ...rest } = chunk;
      return usage === undefined || usage === null ? event(rest) : "";
    },
    end: () => "data: [DONE]\n\n",
    error: (error) => event({ error: apiError(error).error }),
  };
}
