/** A running host as its client sees it: calls and their answers, open requests, and the end of all of them. */
import { MlcError } from "../errors.js";
import type { DeviceRuntime, RuntimeDevice } from "../ffi/device-runtime.js";
import type {
  NativeEngine,
  NativeEngineConfig,
  NativeEngineStats,
  NativeEvent,
  NativeRequest,
} from "../ffi/native-engine.js";
import type { HostChannel } from "./host-channel.js";
import { crashError } from "./host-end-error.js";
import {
  type Call,
  type CallMethod,
  type CallResult,
  EVENTS_PER_ACKNOWLEDGEMENT,
  type FromHost,
  fromPlainError,
  PROTOCOL_VERSION,
  type Tell,
  type TellMethod,
} from "./protocol.js";

/** Whom a connection tells what happens. */
export interface ConnectionListener {
  onEvents(events: readonly NativeEvent[]): void;
  onProgress(done: number, total: number, phase: string): void;
  /** The host ended without being asked to; its requests have ended before. */
  onCrash(error: MlcError): void;
}

/** Time that a host has to give its memory back and to end, in milliseconds. */
const CLOSE_LIMIT_MS = 10_000;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The greeting is waited for under a number that no call has. */
const HELLO = 0;

/** One host. */
export class HostConnection {
  readonly #channel: HostChannel;
  #listener: ConnectionListener | undefined;
  readonly #pending = new Map<number, Pending>();
  /** Requests that have not ended. */
  readonly #open = new Set<number>();
  #lastCall = HELLO;
  #unacknowledged = 0;
  #stats: NativeEngineStats | undefined;
  #cpuFeatures: readonly string[] = [];
  #end: MlcError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(channel: HostChannel) {
    this.#channel = channel;
    channel.listen(
      (message) => this.#receive(message),
      (end) => this.#finish(crashError(channel.kind, end)),
    );
  }

  /** Waits for the host's greeting. Errors: ERR_NATIVE, ERR_RUNTIME_MISMATCH where it cannot load the addon, ERR_ENGINE_CRASHED. */
  static async open(channel: HostChannel): Promise<HostConnection> {
    const connection = new HostConnection(channel);
    try {
      await connection.#answerOf(HELLO);
    } catch (error) {
      await channel.close(CLOSE_LIMIT_MS);
      throw error;
    }
    return connection;
  }

  /** LLVM's names of what the host's processor supports. */
  get cpuFeatures(): readonly string[] {
    return this.#cpuFeatures;
  }

  /** Of a process. */
  get pid(): number | undefined {
    return this.#channel.pid;
  }

  /** Why nothing can be asked any more; undefined while it can. */
  get end(): MlcError | undefined {
    return this.#end;
  }

  /** The counters as they were published last. */
  get stats(): NativeEngineStats | undefined {
    return this.#stats;
  }

  /** The devices of a runtime in the host, which loads it. Errors: those of listDevices, ERR_ENGINE_CRASHED. */
  devices(runtime: DeviceRuntime): Promise<readonly RuntimeDevice[]> {
    const call = ++this.#lastCall;
    const answer = this.#answerOf(call);
    this.#channel.post({ type: "devices", call, runtime });
    return answer as Promise<readonly RuntimeDevice[]>;
  }

  /** Loads the model; its requests are reported to `listener`. Errors: those of NativeEngine.load, ERR_ENGINE_CRASHED. */
  async load(config: NativeEngineConfig, listener: ConnectionListener): Promise<void> {
    const call = ++this.#lastCall;
    this.#listener = { ...noListener, onProgress: (...news) => listener.onProgress(...news) };
    const answer = this.#answerOf(call);
    this.#channel.post({ type: "load", call, config });
    await answer;
    this.#listener = listener;
  }

  /** Errors: ERR_ENGINE_CRASHED, ERR_INVALID_ARGUMENT for an id in use; what the native engine refuses is an event. */
  submit(request: NativeRequest): void {
    if (this.#end !== undefined) throw this.#end;
    if (this.#open.has(request.id))
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        `Expected an id that no unfinished request has but received ${request.id}.`,
      );
    this.#channel.post({ type: "submit", request });
    this.#open.add(request.id);
    this.#keepAlive();
  }

  /** Calls a method that gives nothing back; nothing where the host has ended. */
  tell<M extends TellMethod>(method: M, ...args: Parameters<NativeEngine[M]>): void {
    if (this.#end === undefined) this.#channel.post({ type: "tell", method, args } as Tell);
  }

  /** Calls a method. Errors: its own, ERR_ENGINE_CRASHED. */
  request<M extends CallMethod>(method: M, ...args: Parameters<NativeEngine[M]>): Promise<CallResult<M>> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const call = ++this.#lastCall;
    const answer = this.#answerOf(call);
    this.#channel.post({ type: "call", call, method, args } as Call);
    return answer as Promise<CallResult<M>>;
  }

  /** Ends every request and call with this error, and the host afterwards. */
  abandon(error: MlcError): Promise<void> {
    this.#listener = this.#listener && { ...this.#listener, onCrash: () => undefined };
    const giving = this.#end === undefined ? this.#giveBack() : undefined;
    this.#finish(error);
    this.#closing ??= this.#close(giving);
    return this.#closing;
  }

  /** Of a host that has ended: what further calls fail with in place of the error that it ended with. */
  blame(error: MlcError): void {
    if (this.#end !== undefined) this.#end = error;
  }

  /** Ends the host; what still runs ends as the native engine's dispose() ends it. */
  close(error: MlcError): Promise<void> {
    this.#listener = this.#listener && { ...this.#listener, onCrash: () => undefined };
    this.#closing ??= this.#close(this.#end === undefined ? this.#giveBack() : undefined, error);
    return this.#closing;
  }

  async #close(givenBack: Promise<unknown> | undefined, error?: MlcError): Promise<void> {
    const deadline = performance.now() + CLOSE_LIMIT_MS;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSE_LIMIT_MS);
    });
    // A host that fails here is ended all the same.
    if (givenBack !== undefined) await Promise.race([givenBack.catch(() => undefined), late]);
    clearTimeout(timer);
    if (error !== undefined) this.#finish(error);
    await this.#channel.close(Math.max(0, deadline - performance.now()));
  }

  #giveBack(): Promise<unknown> {
    return this.request("dispose");
  }

  #receive(message: FromHost): void {
    switch (message.type) {
      case "hello":
        this.#greeted(message.version, message.cpuFeatures);
        return;
      case "unavailable":
        this.#pending.get(HELLO)?.reject(fromPlainError(message.error));
        return;
      case "progress":
        this.#listener?.onProgress(message.done, message.total, message.phase);
        return;
      case "events":
        this.#stats = message.stats ?? this.#stats;
        this.#accept(message.events);
        return;
      case "reply":
        this.#stats = message.stats ?? this.#stats;
        this.#pending.get(message.call)?.resolve(message.value);
        return;
      case "failure":
        this.#pending.get(message.call)?.reject(fromPlainError(message.error));
    }
  }

  #greeted(version: number, cpuFeatures: readonly string[]): void {
    this.#cpuFeatures = cpuFeatures;
    if (version === PROTOCOL_VERSION) this.#pending.get(HELLO)?.resolve(undefined);
    else
      this.#pending
        .get(HELLO)
        ?.reject(
          new MlcError(
            "ERR_RUNTIME_MISMATCH",
            `Expected an engine's host that speaks version ${PROTOCOL_VERSION} but received ${version}: build the package again, or install it anew.`,
          ),
        );
  }

  #accept(events: readonly NativeEvent[]): void {
    if (this.#end !== undefined) return;
    for (const { id, finish } of events) if (finish !== undefined) this.#open.delete(id);
    if (++this.#unacknowledged >= EVENTS_PER_ACKNOWLEDGEMENT) {
      this.#channel.post({ type: "acknowledge", batches: this.#unacknowledged });
      this.#unacknowledged = 0;
    }
    this.#keepAlive();
    this.#listener?.onEvents(events);
  }

  /** An answer that will come, or the error of the host's end. */
  #answerOf(call: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settled = (): void => {
        this.#pending.delete(call);
        this.#keepAlive();
      };
      this.#pending.set(call, {
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      this.#keepAlive();
    });
  }

  /** Nothing more will come: everything open ends with this error. */
  #finish(error: MlcError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    for (const { reject } of [...this.#pending.values()]) reject(error);
    const { code, message } = error;
    const events = [...this.#open].map(
      (id): NativeEvent => ({ id, tokens: [], finish: "error", error: { code, message } }),
    );
    this.#open.clear();
    if (events.length > 0) this.#listener?.onEvents(events);
    if (code === "ERR_ENGINE_CRASHED") this.#listener?.onCrash(error);
  }

  #keepAlive(): void {
    if (this.#closing === undefined) this.#channel.keepAlive(this.#pending.size > 0 || this.#open.size > 0);
  }
}

const noListener: ConnectionListener = { onEvents: () => {}, onProgress: () => {}, onCrash: () => {} };
