/** The host's side: one native engine, run as the messages of a client say. */
import { MlcError } from "../errors.js";
import type { NativeRuntime } from "../ffi/addon-runtime.js";
import type {
  NativeEngine,
  NativeEngineConfig,
  NativeEngineStats,
  NativeEvent,
} from "../ffi/native-engine.js";
import {
  type Call,
  EVENT_WINDOW,
  type FromHost,
  PROTOCOL_VERSION,
  type Tell,
  type ToHost,
  toPlainError,
} from "./protocol.js";

/** The way to the client. */
export interface ClientPort {
  post(message: FromHost): void;
  listen(onMessage: (message: ToHost) => void): void;
}

/** The native side; a test brings its own. */
export type HostRuntime = Pick<NativeRuntime, "cpuFeatures" | "devices" | "load">;

/** Counters go with the events, at most so often unless a request ends. */
const STATS_INTERVAL_MS = 100;

/** Serves one client until the thread or process ends. */
export class EngineHost {
  readonly #port: ClientPort;
  readonly #runtime: HostRuntime;
  #engine: NativeEngine | undefined;
  /** Events for which there is no room on the way. */
  #held: NativeEvent[] = [];
  #unacknowledged = 0;
  #statsAt = Number.NEGATIVE_INFINITY;

  constructor(port: ClientPort, runtime: HostRuntime) {
    this.#port = port;
    this.#runtime = runtime;
    port.listen((message) => this.#receive(message));
    port.post({ type: "hello", version: PROTOCOL_VERSION, cpuFeatures: runtime.cpuFeatures() });
  }

  #receive(message: ToHost): void {
    switch (message.type) {
      case "devices":
        void this.#answer(message.call, () => this.#runtime.devices?.(message.runtime) ?? []);
        return;
      case "load":
        void this.#answer(message.call, () => this.#load(message.config));
        return;
      case "submit":
        this.#submit(message.request);
        return;
      case "acknowledge":
        this.#unacknowledged -= message.batches;
        this.#send();
        return;
      case "tell":
        this.#tell(message);
        return;
      case "call":
        void this.#answer(message.call, () => this.#call(message));
    }
  }

  async #load(config: NativeEngineConfig): Promise<void> {
    this.#engine = await this.#runtime.load(
      config,
      (events) => this.#report(events),
      (done, total, phase) => this.#port.post({ type: "progress", done, total, phase }),
    );
  }

  /** What the native engine refuses ends the request as an event: the client has long gone on. */
  #submit(request: Parameters<NativeEngine["submit"]>[0]): void {
    try {
      this.#loaded().submit(request);
    } catch (error) {
      this.#report([{ id: request.id, tokens: [], finish: "error", error: toPlainError(error) }]);
    }
  }

  /** Nobody waits for an answer: an error here is a mistake of this package, and ends the host. */
  #tell({ method, args }: Tell): void {
    const engine = this.#loaded();
    if (!engine.disposed) Reflect.apply(engine[method], engine, args);
  }

  #call({ method, args }: Call): unknown {
    const engine = this.#loaded();
    return Reflect.apply(engine[method], engine, args);
  }

  async #answer(call: number, run: () => unknown): Promise<void> {
    try {
      const value = await run();
      this.#port.post({ type: "reply", call, value, stats: this.#stats() });
    } catch (error) {
      this.#port.post({ type: "failure", call, error: toPlainError(error) });
    }
  }

  #report(events: readonly NativeEvent[]): void {
    this.#held.push(...events);
    this.#send();
  }

  /** One message of all that is there, unless the client is behind: what it has not read does not pile up on the way. */
  #send(): void {
    if (this.#held.length === 0 || this.#unacknowledged >= EVENT_WINDOW) return;
    const events = this.#held;
    this.#held = [];
    this.#unacknowledged++;
    const due =
      performance.now() - this.#statsAt >= STATS_INTERVAL_MS ||
      events.some(({ finish }) => finish !== undefined);
    this.#port.post({ type: "events", events, stats: due ? this.#stats() : undefined });
  }

  #stats(): NativeEngineStats | undefined {
    if (this.#engine === undefined || this.#engine.disposed) return undefined;
    this.#statsAt = performance.now();
    return this.#engine.stats();
  }

  #loaded(): NativeEngine {
    if (this.#engine !== undefined) return this.#engine;
    throw new MlcError("ERR_NATIVE", "Expected a loaded engine in the host but none has been loaded.");
  }
}
