/** Steps of one attention layer over random rows, by the kernel and by the reference beside it. */
import { type AttentionOptions, pagedAttention } from "../../lib/compiler/kernels/index.js";
import { type FfiArgument, type FfiObject, Tensor } from "../../lib/ffi/index.js";
import { kvRecordSize } from "../../lib/package/kv-format.js";
import { float32, int32, Kernel } from "./kernel-library.js";
import type { Random } from "./random.js";
import { ReferenceAttention, ropeRow } from "./reference/attention.js";

const PAGE_SIZE = 16;

export type LayerOptions = Omit<AttentionOptions, "form" | "layers" | "qkNorm"> & {
  readonly qkNorm?: boolean;
};

const EPSILON = 1e-6;
const LAYERS = 2;
const LAYER = 1;

/** Rows a step adds to a sequence. */
export interface StepRows {
  readonly sequence: number;
  readonly rows: Float32Array;
}

/** How kernels are made, compiled and called, and where the pages are. */
export interface AttentionDevice {
  readonly kernel: (options: AttentionOptions) => FfiObject;
  compile(func: FfiObject): Pick<Kernel, "library" | "run">;
  /** The cache's tensor as the kernels take it. */
  place(pages: Tensor): Tensor;
}

const CPU: AttentionDevice = {
  kernel: pagedAttention,
  compile: (func) => new Kernel(func),
  place: (pages) => pages,
};

/** The kernels of a layer, compiled once. */
export class AttentionLayer {
  readonly options: LayerOptions;
  readonly prefill: Pick<Kernel, "library" | "run">;
  readonly decode: Pick<Kernel, "library" | "run">;
  readonly device: AttentionDevice;
  /** Width of a row of qkv. */
  readonly width: number;
  readonly sinks: Float32Array | undefined;
  readonly norms: { readonly query: Float32Array; readonly key: Float32Array } | undefined;

  constructor(options: LayerOptions, random: Random, device: Partial<AttentionDevice> = {}) {
    this.device = { ...CPU, ...device };
    const { kernel, compile } = this.device;
    const { qkNorm, ...rest } = options;
    const { heads, kvHeads, headDim } = options;
    this.options = options;
    this.width = (heads + 2 * kvHeads) * headDim;
    this.norms = qkNorm ? { query: random.floats(headDim), key: random.floats(headDim) } : undefined;
    this.sinks = options.sinkLogits ? random.floats(heads, 4) : undefined;
    const all = { ...rest, layers: LAYERS, ...(qkNorm ? { qkNorm: { epsilon: EPSILON } } : {}) };
    this.prefill = compile(kernel({ ...all, form: "prefill" }));
    this.decode = compile(kernel({ ...all, form: "decode" }));
  }

  /** The reference of one sequence. */
  reference(): ReferenceAttention {
    const { heads, kvHeads, headDim, kvDtype, window, sinkTokens } = this.options;
    const qkNorm = this.norms === undefined ? {} : { qkNorm: { epsilon: EPSILON, ...this.norms } };
    return new ReferenceAttention({
      ...{ heads, kvHeads, headDim, kvDtype, ...qkNorm },
      ...(window === undefined ? {} : { window }),
      ...(sinkTokens === undefined ? {} : { sinkTokens }),
      ...(this.sinks === undefined ? {} : { sinkLogits: this.sinks }),
    });
  }
}

/** A cache with its page table; pages are handed out in random order and start full of NaN. */
export class AttentionRunner {
  readonly #layer: AttentionLayer;
  readonly #pages: Tensor;
  readonly #free: number[];
  readonly #tables = new Map<number, number[]>();
  readonly #lengths = new Map<number, number>();
  readonly #frequencies: Float32Array;

  constructor(layer: AttentionLayer, random: Random, pages: number) {
    const { kvHeads, headDim, kvDtype } = layer.options;
    this.#layer = layer;
    const empty = Tensor.empty([pages, LAYERS, 2, kvHeads, kvRecordSize(kvDtype, headDim)], kvDtype);
    empty.bytes().fill(0xff);
    this.#pages = layer.device.place(empty);
    this.#free = random.permutation(pages);
    this.#frequencies = Float32Array.from({ length: headDim / 2 }, (_, i) => 10000 ** ((-2 * i) / headDim));
  }

  /** Rotary factors of a position. */
  rope(position: number): number[] {
    return ropeRow(position, this.#frequencies);
  }

  length(sequence: number): number {
    return this.#lengths.get(sequence) ?? 0;
  }

  /** Fills the pages `from` to `to - 1` of a sequence with NaN. */
  spoil(sequence: number, from: number, to: number): void {
    const bytes = this.#pages.bytes();
    const size = bytes.length / (this.#pages.shape[0] ?? 1);
    for (const page of (this.#tables.get(sequence) ?? []).slice(from, to))
      bytes.fill(0xff, page * size, (page + 1) * size);
  }

  /** The kernel's output [rows, heads * headDim] of a step. */
  step(form: "prefill" | "decode", parts: readonly StepRows[]): Float32Array {
    const { heads, headDim } = this.#layer.options;
    const { rows, args } = this.#arguments(parts);
    return this.#layer[form].run(args, [rows, heads * headDim]);
  }

  /** The same of a kernel whose output is activation blocks [rows, heads * headDim / 32, 12]. */
  stepBlocks(form: "prefill" | "decode", parts: readonly StepRows[]): Int32Array {
    const { heads, headDim } = this.#layer.options;
    const { rows, args } = this.#arguments(parts);
    const output = Tensor.empty([rows, (heads * headDim) / 32, 12], "int32");
    this.#layer[form].library.getFunction("kernel").call(...args, output);
    const bytes = output.bytes();
    return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }

  /** Makes room for the rows of a step; its number of rows, and the arguments of the kernel without the output. */
  #arguments(parts: readonly StepRows[]): { rows: number; args: FfiArgument[] } {
    const { heads, headDim } = this.#layer.options;
    const { width, norms, sinks } = this.#layer;
    const counts = parts.map(({ rows }) => rows.length / width);
    const n = counts.reduce((a, b) => a + b, 0);
    const positions = parts.flatMap(({ sequence }, i) =>
      Array.from({ length: counts[i] ?? 0 }, (_, row) => this.length(sequence) + row),
    );
    parts.forEach(({ sequence }, i) => {
      this.#grow(sequence, counts[i] ?? 0);
    });
    const tables = parts.map(({ sequence }) => this.#tables.get(sequence) ?? []);
    const qkv = Float32Array.from(parts.flatMap(({ rows }) => [...rows]));
    const rope = Float32Array.from(positions.flatMap((position) => this.rope(position)));
    const args = [
      float32(qkv, [n, width]),
      float32(rope, [n, headDim]),
      ...(norms ? [float32(norms.query, [headDim]), float32(norms.key, [headDim])] : []),
      ...(sinks ? [float32(sinks, [heads])] : []),
      int32(indptr(counts)),
      int32(positions),
      int32(indptr(tables.map((table) => table.length))),
      int32(tables.flat()),
      this.#pages,
      LAYER,
    ];
    return { rows: n, args };
  }

  #grow(sequence: number, rows: number): void {
    const table = this.#tables.get(sequence) ?? [];
    const length = this.length(sequence) + rows;
    while (table.length * PAGE_SIZE < length) {
      const page = this.#free.pop();
      if (page === undefined) throw new RangeError("the test's cache is too small");
      table.push(page);
    }
    this.#tables.set(sequence, table);
    this.#lengths.set(sequence, length);
  }
}

function indptr(counts: readonly number[]): number[] {
  const starts = [0];
  for (const count of counts) starts.push((starts.at(-1) ?? 0) + count);
  return starts;
}
