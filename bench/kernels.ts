// Times the kernels alone, at the sizes of SmolLM2-135M:  npx tsx bench/kernels.ts [threads] [format,format]
//
// Median times; other processes disturb them, so compare runs on a quiet machine. GB/s is packed weights read, GFLOP/s is two
// operations a weight and token.
import { buildPrimFuncs } from "../lib/compiler/codegen/build.js";
import { resolveTarget } from "../lib/compiler/codegen/target.js";
import { type LinearOptions, linear, pagedAttention } from "../lib/compiler/kernels/index.js";
import { loadCompilerLibrary, Tensor } from "../lib/ffi/index.js";
import {
  packedBytes,
  packedDtype,
  packedShape,
  WEIGHT_FORMAT_NAMES,
  type WeightFormat,
} from "../lib/package/weight-format.js";

const threads = Number(process.argv[2] ?? 2);
const formats = (process.argv[3] ?? "q4_1,q8_0,f16,f32").split(",");
const TOKENS = 512;

const LAYERS: readonly [name: string, columns: number, rows: readonly number[], LinearOptions["epilogue"]][] =
  [
    ["qkv", 576, [576, 192, 192], "none"],
    ["o", 576, [576], "none"],
    ["gate-up", 576, [1536, 1536], "silu-mul"],
    ["down", 1536, [576], "none"],
    ["lm_head", 576, [49152], "none"],
  ];

// TVM reads it when its pool starts; by default it uses half of the processors.
process.env.TVM_NUM_THREADS = String(threads);
loadCompilerLibrary();
const target = resolveTarget("cpu");
for (const format of WEIGHT_FORMAT_NAMES.filter((name) => formats.includes(name))) benchLinear(format);
benchAttention();

/** Milliseconds of one call. */
function milliseconds(repetitions: number, run: () => void): number {
  run();
  const times = Array.from({ length: repetitions }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[Math.floor(repetitions / 2)] ?? Number.NaN;
}

function benchLinear(format: WeightFormat): void {
  for (const [name, columns, rows, epilogue = "none"] of LAYERS) {
    const segments = rows.map((count) => ({ format, rows: count }));
    const options = { columns, segments, epilogue };
    const library = buildPrimFuncs(
      { one: linear({ ...options, tokens: 1 }), many: linear({ ...options, tokens: "n" }) },
      target,
    );
    const weights = rows.map((count) =>
      randomTensor(packedShape(format, count, columns), packedDtype(format)),
    );
    const total = rows.reduce((a, b) => a + b, 0);
    const bytes = rows.reduce((sum, count) => sum + packedBytes(format, count, columns), 0);
    const outputs = epilogue === "silu-mul" ? total / 2 : total;
    const time = (kernel: string, tokens: number, repetitions: number) => {
      const [x, output] = [
        randomTensor([tokens, columns], "float32"),
        Tensor.empty([tokens, outputs], "float32"),
      ];
      const call = library.getFunction(kernel);
      return milliseconds(repetitions, () => call.call(x, ...weights, output));
    };
    const one = time("one", 1, 200);
    const eight = time("many", 8, 20);
    const many = time("many", TOKENS, total > 10_000 ? 2 : 10);
    const gflops = (tokens: number, ms: number) => ((2 * tokens * total * columns) / ms / 1e6).toFixed(0);
    console.log(
      `${format.padEnd(8)}${name.padEnd(8)} 1 token ${one.toFixed(3)} ms ${(bytes / one / 1e6).toFixed(1)} GB/s` +
        ` | 8 tokens ${eight.toFixed(3)} ms ${gflops(8, eight)} GFLOP/s` +
        ` | ${TOKENS} tokens ${many.toFixed(2)} ms ${gflops(TOKENS, many)} GFLOP/s`,
    );
  }
}

/** One layer of 9 query and 3 KV heads of 64: a prompt of 512, and single rows at several lengths. */
function benchAttention(): void {
  const [heads, kvHeads, headDim] = [9, 3, 64];
  const shape = { heads, kvHeads, headDim, layers: 1, kvDtype: "float16" } as const;
  const library = buildPrimFuncs(
    {
      decode: pagedAttention({ ...shape, form: "decode" }),
      prefill: pagedAttention({ ...shape, form: "prefill" }),
    },
    target,
  );
  const run = (form: string, rows: number, length: number): number => {
    const pages = Math.ceil(length / 16);
    const ids = (values: Iterable<number>) => {
      const array = Int32Array.from(values);
      return Tensor.from(array, [array.length], "int32");
    };
    const args = [
      randomTensor([rows, (heads + 2 * kvHeads) * headDim], "float32"),
      randomTensor([rows, headDim], "float32"),
      ids([0, rows]),
      ids(Array.from({ length: rows }, (_, i) => length - rows + i)),
      ids([0, pages]),
      ids(Array.from({ length: pages }, (_, i) => i)),
      randomTensor([pages, 1, 2, kvHeads, 16 * headDim], "float16"),
      0,
      Tensor.empty([rows, heads * headDim], "float32"),
    ];
    const call = library.getFunction(form);
    return milliseconds(rows > 1 ? 10 : 200, () => call.call(...args));
  };
  const prefill = run("prefill", TOKENS, TOKENS);
  const operations = 2 * 2 * heads * headDim * ((TOKENS * TOKENS) / 2);
  console.log(
    `attention ${TOKENS} rows ${prefill.toFixed(2)} ms ${(operations / prefill / 1e6).toFixed(0)} GFLOP/s (causal half)`,
  );
  for (const length of [32, 512, 4096]) {
    const ms = run("decode", 1, length);
    const bytes = 2 * kvHeads * headDim * 2 * length;
    console.log(
      `attention 1 row at ${length}: ${(ms * 1000).toFixed(0)} us, ${(bytes / ms / 1e6).toFixed(1)} GB/s of cache`,
    );
  }
}

/** Bytes that make small finite numbers in every format. */
function randomTensor(shape: readonly number[], dtype: string): Tensor {
  const tensor = Tensor.empty([...shape], dtype);
  const bytes = tensor.bytes();
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7) & 0x3b;
  return tensor;
}
