/** The engine at the other end of a MessagePort. Nothing of Node is needed here: it runs in a renderer and in a browser's worker. */
import type { ChatMessage } from "../chat/message.js";
import type { CreateEmbeddingResponse, EmbeddingCreateParams } from "../engine/embedding-types.js";
import type { EngineStats, TokenizeOptions } from "../engine/engine.js";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  Completion,
  CompletionChunk,
  CompletionCreateParams,
} from "../engine/openai-types.js";
import type { RerankParams, RerankResponse } from "../engine/rerank.js";
import type { ResponseCreateParams, ResponseObject, ResponseStreamEvent } from "../engine/responses-types.js";
import { Connection, type RemoteStream } from "./connection.js";
import type { AnyMessagePort } from "./port.js";

/** How a call is ended from outside. */
export interface RemoteCallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** One of OpenAI's `create` methods. */
export interface RemoteCreate<Body, Answer, Item> {
  /** Streamed. */
  create(body: Body & { stream: true }, options?: RemoteCallOptions): Promise<RemoteStream<Item>>;
  /** Whole. */
  create(body: Body & { stream?: false | null }, options?: RemoteCallOptions): Promise<Answer>;
  /** As the body says. */
  create(body: Body, options?: RemoteCallOptions): Promise<Answer | RemoteStream<Item>>;
}

/** An engine's interface without what only its own process can do; what is a value there is a promise here. */
export interface RemoteEngine {
  /** The model's name. */
  readonly model: string;
  readonly chat: {
    readonly completions: RemoteCreate<ChatCompletionCreateParams, ChatCompletion, ChatCompletionChunk>;
  };
  readonly completions: RemoteCreate<CompletionCreateParams, Completion, CompletionChunk>;
  readonly responses: RemoteCreate<ResponseCreateParams, ResponseObject, ResponseStreamEvent>;
  readonly embeddings: {
    /** OpenAI's embeddings. */
    create(body: EmbeddingCreateParams, options?: RemoteCallOptions): Promise<CreateEmbeddingResponse>;
  };
  /** Documents in the order in which they fit a query. */
  rerank(body: RerankParams, options?: RemoteCallOptions): Promise<RerankResponse>;
  /** Token ids of a text. */
  tokenize(text: string, options?: TokenizeOptions): Promise<number[]>;
  /** The text of token ids. */
  detokenize(ids: readonly number[], options?: { special?: boolean }): Promise<string>;
  /** The prompt of a chat. */
  applyChatTemplate(messages: readonly ChatMessage[]): Promise<string>;
  /** Counters since the load. */
  stats(): Promise<EngineStats>;
  /** Ends every call of this side, and closes the port. The engine stays. */
  close(): void;
}

/**
 * Connects to an engine that `serveEngine` serves. Calls fail as the engine's own do, with MlcError.
 * Errors: ERR_RUNTIME_MISMATCH where the two sides are of different versions, ERR_DISPOSED where the port is closed.
 */
export async function connectEngine(port: AnyMessagePort): Promise<RemoteEngine> {
  const connection = new Connection(port);
  const model = await connection.hello;
  const create = <Body, Answer, Item>(method: Parameters<Connection["request"]>[0]) =>
    ({
      create: (given: Body, options: RemoteCallOptions = {}) =>
        connection.request(method, [given], options.signal),
    }) as RemoteCreate<Body, Answer, Item>;
  return {
    model,
    chat: { completions: create("chat.completions.create") },
    completions: create("completions.create"),
    responses: create("responses.create"),
    embeddings: create("embeddings.create"),
    rerank: (given, { signal } = {}) =>
      connection.request("rerank", [given], signal) as Promise<RerankResponse>,
    tokenize: (text, options = {}) => connection.request("tokenize", [text, options]) as Promise<number[]>,
    detokenize: (ids, options = {}) => connection.request("detokenize", [ids, options]) as Promise<string>,
    applyChatTemplate: (messages) =>
      connection.request("applyChatTemplate", [messages, {}]) as Promise<string>,
    stats: () => connection.request("stats", []) as Promise<EngineStats>,
    close: () => connection.close(),
  };
}
