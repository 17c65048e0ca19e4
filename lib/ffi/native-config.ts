/** What a native engine is loaded with. */
import type { DeviceRuntime } from "./device-runtime.js";

/** A weight as it lies in a shard: little endian, C order, at a 64-byte-aligned offset. */
export interface NativeParameter {
  readonly name: string;
  /** Element type of the packed tensor, such as "float32", "float16", "uint8". */
  readonly dtype: string;
  /** Packed shape. */
  readonly shape: readonly number[];
  /** Index into NativeEngineConfig.shards. */
  readonly shard: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Everything the engine needs to know; TypeScript reads it from the package's manifest. */
export interface NativeEngineConfig {
  /** Path of the compiled library. */
  readonly library: string;
  /** The device that its kernels are for, whose runtime is loaded. Default: the CPU. */
  readonly device?: { readonly type: DeviceRuntime; readonly index: number };
  readonly shards: readonly { readonly path: string; readonly bytes: number }[];
  /** In the order in which the compiled functions take them. */
  readonly params: readonly NativeParameter[];
  readonly vocabSize: number;
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly kvDtype: "float32" | "float16" | "int8";
  /** Tokens of one KV page. */
  readonly pageSize: number;
  /** Pages of the KV pool; address space only until they are used. */
  readonly pages: number;
  /** Most tokens (prompt and answer) of one request. */
  readonly contextLength: number;
  /** Most requests in one step. */
  readonly maxBatch: number;
  /** Most token rows in one step. */
  readonly prefillChunk: number;
  /** The library has `embed` and `encode` only: embed() works, texts go through whole; nothing generates. Default false. */
  readonly encoder?: boolean;
  /** Of an encoder: `encode` gives so many logits for a row in place of the row. Absent: it gives the row. */
  readonly labels?: number;
  /** Most rows of prompts in a step that also generates; default prefillChunk. */
  readonly mixedPrefill?: number;
  /** Threads that compute, at least 1; more than there are processors are not used. Default: one for each physical core,
   * no more than the process's CPU quota. */
  readonly threads?: number | undefined;
  /** Requests share the KV pages of a common prefix, also with those that have ended. Default true. */
  readonly prefixCache?: boolean;
  /** Most pages kept for prefixes that no request uses at the moment. Default: all of the pool. */
  readonly cachedPages?: number;
  /** Drafts the tokens that follow, so that one step may give several; the tokens stay the same. */
  readonly speculation?: NativeSpeculation;
  /** Pins the weights in memory; the operating system's limit may refuse it (ERR_INSUFFICIENT_MEMORY). */
  readonly lockMemory?: boolean;
}

export interface NativeSpeculation {
  /** Longest draft, 1 to 64. */
  readonly draftTokens: number;
  /** The model that drafts, with the same vocabulary; absent: n-grams of the text itself. */
  readonly model?:
    | Omit<NativeEngineConfig, "threads" | "prefixCache" | "cachedPages" | "speculation">
    | undefined;
}
