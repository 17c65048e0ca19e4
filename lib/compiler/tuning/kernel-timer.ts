/**
 * Times the variants of one linear kernel on this machine, on the threads of `useThreads`. Weights are random bytes in so many copies
 * that each call reads its weights from where a step of the model would: from memory, unless the whole model fits into the cache.
 */
import { randomFillSync } from "node:crypto";
import { type FfiFunction, Tensor } from "../../ffi/index.js";
import { buildPrimFuncs } from "../codegen/build.js";
import type { Target } from "../codegen/target.js";
import type { Buffer } from "../ir/buffer.js";
import {
  activationShape,
  type LinearBuffers,
  type LinearOptions,
  type LinearTuning,
  linear,
  linearBuffers,
  linearParameters,
} from "../kernels/index.js";
import { packedBytes, packedDtype, packedShape } from "../quantization/format.js";
import { median } from "./comparison.js";
import { tuningKey, type VariantTimer } from "./search.js";
import type { Workload } from "./search-space.js";

export interface TimerOptions {
  readonly kernel: LinearOptions;
  readonly target: Target;
  /** Rows of a prompt's step. */
  readonly prefillChunk: number;
  /** Bytes of weights that a step walks through before it comes back to this kernel's, as far as caches can tell. */
  readonly residentBytes: number;
}

/** Rows of a batch: the streams that a small server has. */
const BATCH_TOKENS = 8;
/** Row counts around which the two ways of a product take turns. */
const BETWEEN_TOKENS = [6, 12];
/** Multiply-adds of a prompt's call: more would only take longer. The rows still fill the caches more than once. */
const MOST_PROMPT_WORK = 1e10;
const LEAST_PROMPT_TOKENS = 64;
/** More rows than any tile. */
const LARGEST_TILE = 16;
/** A sample is the median of the calls of so much time: what disturbs a few of them does not show. */
const SAMPLE_MS = 0.5;
const LEAST_CALLS = 5;
const MOST_CALLS = 64;
/** A call that is long enough to be a sample alone. */
const LONG_MS = 4;
const MOST_COPIES = 512;

/** The way through a kernel for any number of tokens that a workload takes whatever the tuning: the other one takes time to compile. */
const WAYS: Readonly<Partial<Record<Workload, "few" | "many">>> = { batch: "few", prompt: "many" };

/** Equal where the code is. */
function variantKey(tuning: LinearTuning, workload: Workload): string {
  return `${WAYS[workload]} ${tuningKey(tuning)}`;
}

/** Rows of the calls of a workload. */
export function workloadTokens(workload: Workload, kernel: LinearOptions, prefillChunk: number): number[] {
  if (workload === "one") return [1];
  if (workload === "batch") return [BATCH_TOKENS];
  if (workload === "between") return BETWEEN_TOKENS;
  const rows = kernel.segments.reduce((sum, segment) => sum + segment.rows, 0);
  const most = Math.max(LEAST_PROMPT_TOKENS, Math.floor(MOST_PROMPT_WORK / (rows * kernel.columns)));
  return [Math.max(LARGEST_TILE, Math.min(prefillChunk, most))];
}

export class KernelTimer implements VariantTimer {
  readonly #options: TimerOptions;
  readonly #buffers: LinearBuffers;
  readonly #variants = new Map<string, FfiFunction>();
  readonly #arguments = new Map<number, Arguments>();
  #weights: readonly (readonly Tensor[])[] | undefined;
  #turn = 0;

  constructor(options: TimerOptions) {
    this.#options = options;
    this.#buffers = linearBuffers(options.kernel);
  }

  now(): number {
    return performance.now();
  }

  prepare(tuning: LinearTuning, workload: Workload): void {
    const key = variantKey(tuning, workload);
    if (this.#variants.has(key)) return;
    const { kernel, target } = this.#options;
    const only = WAYS[workload];
    const options = { ...kernel, tuning, ...(only === undefined ? {} : { only }) };
    this.#variants.set(key, buildPrimFuncs({ kernel: linear(options) }, target).getFunction("kernel"));
  }

  time(tuning: LinearTuning, workload: Workload): number {
    const call = this.#variants.get(variantKey(tuning, workload));
    if (call === undefined) throw new RangeError("a variant that is not ready");
    const { kernel, prefillChunk } = this.#options;
    return workloadTokens(workload, kernel, prefillChunk).reduce(
      (sum, tokens) => sum + this.#sample(call, tokens),
      0,
    );
  }

  /** Lets go of the tensors; the next call makes others. */
  release(): void {
    for (const tensor of [...this.#arguments.values()].flatMap(({ all }) => [...all])) tensor.dispose();
    for (const tensor of this.#weights?.flat() ?? []) tensor.dispose();
    this.#arguments.clear();
    this.#weights = undefined;
  }

  #sample(call: FfiFunction, tokens: number): number {
    const args = this.#argumentsOf(tokens);
    // The first call wakes the threads; in a long one that is nothing.
    if (args.calls !== 1) this.#callMilliseconds(call, args);
    // All variants keep to the number of the first one.
    args.calls ??= sampleCalls(this.#callMilliseconds(call, args));
    return median(Array.from({ length: args.calls }, () => this.#callMilliseconds(call, args)));
  }

  #callMilliseconds(call: FfiFunction, { of }: Arguments): number {
    const given = of(this.#turn++);
    const begin = performance.now();
    call.call(...given);
    return performance.now() - begin;
  }

  #argumentsOf(tokens: number): Arguments {
    let made = this.#arguments.get(tokens);
    if (made === undefined) {
      this.#weights ??= weightCopies(this.#options);
      made = makeArguments(this.#options.kernel, this.#buffers, tokens, this.#weights);
      this.#arguments.set(tokens, made);
    }
    return made;
  }
}

function sampleCalls(callMs: number): number {
  if (callMs >= LONG_MS) return 1;
  return Math.min(MOST_CALLS, Math.max(LEAST_CALLS, Math.ceil(SAMPLE_MS / callMs)));
}

/** What a call of some rows is given. */
interface Arguments {
  /** The parameters in order, with the weights of one copy after the other. */
  readonly of: (turn: number) => readonly Tensor[];
  /** All tensors but the weights. */
  readonly all: readonly Tensor[];
  /** Calls of one sample, once it is known. */
  calls?: number;
}

function makeArguments(
  { columns }: LinearOptions,
  buffers: LinearBuffers,
  tokens: number,
  weights: readonly (readonly Tensor[])[],
): Arguments {
  const { x, norm, segments, residual, output, outputs } = buffers;
  const rows = (buffer: Buffer, width: number) =>
    activations(buffer.dtype === "int32" ? activationShape(tokens, width) : [tokens, width], buffer.dtype);
  const tensors = new Map<Buffer, Tensor>([[x, rows(x, columns)]]);
  if (norm !== undefined) tensors.set(norm, activations([columns], "float32"));
  for (const { bias, rows: length } of segments)
    if (bias !== undefined) tensors.set(bias, activations([length], "float32"));
  if (residual !== undefined) tensors.set(residual, rows(residual, outputs));
  tensors.set(output, rows(output, outputs));
  const weightIndex = new Map(segments.map(({ weight }, index) => [weight, index]));
  const parameters = linearParameters(buffers);
  const lists = weights.map((copy) =>
    parameters.map((buffer) => {
      const tensor = tensors.get(buffer) ?? copy[weightIndex.get(buffer) ?? -1];
      if (tensor === undefined) throw new RangeError(`no tensor for ${buffer.name}`);
      return tensor;
    }),
  );
  return { of: (turn) => lists[turn % lists.length] ?? [], all: [...tensors.values()] };
}

/** Copies of a kernel's weights that together fill `residentBytes`; at least one. */
function weightCopies({ kernel, residentBytes }: TimerOptions): Tensor[][] {
  const { segments, columns } = kernel;
  const bytes = segments.reduce((sum, { format, rows }) => sum + packedBytes(format, rows, columns), 0);
  const count = Math.min(MOST_COPIES, Math.max(1, Math.ceil(residentBytes / bytes)));
  return Array.from({ length: count }, () =>
    segments.map(({ format, rows }) =>
      randomTensor(packedShape(format, rows, columns), packedDtype(format), WEIGHT_BITS),
    ),
  );
}

/**
 * Bits of a random byte that are kept, and set: whatever number its bytes make, its product with any other here is finite and not so
 * small that processors take a slow way.
 */
interface ByteBits {
  readonly keep: number;
  readonly set: number;
}

const WEIGHT_BITS: ByteBits = { keep: 0x3b, set: 0x08 };
const ACTIVATION_BITS: ByteBits = { keep: 0x3b, set: 0x38 };

function activations(shape: readonly number[], dtype: string): Tensor {
  return randomTensor(shape, dtype, ACTIVATION_BITS);
}

/** Bytes of randomness, used over and over: about what no cache line nearby repeats. */
const PATTERN_BYTES = 1 << 16;

function randomTensor(shape: readonly number[], dtype: string, { keep, set }: ByteBits): Tensor {
  const tensor = Tensor.empty([...shape], dtype);
  const bytes = tensor.bytes();
  const pattern = randomFillSync(new Uint8Array(PATTERN_BYTES)).map((byte) => (byte & keep) | set);
  for (let at = 0; at < bytes.length; at += PATTERN_BYTES)
    bytes.set(pattern.subarray(0, Math.min(PATTERN_BYTES, bytes.length - at)), at);
  return tensor;
}
