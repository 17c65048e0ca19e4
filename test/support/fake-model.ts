// A model without mathematics (test/cpp/fake_model): the native engine's tests need no compiler and know every answer.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  NativeEngine,
  type NativeEngineConfig,
  type NativeEvent,
  type NativeRequest,
} from "../../lib/ffi/index.js";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const library = path.join(root, "build", "Release", "node_mlc_fake_model.so");
const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-fake-"));
let shards = 0;

process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** A folder for files of this test run. */
export function scratch(name: string): string {
  return path.join(folder, name);
}

export interface FakeModelOptions {
  vocabSize?: number;
  /** Time of a step in milliseconds. */
  stepMs?: number;
  /** A step that reads this token fails. */
  failingToken?: number;
  /** Logits after this token are NaN. */
  nanToken?: number;
  /** Bytes of a second parameter that nothing reads. */
  padding?: number;
}

/** The configuration of a fake model; `change` overrides parts of it. */
export function fakeModel(
  options: FakeModelOptions = {},
  change: Partial<NativeEngineConfig> = {},
): NativeEngineConfig {
  const vocabSize = options.vocabSize ?? 50;
  const padding = options.padding ?? 0;
  const settings = [vocabSize, 10, options.stepMs ?? 0, options.failingToken ?? -1, options.nanToken ?? -1];
  const data = new Uint8Array(64 + padding);
  new Float32Array(data.buffer, 0, settings.length).set(settings);
  const file = scratch(`weights-${shards++}.bin`);
  writeFileSync(file, data);
  const params = [{ name: "settings", dtype: "float32", shape: [8], shard: 0, offset: 0, bytes: 32 }];
  if (padding > 0)
    params.push({ name: "padding", dtype: "uint8", shape: [padding], shard: 0, offset: 64, bytes: padding });
  return {
    library,
    shards: [{ path: file, bytes: data.length }],
    params,
    vocabSize,
    layers: 1,
    kvHeads: 1,
    headDim: 1,
    kvDtype: "float32",
    pageSize: 16,
    pages: 64,
    contextLength: 256,
    maxBatch: 4,
    prefillChunk: 32,
    threads: 2,
    ...change,
  };
}

/** What the fake model says greedily after `prompt`. */
export function fakeAnswer(prompt: readonly number[], count: number, vocabSize = 50): number[] {
  const tokens = [...prompt];
  while (tokens.length < prompt.length + count) {
    let hash = 17;
    for (const token of tokens) {
      hash = Math.imul(Math.imul(hash, 31) + token + 1, 2654435761);
      hash = (hash ^ (hash >>> 15)) >>> 0;
    }
    tokens.push(hash % vocabSize);
  }
  return tokens.slice(prompt.length);
}

/** A prompt that depends on `seed`. */
export function fakePrompt(length: number, seed = 1): number[] {
  return Array.from({ length }, (_, i) => (i * 7 + seed * 13 + ((i * seed) % 5)) % 50);
}

/** A greedy request; `change` overrides parts of it. */
export function fakeRequest(
  id: number,
  tokens: readonly number[],
  change: Partial<NativeRequest> = {},
): NativeRequest {
  return {
    id,
    tokens: Int32Array.from(tokens),
    maxTokens: 8,
    stopTokens: new Int32Array(),
    temperature: 0,
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
    seed: 0n,
    ...change,
  };
}

/** What became of one request. */
export interface Outcome {
  readonly tokens: number[];
  readonly logprobs: NonNullable<NativeEvent["logprobs"]>[number][];
  readonly last: NativeEvent;
}

type Requests = Map<number, { events: NativeEvent[]; done?: (outcome: Outcome) => void }>;

/** An engine and the events of its requests. */
export class RunningEngine {
  readonly engine: NativeEngine;
  /** Calls of onEvents. */
  calls = 0;
  readonly #requests: Requests;

  private constructor(engine: NativeEngine, requests: Requests) {
    this.engine = engine;
    this.#requests = requests;
  }

  static async load(config: NativeEngineConfig): Promise<RunningEngine> {
    const requests: Requests = new Map();
    let running: RunningEngine | undefined;
    const engine = await NativeEngine.load(config, (events) => {
      if (running !== undefined) running.calls++;
      for (const event of events) {
        const request = requests.get(event.id) ?? { events: [] };
        request.events.push(event);
        requests.set(event.id, request);
        if (event.finish !== undefined) request.done?.(outcome(request.events, event));
      }
    });
    running = new RunningEngine(engine, requests);
    return running;
  }

  /** Submits a request; resolves with its outcome. */
  run(request: NativeRequest): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#requests.set(request.id, { events: [], done: resolve });
      this.engine.submit(request);
    });
  }

  /** Resolves when the request has at least this many tokens. */
  async tokens(id: number, count: number): Promise<void> {
    while ((this.#requests.get(id)?.events.flatMap((event) => event.tokens).length ?? 0) < count)
      await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function outcome(events: readonly NativeEvent[], last: NativeEvent): Outcome {
  return {
    tokens: events.flatMap((event) => [...event.tokens]),
    logprobs: events.flatMap((event) => [...(event.logprobs ?? [])]),
    last,
  };
}
