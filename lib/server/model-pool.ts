/**
 * The models of a server: loaded when they are asked for, under one memory budget, and given up when nobody has used them for a
 * while.
 */
import { Engine } from "../engine/engine.js";
import type { EngineOptions } from "../engine/engine-config.js";
import { MlcError } from "../errors.js";
import type { Manifest } from "../package/manifest.js";
import { ModelPackage } from "../package/model-package.js";

/** A model to serve: a package that the server loads, or an engine that is there already and stays its owner's. */
export interface ServedModel {
  /** What requests call it; default: the name in its manifest. */
  readonly name?: string | undefined;
  /** Folder of the compiled package. */
  readonly package?: string | undefined;
  /** How to load the package; the memory budget is the pool's. */
  readonly options?: Omit<EngineOptions, "memoryBudget" | "signal"> | undefined;
  readonly engine?: Engine | undefined;
}

/** Settings of a pool. */
export interface ModelPoolOptions {
  /** Bytes that all loaded models may use together; default: what each may use alone. */
  readonly memoryBudget?: number | undefined;
  /** A model that has not been used for so many milliseconds is unloaded; default: never. */
  readonly idleUnloadMs?: number | undefined;
}

/** What a pool says of a model. */
export interface ModelStatus {
  readonly name: string;
  readonly state: "unloaded" | "loading" | "ready";
  /** Requests that use it. */
  readonly active: number;
  /** Bytes of its memory plan while it is loaded. */
  readonly bytes: number;
  readonly manifest: Manifest;
  /** When it was packaged or handed over, in seconds since 1970. */
  readonly created: number;
  /** When it will be unloaded if nobody uses it, in ms since 1970. */
  readonly expiresAt: number | undefined;
}

/** A model in use: it is not unloaded until `release`, which may be called again without effect. */
export interface ModelLease {
  readonly name: string;
  readonly engine: Engine;
  /** Gives the model back. */
  release(): void;
}

interface Entry {
  readonly name: string;
  readonly model: ServedModel;
  readonly manifest: Manifest;
  readonly created: number;
  engine: Engine | undefined;
  loading: Promise<Engine> | undefined;
  active: number;
  lastUsed: number;
  /** Undefined: the pool's. */
  idleMs: number | undefined;
  expiresAt: number | undefined;
  timer: NodeJS.Timeout | undefined;
  /** When the engine was loaded again after crashes, in milliseconds since 1970. */
  restarts: number[];
}

/** An engine that keeps crashing is not loaded again for a while. */
const MOST_RESTARTS = 3;
const RESTARTS_MS = 60_000;

/** The longest delay of a timer in Node. */
const LONGEST_MS = 2 ** 31 - 1;

/** Models by name. */
export class ModelPool {
  readonly #entries = new Map<string, Entry>();
  readonly #options: ModelPoolOptions;
  /** Loads come one after another: each sees what memory the ones before took. */
  #turn: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(options: ModelPoolOptions) {
    this.#options = options;
  }

  /**
   * Opens the packages without loading them.
   * Errors: those of ModelPackage.open, ERR_INVALID_ARGUMENT for two models of one name and for none.
   */
  static async open(models: readonly ServedModel[], options: ModelPoolOptions = {}): Promise<ModelPool> {
    const pool = new ModelPool(options);
    for (const model of models) pool.#add(model, await manifestOf(model));
    if (pool.#entries.size === 0)
      throw new MlcError("ERR_INVALID_ARGUMENT", "Expected at least one model to serve but received none.");
    return pool;
  }

  /** What is known of the models, in the order they were given. */
  status(): ModelStatus[] {
    return [...this.#entries.values()].map((entry) => statusOf(entry));
  }

  /** The engines that are loaded, by name. */
  loaded(): ReadonlyMap<string, Engine> {
    const engines = new Map<string, Engine>();
    for (const { name, engine } of this.#entries.values())
      if (engine !== undefined) engines.set(name, engine);
    return engines;
  }

  /** One model; of `undefined` the only one. Errors: ERR_MODEL_NOT_FOUND. */
  find(name: string | undefined): ModelStatus {
    return statusOf(this.#entry(name));
  }

  /**
   * A model to use, loaded first where it is not.
   * Errors: ERR_MODEL_NOT_FOUND, those of Engine.load (ERR_INSUFFICIENT_MEMORY where all other models are in use).
   */
  async lease(name: string | undefined): Promise<ModelLease> {
    const entry = this.#entry(name);
    // Counted from now on: not unloaded again while it loads.
    entry.active++;
    clearTimeout(entry.timer);
    entry.expiresAt = undefined;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      entry.active--;
      this.#rest(entry);
    };
    try {
      return { name: entry.name, engine: await this.#load(entry), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Loads a model. Errors: as lease. */
  async load(name: string | undefined): Promise<void> {
    (await this.lease(name)).release();
  }

  /** Unloads a model: its requests end with ERR_DISPOSED. Errors: ERR_MODEL_NOT_FOUND, ERR_INVALID_ARGUMENT for an engine that was handed over. */
  async unload(name: string | undefined): Promise<void> {
    const entry = this.#entry(name);
    if (entry.model.engine !== undefined)
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        `Expected a model that the server loaded but ${entry.name} is an engine of the program: dispose of it there.`,
      );
    await entry.loading?.catch(() => undefined);
    await this.#drop(entry);
  }

  /** How long this model stays loaded without a request, from its next rest on; Infinity: for ever. */
  keepAlive(name: string | undefined, idleMs: number): void {
    const entry = this.#entry(name);
    entry.idleMs = idleMs;
    this.#rest(entry);
  }

  /** Gives all memory back; engines that were handed over stay. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    for (const entry of this.#entries.values()) clearTimeout(entry.timer);
    await this.#turn.catch(() => undefined);
    const own = [...this.#entries.values()].filter(({ model }) => model.engine === undefined);
    await Promise.all(own.map((entry) => this.#drop(entry)));
  }

  #add(model: ServedModel, { manifest, created }: { manifest: Manifest; created: number }): void {
    const name = model.name ?? manifest.model.name;
    if (this.#entries.has(name))
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        `Expected models of different names but received two called ${name}: name one of them (NAME=FOLDER).`,
      );
    const state = {
      loading: undefined,
      active: 0,
      lastUsed: 0,
      idleMs: undefined,
      expiresAt: undefined,
      timer: undefined,
      restarts: [],
    };
    this.#entries.set(name, { name, model, manifest, created, engine: model.engine, ...state });
  }

  #entry(name: string | undefined): Entry {
    const [only] = this.#entries.values();
    const entry = name === undefined && this.#entries.size === 1 ? only : this.#entries.get(name ?? "");
    if (entry !== undefined) return entry;
    const known = [...this.#entries.keys()].join(", ");
    throw new MlcError(
      "ERR_MODEL_NOT_FOUND",
      `Expected one of the models ${known} but received ${name === undefined ? "no model" : JSON.stringify(name)}.`,
      { details: { field: "model" } },
    );
  }

  #load(entry: Entry): Promise<Engine> {
    if (this.#disposed)
      return Promise.reject(new MlcError("ERR_DISPOSED", "Expected a server in use but it has been closed."));
    if (entry.engine !== undefined && entry.engine.crash === undefined) return Promise.resolve(entry.engine);
    if (entry.loading !== undefined) return entry.loading;
    const loading = this.#turn.catch(() => undefined).then(() => this.#loadNow(entry));
    this.#turn = loading;
    entry.loading = loading;
    const forget = (): void => {
      entry.loading = undefined;
    };
    loading.then(forget, forget);
    return loading;
  }

  async #loadNow(entry: Entry): Promise<Engine> {
    if (entry.engine !== undefined) return await restarted(entry, entry.engine);
    for (;;) {
      try {
        entry.engine = await Engine.load(entry.model.package ?? "", {
          ...entry.model.options,
          ...this.#budgetLeft(),
        });
        return entry.engine;
      } catch (error) {
        const given = error instanceof MlcError && error.code === "ERR_INSUFFICIENT_MEMORY";
        if (!given || !(await this.#dropOldest())) throw error;
      }
    }
  }

  #budgetLeft(): Pick<EngineOptions, "memoryBudget"> {
    const { memoryBudget } = this.#options;
    if (memoryBudget === undefined) return {};
    const taken = this.status().reduce((sum, { bytes }) => sum + bytes, 0);
    // At least a byte: the load then fails with the numbers.
    return { memoryBudget: Math.max(1, memoryBudget - taken) };
  }

  /** Unloads the model that has been idle longest; false where all are in use. */
  async #dropOldest(): Promise<boolean> {
    const idle = [...this.#entries.values()]
      .filter(
        ({ engine, active, model }) => engine !== undefined && active === 0 && model.engine === undefined,
      )
      .sort((a, b) => a.lastUsed - b.lastUsed);
    if (idle[0] === undefined) return false;
    await this.#drop(idle[0]);
    return true;
  }

  async #drop(entry: Entry): Promise<void> {
    clearTimeout(entry.timer);
    entry.expiresAt = undefined;
    const { engine } = entry;
    entry.engine = undefined;
    await engine?.dispose();
  }

  /** Nobody uses the model: from now on it is unloaded after a while. */
  #rest(entry: Entry): void {
    if (entry.active > 0) return;
    clearTimeout(entry.timer);
    entry.lastUsed = Date.now();
    entry.expiresAt = undefined;
    const idleMs = entry.idleMs ?? this.#options.idleUnloadMs ?? Number.POSITIVE_INFINITY;
    if (idleMs > LONGEST_MS || entry.model.engine !== undefined || entry.engine === undefined) return;
    entry.expiresAt = Date.now() + idleMs;
    entry.timer = setTimeout(() => this.#drop(entry), idleMs);
    entry.timer.unref();
  }
}

/** An isolated engine that crashed, loaded again; not without end. Errors: ERR_UNAVAILABLE, those of Engine.restart. */
async function restarted(entry: Entry, engine: Engine): Promise<Engine> {
  const now = Date.now();
  entry.restarts = entry.restarts.filter((at) => now - at < RESTARTS_MS);
  if (entry.restarts.length >= MOST_RESTARTS)
    throw new MlcError(
      "ERR_UNAVAILABLE",
      `Expected ${entry.name} to run but its engine crashed again after ${MOST_RESTARTS} restarts within a minute: ${engine.crash?.message}`,
    );
  entry.restarts.push(now);
  await engine.restart();
  return engine;
}

function statusOf({ name, manifest, created, engine, loading, active, expiresAt }: Entry): ModelStatus {
  const state = engine !== undefined ? "ready" : loading !== undefined ? "loading" : "unloaded";
  return { name, state, active, bytes: engine?.plan().total ?? 0, manifest, created, expiresAt };
}

async function manifestOf(model: ServedModel): Promise<{ manifest: Manifest; created: number }> {
  const created = Math.floor(Date.now() / 1000);
  if (model.engine !== undefined) return { manifest: model.engine.manifest, created };
  if (model.package === undefined)
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      "Expected a model with a package or an engine but received neither.",
    );
  const { manifest } = await ModelPackage.open(model.package);
  return { manifest, created };
}
