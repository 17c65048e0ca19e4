/** A native engine in another thread or process: the interface of the one in this process, and a way to begin again after a crash. */
import { MlcError } from "../errors.js";
import type {
  EvaluateOptions,
  NativeEngine,
  NativeEngineConfig,
  NativeEngineStats,
  NativeEvent,
  NativeGrammar,
  NativePooling,
  NativeRequest,
  NativeTrace,
} from "../ffi/native-engine.js";
import { type HostKind, startHost } from "./host-channel.js";
import { HostConnection } from "./host-connection.js";

/** Whom an isolated engine tells what happens. */
export interface IsolationListener {
  onEvents(events: NativeEvent[]): void;
  onProgress(done: number, total: number, phase: string): void;
  /** The host ended without being asked to; its requests have ended before, with this error. */
  onCrash(error: MlcError): void;
}

/** The engine of one host at a time. Stats are those of the last events. */
export class IsolatedEngine implements NativeEngine {
  readonly #kind: HostKind;
  readonly #config: NativeEngineConfig;
  readonly #listener: IsolationListener;
  #host: HostConnection;
  #stats: NativeEngineStats;
  #vocabulary: Parameters<NativeEngine["useVocabulary"]> | undefined;
  #restarting: Promise<void> | undefined;
  #disposing: Promise<void> | undefined;

  private constructor(
    kind: HostKind,
    config: NativeEngineConfig,
    listener: IsolationListener,
    host: HostConnection,
    stats: NativeEngineStats,
  ) {
    this.#kind = kind;
    this.#config = config;
    this.#listener = listener;
    this.#host = host;
    this.#stats = stats;
  }

  /** Loads a model in a host that is there; a host whose load fails ends. Errors: those of NativeEngine.load, ERR_ENGINE_CRASHED. */
  static async load(
    kind: HostKind,
    host: HostConnection,
    config: NativeEngineConfig,
    listener: IsolationListener,
  ): Promise<IsolatedEngine> {
    const stats = await loadInto(host, config, listener);
    return new IsolatedEngine(kind, config, listener, host, stats);
  }

  /** Why the host ended by itself, or why a restart failed; undefined while it runs. */
  get crash(): MlcError | undefined {
    return this.#disposing === undefined ? this.#host.end : undefined;
  }

  /** Of a process. */
  get pid(): number | undefined {
    return this.#host.pid;
  }

  /** Ends the host, and what runs there with ERR_ABORTED, and loads the model in a new one. Errors: those of `load`, ERR_DISPOSED. */
  restart(): Promise<void> {
    if (this.#disposing !== undefined) return Promise.reject(disposedError());
    this.#restarting ??= this.#restart().finally(() => {
      this.#restarting = undefined;
    });
    return this.#restarting;
  }

  async #restart(): Promise<void> {
    await this.#host.abandon(new MlcError("ERR_ABORTED", "The engine was restarted."));
    const host = await this.#successor().catch((error: unknown) => {
      if (error instanceof MlcError) this.#host.blame(error);
      throw error;
    });
    this.#host = host;
    if (this.#vocabulary !== undefined) host.tell("useVocabulary", ...this.#vocabulary);
  }

  async #successor(): Promise<HostConnection> {
    const host = await HostConnection.open(startHost(this.#kind));
    this.#stats = await loadInto(host, this.#config, this.#listener);
    return host;
  }

  submit(request: NativeRequest): void {
    this.#host.submit(request);
  }

  useVocabulary(bytes: Uint8Array, lengths: Int32Array, stopTokens: Int32Array): void {
    this.#vocabulary = [bytes, lengths, stopTokens];
    this.#host.tell("useVocabulary", bytes, lengths, stopTokens);
  }

  matchGrammar(grammar: NativeGrammar, texts: readonly Int32Array[]): Promise<Int32Array> {
    return this.#host.request("matchGrammar", grammar, texts);
  }

  abort(id: number): void {
    this.#host.tell("abort", id);
  }

  abortIfQueued(id: number): void {
    this.#host.tell("abortIfQueued", id);
  }

  replyLogits(id: number, logits: Float32Array): void {
    this.#host.tell("replyLogits", id, logits);
  }

  evaluate(rows: readonly Int32Array[], options: EvaluateOptions = {}): Promise<Float32Array> {
    return this.#host.request("evaluate", rows, options);
  }

  embed(id: number, texts: readonly Int32Array[], pooling: NativePooling): Promise<Float32Array> {
    return this.#host.request("embed", id, texts, pooling);
  }

  pin(id: number, tokens: Int32Array): Promise<number> {
    return this.#host.request("pin", id, tokens);
  }

  unpin(id: number): void {
    this.#host.tell("unpin", id);
  }

  readPrefix(tokens: Int32Array): Promise<Uint8Array> {
    return this.#host.request("readPrefix", tokens);
  }

  writePrefix(id: number, tokens: Int32Array, data: Uint8Array): Promise<number> {
    return this.#host.request("writePrefix", id, tokens, data);
  }

  score(tokens: Int32Array): Promise<Float32Array> {
    return this.#host.request("score", tokens);
  }

  stats(): NativeEngineStats {
    return this.#host.stats ?? this.#stats;
  }

  startTrace(limit: number): void {
    this.#host.tell("startTrace", limit);
  }

  stopTrace(): Promise<NativeTrace> {
    return this.#host.request("stopTrace");
  }

  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    // A host that is being loaded must not be left behind.
    await this.#restarting?.catch(() => undefined);
    await this.#host.close(disposedError());
  }

  get disposed(): boolean {
    return this.#disposing !== undefined;
  }
}

async function loadInto(
  host: HostConnection,
  config: NativeEngineConfig,
  listener: IsolationListener,
): Promise<NativeEngineStats> {
  try {
    await host.load(config, {
      onEvents: (events) => listener.onEvents([...events]),
      onProgress: (...news) => listener.onProgress(...news),
      onCrash: (error) => listener.onCrash(error),
    });
    if (host.stats !== undefined) return host.stats;
    throw new MlcError("ERR_NATIVE", "Expected the counters of a loaded engine but its host gave none.");
  } catch (error) {
    await host.close(disposedError());
    throw error;
  }
}

function disposedError(): MlcError {
  return new MlcError("ERR_DISPOSED", "The engine has been disposed of.");
}
