import { MlcError } from "../errors.js";
import { KV_DTYPES, type KvDtype } from "../package/kv-format.js";
import type { Activations } from "./nn/decoder-spec.js";

/** What `compile` may be told. Every field has a default. */
export interface CompileOptions {
  /** Folder of the package; default `<source name>-<quantization>` in the working directory. Replaced if it is a package. */
  readonly output?: string;
  /** Weight scheme: "keep" (a GGUF's own formats, default for such a source) or one of the schemes of docs/quantization.md. */
  readonly quantization?: string;
  /**
   * How activations enter matrix products with quantised weights: "int8" (the default; dynamically rounded by groups of
   * 32, fast) or "float32" (exact, slow). With "int8" bf16 weights meet activations in bfloat16 on targets with AVX512_BF16; other
   * weights in plain floating point are always multiplied in float32.
   */
  readonly activations?: Activations;
  /**
   * Element type of the KV cache: "float32", "float16" (the default of most schemes) or "int8", which takes about half of the memory
   * of "float16" (docs/quantization.md has what it costs).
   */
  readonly kvCache?: KvDtype;
  /**
   * Processors to compile for, one library each over the same weights; the engine takes the best one that runs. A list, or a text
   * with commas, of "cpu" (this machine, the default), "cpu:portable" (levels for any machine of this architecture) and
   * "cpu:CPU[+EXTENSION...][@TRIPLE]" with LLVM names.
   */
  readonly target?: string | readonly string[];
  /**
   * Measures the kernels' blocking on this machine, for so many seconds, and keeps it in the package and in a record file for later
   * compiles. Needs the target "cpu". Absent: records are used where there are any. 0: not even those, only defaults.
   */
  readonly tune?: number | TuneOptions;
  /** Longest context to serve, tokens; default the model's, at most 8192. */
  readonly contextLength?: number;
  /** Most sequences in one decode step; default 16. */
  readonly maxBatch?: number;
  /** Most rows in one prefill step, tokens; default 128 to 512, by the model's width and this machine's cache. */
  readonly prefillChunk?: number;
  /** Folder for TVMScript text after each phase. */
  readonly debugDump?: string;
  /** Ends the compilation; nothing is left behind. */
  readonly signal?: AbortSignal;
  /** Called while the model is compiled. */
  readonly onProgress?: (event: CompileProgress) => void;
}

/** How to tune. */
export interface TuneOptions {
  /** Default 60. */
  readonly seconds?: number;
  /** Threads that the package will run on; default one for each physical core, as the engine's. */
  readonly threads?: number;
}

/** One step of progress: `done` of `total` units of a phase, 0 of 0 where a phase has no measure. */
export interface CompileProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly note?: string;
}

/** The limits a package is compiled for. */
export interface CompileLimits {
  /** Tokens of one sequence. */
  readonly contextLength: number;
  /** Sequences of one decode step. */
  readonly maxBatch: number;
  /** Rows of one prefill step. */
  readonly prefillChunk: number;
}

/** What is wanted of tuning. */
export interface TuneRequest {
  /** Undefined: only records; 0: nor those. */
  readonly seconds: number | undefined;
  readonly threads: number | undefined;
}

/** Options as the compile process receives them: plain data. */
export interface CompileRequest {
  readonly source: string;
  /** Absolute path of the package folder, or the working directory to name one in. */
  readonly output: string | undefined;
  readonly quantization: string | undefined;
  readonly activations: Activations;
  /** Undefined: the scheme's. */
  readonly kvCache: KvDtype | undefined;
  /** At least one. */
  readonly targets: readonly string[];
  readonly tune: TuneRequest;
  readonly limits: Partial<CompileLimits>;
  readonly debugDump: string | undefined;
}

const DEFAULT_CONTEXT_LENGTH = 8192;
const DEFAULT_MAX_BATCH = 16;

/** Seconds of tuning where no number is given. A later one goes on where they were too few. */
export const DEFAULT_TUNE_SECONDS = 60;
const MOST_TUNE_SECONDS = 24 * 3600;
const MOST_THREADS = 1024;

const ACTIVATIONS: readonly Activations[] = ["int8", "float32"];

const NAMES = new Set([
  "output",
  "quantization",
  "activations",
  "kvCache",
  "target",
  "tune",
  "contextLength",
  "maxBatch",
  "prefillChunk",
  "debugDump",
  "signal",
  "onProgress",
]);

/**
 * Checks the caller's options.
 * @throws MlcError ERR_INVALID_ARGUMENT for a wrong value or an unknown name.
 */
export function compileRequest(source: string, options: CompileOptions): CompileRequest {
  if (typeof source !== "string" || source === "")
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected the path of a Hugging Face folder or a .gguf file but received ${JSON.stringify(source)}.`,
    );
  for (const name of Object.keys(options))
    if (!NAMES.has(name))
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        `Expected one of the compile options ${[...NAMES].join(", ")} but received "${name}".`,
      );
  return {
    source,
    output: text(options, "output"),
    quantization: text(options, "quantization"),
    activations: choice("activations", ACTIVATIONS, options.activations ?? "int8"),
    kvCache: options.kvCache === undefined ? undefined : choice("kvCache", KV_DTYPES, options.kvCache),
    targets: targets(options.target),
    tune: tune(options.tune),
    limits: {
      ...count(options, "contextLength", 1 << 22),
      ...count(options, "maxBatch", 1024),
      ...count(options, "prefillChunk", 1 << 16),
    },
    debugDump: text(options, "debugDump"),
  };
}

/**
 * The limits for a model of `modelContext` tokens.
 * @param prefillChunk the default chunk (prefill-chunk.ts).
 * @throws MlcError ERR_INVALID_ARGUMENT for a context longer than the model's.
 */
export function resolveLimits(
  requested: Partial<CompileLimits>,
  modelContext: number,
  prefillChunk: number,
): CompileLimits {
  const contextLength = requested.contextLength ?? Math.min(modelContext, DEFAULT_CONTEXT_LENGTH);
  if (contextLength > modelContext)
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected contextLength of at most ${modelContext} tokens (the model's) but received ${contextLength}.`,
      { details: { contextLength, modelContext } },
    );
  const maxBatch = requested.maxBatch ?? DEFAULT_MAX_BATCH;
  return {
    contextLength,
    maxBatch,
    // A step may hold one row of each sequence even where prompts are fed in smaller pieces.
    prefillChunk: Math.max(requested.prefillChunk ?? Math.min(prefillChunk, contextLength), maxBatch),
  };
}

function targets(value: unknown = "cpu"): string[] {
  const names = (Array.isArray(value) ? value : [value]).flatMap((name: unknown) =>
    typeof name === "string" ? name.split(",").map((part) => part.trim()) : [""],
  );
  if (names.length > 0 && names.every((name) => name !== "")) return names;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected the name of a target or a list of names for target but received ${JSON.stringify(value)}.`,
  );
}

function tune(value: CompileOptions["tune"]): TuneRequest {
  if (value === undefined) return { seconds: undefined, threads: undefined };
  const options: unknown = typeof value === "number" ? { seconds: value } : value;
  const {
    seconds = DEFAULT_TUNE_SECONDS,
    threads,
    ...others
  } = isRecord(options) ? options : { others: true };
  if (
    typeof seconds === "number" &&
    seconds >= 0 &&
    seconds <= MOST_TUNE_SECONDS &&
    (threads === undefined || isCount(threads, MOST_THREADS)) &&
    Object.keys(others).length === 0
  )
    return { seconds, threads };
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected seconds from 0 to ${MOST_TUNE_SECONDS} for tune, or { seconds?, threads? }, but received ${JSON.stringify(value)}.`,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown, most: number): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
}

function choice<Value extends string>(option: string, values: readonly Value[], value: Value): Value {
  if (values.includes(value)) return value;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected ${values.map((name) => `"${name}"`).join(" or ")} for ${option} but received ${JSON.stringify(value)}.`,
  );
}

function text(options: CompileOptions, name: keyof CompileOptions): string | undefined {
  const value = options[name];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "")
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a non-empty string for ${name} but received ${JSON.stringify(value)}.`,
    );
  return value;
}

function count(
  options: CompileOptions,
  name: keyof CompileLimits,
  most: number,
): Partial<Record<keyof CompileLimits, number>> {
  const value = options[name];
  if (value === undefined) return {};
  if (!isCount(value, most))
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected an integer between 1 and ${most} for ${name} but received ${JSON.stringify(value)}.`,
    );
  return { [name]: value };
}
