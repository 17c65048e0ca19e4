/** The client's end of a port: calls by number, and the streams they give. */
import { MlcError } from "../errors.js";
import { fromPlainError } from "../isolation/protocol.js";
import { type AnyMessagePort, listen } from "./port.js";
import { type FromEngine, type Method, PROTOCOL_VERSION, STREAM_WINDOW, type ToEngine } from "./protocol.js";

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  stream: RemoteStream<unknown> | undefined;
}

/** Items of one call, in the order in which they were made; iterate once. Leaving the loop and `abort` end the call. */
export class RemoteStream<Item> implements AsyncIterable<Item>, AsyncDisposable {
  readonly #cancel: () => void;
  readonly #taken: (items: number) => void;
  #items: Item[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake: () => void = () => {};

  /** @internal */
  constructor(cancel: () => void, taken: (items: number) => void) {
    this.#cancel = cancel;
    this.#taken = taken;
  }

  /** Ends the call: the loop ends with ERR_ABORTED. */
  abort(): void {
    this.finish({ error: new MlcError("ERR_ABORTED", "The stream was aborted.") });
    this.#cancel();
  }

  /** @internal */
  push(item: Item): void {
    this.#items.push(item);
    this.#wake();
  }

  /** @internal */
  finish(end: { readonly error?: unknown }): void {
    this.#end ??= end;
    this.#wake();
  }

  /** The items as they come; once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    let taken = 0;
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          yield item;
          if (++taken === STREAM_WINDOW / 2) {
            this.#taken(taken);
            taken = 0;
          }
        } else if (this.#end !== undefined) {
          if ("error" in this.#end) throw this.#end.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      if (this.#end === undefined) this.abort();
    }
  }

  /** `abort`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#end === undefined) this.abort();
  }
}

/** One port. */
export class Connection {
  /** The model's name, once the other side has greeted. */
  readonly hello: Promise<string>;
  readonly #port: AnyMessagePort;
  readonly #pending = new Map<number, Pending>();
  #greet: { resolve(model: string): void; reject(error: unknown): void } | undefined;
  #closed: MlcError | undefined;
  #lastId = 0;

  constructor(port: AnyMessagePort) {
    this.#port = port;
    this.hello = new Promise((resolve, reject) => {
      this.#greet = { resolve, reject };
    });
    listen(
      port,
      (message) => this.#receive(message as FromEngine),
      () => this.#end(),
    );
  }

  /** Calls a method; a call that streams gives a RemoteStream. */
  request(method: Method, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        const pending = this.#pending.get(id);
        if (pending === undefined) return;
        this.#send({ type: "cancel", id });
        this.#settle(id, abortedError(signal));
      };
      signal?.addEventListener("abort", cancel, { once: true });
      this.#pending.set(id, { resolve, reject, stream: undefined });
      try {
        this.#send({ type: "call", id, method, args });
      } catch (error) {
        // What cannot be cloned.
        this.#settle(
          id,
          new MlcError("ERR_INVALID_ARGUMENT", `Expected plain data but received ${String(error)}.`),
        );
      }
    });
  }

  close(): void {
    this.#end();
    this.#port.close?.();
  }

  #receive(message: FromEngine): void {
    if (message.type === "hello") {
      if (message.version === PROTOCOL_VERSION) this.#greet?.resolve(message.model);
      else
        this.#greet?.reject(
          new MlcError(
            "ERR_RUNTIME_MISMATCH",
            `Expected an engine that speaks version ${PROTOCOL_VERSION} but received ${message.version}: use one version of node-mlc on both sides.`,
          ),
        );
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.type === "failure") this.#settle(message.id, fromPlainError(message.error));
    else if (message.type === "item") pending.stream?.push(message.value);
    else if (message.type === "end") this.#settle(message.id);
    else if (message.stream) pending.resolve(this.#open(message.id, pending));
    else {
      this.#pending.delete(message.id);
      pending.resolve(message.value);
    }
  }

  #open(id: number, pending: Pending): RemoteStream<unknown> {
    pending.stream = new RemoteStream(
      () => {
        if (this.#pending.delete(id)) this.#send({ type: "cancel", id });
      },
      (items) => this.#send({ type: "taken", id, items }),
    );
    return pending.stream;
  }

  /** The end of a call, by an error where there is one. */
  #settle(id: number, error?: MlcError): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.stream?.finish(error === undefined ? {} : { error });
    if (error !== undefined) pending?.reject(error);
  }

  #end(): void {
    this.#closed ??= new MlcError("ERR_DISPOSED", "The port to the engine has been closed.");
    this.#greet?.reject(this.#closed);
    for (const id of [...this.#pending.keys()]) this.#settle(id, this.#closed);
  }

  #send(message: ToEngine): void {
    if (this.#closed === undefined) this.#port.postMessage(message);
  }
}

function abortedError(signal: AbortSignal | undefined): MlcError {
  return new MlcError("ERR_ABORTED", "The call was aborted by its signal.", { cause: signal?.reason });
}
