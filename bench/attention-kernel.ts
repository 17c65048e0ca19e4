// The attention kernels at the head shapes of three models: one layer's time, and the rate it reads the cache or multiplies at.
import { buildPrimFuncs } from "../lib/compiler/codegen/build.js";
import type { Target } from "../lib/compiler/codegen/target.js";
import { pagedAttention } from "../lib/compiler/kernels/index.js";
import { Tensor } from "../lib/ffi/index.js";
import { kvBytesPerToken, kvRecordSize } from "../lib/package/kv-format.js";
import { medianMilliseconds } from "./timing.js";

const SHAPES = [
  { model: "SmolLM2-135M", heads: 9, kvHeads: 3, headDim: 64 },
  { model: "Qwen2.5-0.5B", heads: 14, kvHeads: 2, headDim: 64 },
  { model: "Llama-3.2-1B", heads: 32, kvHeads: 8, headDim: 64 },
] as const;

const PAGE_SIZE = 16;
const ROWS = 512;

/** Cache of a decode step that no processor cache holds, in bytes: layers and sequences are visited in turn. */
const COLD_BYTES = 128e6;

/** Elements of the cache; the "int8" of a step beside its "float16" shows what the conversion costs. */
const KV_DTYPES = ["float16", "int8"] as const;
type KvDtype = (typeof KV_DTYPES)[number];

/** Prints a line for each shape, cache and step. */
export function benchAttention(target: Target): void {
  for (const shape of SHAPES) for (const kvDtype of KV_DTYPES) benchShape(target, shape, kvDtype);
}

function benchShape(target: Target, shape: (typeof SHAPES)[number], kvDtype: KvDtype): void {
  const print = (step: string, milliseconds: number, rate: string) =>
    printLine(`${shape.model} ${kvDtype}`, step, milliseconds, rate);
  const prefill = new AttentionBench(target, shape, kvDtype, "prefill", 1);
  const milliseconds = prefill.run(ROWS, ROWS);
  const operations = 2 * 2 * shape.heads * shape.headDim * ((ROWS * (ROWS + 1)) / 2);
  print(`${ROWS} rows`, milliseconds, `${(operations / milliseconds / 1e6).toFixed(0)} GFLOP/s`);
  for (const length of [32, 512, 2048]) {
    const bytes =
      length * kvBytesPerToken({ layers: 1, keyValueHeads: shape.kvHeads, headDim: shape.headDim }, kvDtype);
    for (const layers of [1, Math.ceil(COLD_BYTES / bytes)]) {
      const decode = new AttentionBench(target, shape, kvDtype, "decode", layers);
      const time = decode.run(1, length);
      const state = layers === 1 ? "cached" : "from memory";
      print(`1 row at ${length}, ${state}`, time, `${(bytes / time / 1e6).toFixed(1)} GB/s`);
    }
  }
}

function printLine(model: string, step: string, milliseconds: number, rate: string): void {
  console.log(
    `attention ${model.padEnd(22)}${step.padEnd(28)}${(milliseconds * 1000).toFixed(1).padStart(9)} us  ${rate}`,
  );
}

/** One kernel with its cache. */
class AttentionBench {
  readonly #call: { call(...args: unknown[]): unknown };
  readonly #shape: (typeof SHAPES)[number];
  readonly #kvDtype: KvDtype;
  readonly #layers: number;

  constructor(
    target: Target,
    shape: (typeof SHAPES)[number],
    kvDtype: KvDtype,
    form: "decode" | "prefill",
    layers: number,
  ) {
    this.#shape = shape;
    this.#kvDtype = kvDtype;
    this.#layers = layers;
    const { heads, kvHeads, headDim } = shape;
    const { vectorBits } = target;
    const options = { heads, kvHeads, headDim, layers, kvDtype, form, vectorBits } as const;
    this.#call = buildPrimFuncs({ kernel: pagedAttention(options) }, target).getFunction("kernel");
  }

  /** Milliseconds of a step of one sequence: its last `rows` rows at `length` tokens. */
  run(rows: number, length: number): number {
    const { heads, kvHeads, headDim } = this.#shape;
    const pages = Math.ceil(length / PAGE_SIZE);
    const record = kvRecordSize(this.#kvDtype, headDim);
    const cache = Tensor.empty([pages, this.#layers, 2, kvHeads, record], this.#kvDtype);
    const halves = new Uint16Array(
      cache.bytes().buffer,
      cache.bytes().byteOffset,
      cache.bytes().byteLength / 2,
    );
    // Halves between 1 and 2, and their negatives; as codes and scales they are finite as well.
    for (let i = 0; i < halves.length; i++) halves[i] = 0x3c00 | ((i * 40503) & 0x83ff);
    const qkv = Float32Array.from({ length: rows * (heads + 2 * kvHeads) * headDim }, (_, i) => Math.sin(i));
    const rope = Float32Array.from({ length: rows * headDim }, (_, i) => Math.cos(i));
    const inputs = [
      Tensor.from(qkv, [rows, (heads + 2 * kvHeads) * headDim], "float32"),
      Tensor.from(rope, [rows, headDim], "float32"),
      indices([0, rows]),
      indices(Array.from({ length: rows }, (_, i) => length - rows + i)),
      indices([0, pages]),
      indices(Array.from({ length: pages }, (_, i) => i)),
      cache,
    ];
    const output = Tensor.empty([rows, heads * headDim], "float32");
    let layer = 0;
    return medianMilliseconds(rows > 1 ? 15 : 400, () => {
      this.#call.call(...inputs, layer, output);
      layer = (layer + 1) % this.#layers;
    });
  }
}

function indices(values: readonly number[]): Tensor {
  return Tensor.from(Int32Array.from(values), [values.length], "int32");
}
