/** An engine for whoever holds the other end of a MessagePort. */
import type { Engine } from "../engine/engine.js";
import { MlcError } from "../errors.js";
import { toPlainError } from "../isolation/protocol.js";
import { type AnyMessagePort, listen } from "./port.js";
import { type FromEngine, METHODS, type Method, PROTOCOL_VERSION, STREAM_WINDOW } from "./protocol.js";

/** What `serveEngine` gives back. */
export interface ServedEngine {
  /** Ends what runs for this port, and closes it. The engine stays. */
  close(): void;
}

type Call = (engine: Engine, args: readonly unknown[], signal: AbortSignal) => unknown;

const body = (args: readonly unknown[]) => args[0] as never;
const CALLS: Readonly<Record<Method, Call>> = {
  "chat.completions.create": (engine, args, signal) => engine.chat.completions.create(body(args), { signal }),
  "completions.create": (engine, args, signal) => engine.completions.create(body(args), { signal }),
  "responses.create": (engine, args, signal) => engine.responses.create(body(args), { signal }),
  "embeddings.create": (engine, args, signal) => engine.embeddings.create(body(args), { signal }),
  rerank: (engine, args, signal) => engine.rerank(body(args), { signal }),
  tokenize: (engine, args) => engine.tokenize(body(args), args[1] as never),
  detokenize: (engine, args) => engine.detokenize(body(args), args[1] as never),
  applyChatTemplate: (engine, args) => engine.applyChatTemplate(body(args), args[1] as never),
  stats: (engine) => engine.stats(),
};

/** A call that has not ended. */
interface Running {
  readonly stop: AbortController;
  /** Items that may still be sent. */
  room: number;
  /** Wakes a stream that waits for room. */
  wake: () => void;
}

/**
 * Serves an engine through a port: the web's or Node's MessagePort, or Electron's MessagePortMain. The other side is not trusted: only
 * the methods of RemoteEngine can be called, and everything it sends is checked as if it were the program's own call.
 */
export function serveEngine(engine: Engine, port: AnyMessagePort): ServedEngine {
  return new EngineServer(engine, port);
}

class EngineServer implements ServedEngine {
  readonly #engine: Engine;
  readonly #port: AnyMessagePort;
  readonly #running = new Map<number, Running>();
  #closed = false;

  constructor(engine: Engine, port: AnyMessagePort) {
    this.#engine = engine;
    this.#port = port;
    listen(
      port,
      (message) => this.#receive(message),
      () => this.#end(),
    );
    this.#send({ type: "hello", version: PROTOCOL_VERSION, model: engine.manifest.model.name });
  }

  close(): void {
    this.#end();
    this.#port.close?.();
  }

  #end(): void {
    this.#closed = true;
    for (const { stop, wake } of this.#running.values()) {
      stop.abort();
      wake();
    }
  }

  #receive(message: unknown): void {
    const { type, id, method, args, items } = (
      typeof message === "object" && message !== null ? message : {}
    ) as Record<string, unknown>;
    // Without a number there is nobody to answer.
    if (typeof id !== "number" || !Number.isSafeInteger(id)) return;
    const running = this.#running.get(id);
    if (type === "cancel") {
      running?.stop.abort();
      running?.wake();
    } else if (type === "taken") {
      if (running === undefined || typeof items !== "number" || !(items > 0)) return;
      running.room = Math.min(STREAM_WINDOW, running.room + items);
      running.wake();
    } else if (type === "call" && running === undefined) {
      void this.#answer(id, method, args);
    }
  }

  async #answer(id: number, method: unknown, args: unknown): Promise<void> {
    const running: Running = { stop: new AbortController(), room: STREAM_WINDOW, wake: () => {} };
    this.#running.set(id, running);
    try {
      if (!METHODS.includes(method as Method) || !Array.isArray(args))
        throw new MlcError(
          "ERR_INVALID_ARGUMENT",
          `Expected a call of ${METHODS.join(", ")} with a list of arguments but received ${JSON.stringify(method)}.`,
        );
      const value = await CALLS[method as Method](this.#engine, args, running.stop.signal);
      if (isStream(value)) await this.#stream(id, value, running);
      else this.#send({ type: "result", id, value, stream: false });
    } catch (error) {
      this.#send({ type: "failure", id, error: toPlainError(error) });
    } finally {
      this.#running.delete(id);
    }
  }

  /** Sends items while there is room; a reader that is slow, or gone, stops the model. */
  async #stream(id: number, items: AsyncIterable<unknown>, running: Running): Promise<void> {
    this.#send({ type: "result", id, value: undefined, stream: true });
    for await (const value of items) {
      this.#send({ type: "item", id, value });
      running.room--;
      while (running.room <= 0 && !running.stop.signal.aborted)
        await new Promise<void>((resolve) => {
          running.wake = resolve;
        });
      if (running.stop.signal.aborted)
        throw new MlcError("ERR_ABORTED", "The call was cancelled by its caller.");
    }
    this.#send({ type: "end", id });
  }

  #send(message: FromEngine): void {
    if (!this.#closed) this.#port.postMessage(message);
  }
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
