/**
 * A conversation that keeps its place in the KV cache: each turn computes only what is new.
 *
 * The engine's prefix cache finds the common beginning by itself; a session pins it, so that it is not recycled before the next turn,
 * for some time or until requests need the pages. What is no longer there is computed again, with the same answers.
 */
import { type ChatMessage, checkMessages } from "../chat/message.js";
import { MlcError } from "../errors.js";
import type { NativeEngine } from "../ffi/native-engine.js";
import { expectInteger, expectKnownNames, unexpected } from "./expectation.js";
import type { Generation, GenerationResult } from "./generation.js";
import { readSession, writeSession } from "./session-file.js";
import type { GenerateOptions, OnGenerationEnd } from "./text-generation.js";

/** Options of a session. */
export interface SessionOptions {
  /** What the conversation begins with, for example a system message. Default: nothing. */
  messages?: readonly ChatMessage[] | undefined;
  /** Milliseconds after the last turn for which its KV pages are kept. Default 600,000 (ten minutes). */
  ttlMs?: number | undefined;
}

const OPTION_NAMES = ["messages", "ttlMs"] as const satisfies readonly (keyof SessionOptions)[];
const DEFAULT_TTL_MS = 600_000;
/** Beyond this a timer fires at once. */
const LONGEST_TTL_MS = 2 ** 31 - 1;

/** What sessions need of their engine. */
export interface SessionHost {
  readonly modelName: string;
  /** Digest of the package's content. */
  readonly digest: string;
  readonly native: Pick<NativeEngine, "pin" | "unpin" | "readPrefix" | "writePrefix">;
  generate(messages: readonly ChatMessage[], options: GenerateOptions, onEnd: OnGenerationEnd): Generation;
  nextId(): number;
  /** Throws ERR_DISPOSED where the engine is gone. */
  checkAlive(): void;
}

/** Where a conversation stands. */
interface Transcript {
  readonly messages: readonly ChatMessage[];
  /** Ids of the last turn's prompt and answer. */
  readonly tokens: Int32Array;
}

/** A conversation whose keys and values stay in the cache between its turns. */
export class Session implements Disposable {
  readonly #host: SessionHost;
  readonly #id: number;
  readonly #ttlMs: number;
  #transcript: Transcript;
  #expiry: NodeJS.Timeout | undefined;
  #answering = false;
  #disposed = false;

  private constructor(host: SessionHost, transcript: Transcript, ttlMs: number) {
    this.#host = host;
    this.#id = host.nextId();
    this.#transcript = transcript;
    this.#ttlMs = ttlMs;
  }

  /** A new conversation. Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD. */
  static start(host: SessionHost, options: SessionOptions = {}): Session {
    const { messages, ttlMs } = resolveOptions(options);
    return new Session(host, { messages, tokens: new Int32Array() }, ttlMs);
  }

  /**
   * A conversation that `save` has written, with its keys and values.
   * Errors: ERR_IO, ERR_INVALID_SESSION for a file that is none, is damaged or is of another model, ERR_INSUFFICIENT_MEMORY.
   */
  static async restore(
    host: SessionHost,
    file: string,
    options: Omit<SessionOptions, "messages"> = {},
  ): Promise<Session> {
    const { ttlMs } = resolveOptions(options);
    const { messages, tokens, pages } = await readSession(file, host);
    host.checkAlive();
    const session = new Session(host, { messages: checkMessages(messages), tokens }, ttlMs);
    if (pages.length > 0) await host.native.writePrefix(session.#id, tokens, pages);
    session.#expireLater();
    return session;
  }

  /** The conversation so far. */
  get messages(): readonly ChatMessage[] {
    return this.#transcript.messages;
  }

  /**
   * Asks for the next answer. Iterate the result for chunks, or await its `result`; the answer is part of the conversation
   * once it has ended, also where the caller broke it off. After an error the conversation is what it was before.
   * Errors, at once: those of Engine.generate, ERR_INVALID_ARGUMENT while another answer is under way.
   */
  send(message: string | ChatMessage, options: GenerateOptions = {}): Generation {
    this.#checkUsable();
    if (this.#answering) {
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        "Expected the session's last answer to have ended but it is under way: await its result, abort it, or fork the session.",
      );
    }
    const asked: ChatMessage = typeof message === "string" ? { role: "user", content: message } : message;
    const messages = [...this.messages, asked];
    this.#answering = true;
    try {
      return this.#host.generate(messages, options, (prompt, result) => {
        this.#answering = false;
        if (result !== undefined) this.#take(messages, prompt, result);
      });
    } catch (error) {
      this.#answering = false;
      throw error;
    }
  }

  /** Another conversation that begins like this one; both go on from the same keys and values. */
  async fork(): Promise<Session> {
    this.#checkUsable();
    const fork = new Session(this.#host, this.#transcript, this.#ttlMs);
    await fork.#pin();
    return fork;
  }

  /**
   * Writes the conversation with its keys and values to a file, for Engine.restoreSession(): faster than to compute them again.
   * Errors: ERR_IO.
   */
  async save(file: string): Promise<void> {
    this.#checkUsable();
    const { messages, tokens } = this.#transcript;
    const pages = await this.#host.native.readPrefix(tokens);
    await writeSession(file, this.#host, { messages, tokens, pages });
  }

  /** Lets the keys and values go; the session cannot be used afterwards. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#expire();
  }

  /** `dispose`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #take(messages: readonly ChatMessage[], prompt: Int32Array, result: GenerationResult): void {
    const answer: ChatMessage = { role: "assistant", content: result.text };
    const tokens = Int32Array.from([...prompt, ...result.tokens]);
    this.#transcript = { messages: [...messages, answer], tokens };
    if (!this.#disposed) this.#pin().catch(() => undefined); // the engine was disposed
  }

  async #pin(): Promise<void> {
    this.#expireLater();
    await this.#host.native.pin(this.#id, this.#transcript.tokens);
  }

  #expireLater(): void {
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.#expire(), this.#ttlMs);
    this.#expiry.unref();
  }

  #expire(): void {
    clearTimeout(this.#expiry);
    try {
      this.#host.checkAlive();
    } catch {
      return;
    }
    this.#host.native.unpin(this.#id);
  }

  #checkUsable(): void {
    this.#host.checkAlive();
    if (this.#disposed)
      throw new MlcError(
        "ERR_DISPOSED",
        "Expected a session in use but it has been disposed: start another.",
      );
  }
}

function resolveOptions(options: SessionOptions): { messages: readonly ChatMessage[]; ttlMs: number } {
  expectKnownNames("the session's options", options, OPTION_NAMES);
  const { messages = [], ttlMs = DEFAULT_TTL_MS } = options;
  if (!Array.isArray(messages)) throw unexpected("messages", "a list of messages", messages);
  return {
    messages: messages.length === 0 ? [] : checkMessages(messages),
    ttlMs: expectInteger("ttlMs", ttlMs, 1, LONGEST_TTL_MS),
  };
}
