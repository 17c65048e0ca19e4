// Times the kernels alone, at the sizes of SmolLM2-135M:  npx tsx bench/kernels.ts [threads] [format,format]
//
// bf16 weights are multiplied by bfloat16 dot products where the processor has them; `f32` and the others always in float32.
// Median times; other processes disturb them, so compare runs on a quiet machine. GB/s is packed weights read, GFLOP/s is two
// operations a weight and token.
import { buildPrimFuncs } from "../lib/compiler/codegen/build.js";
import { resolveTarget } from "../lib/compiler/codegen/target.js";
import { bestBfloatDot, type LinearOptions, linear } from "../lib/compiler/kernels/index.js";
import { loadCompilerLibrary, Tensor, useThreads } from "../lib/ffi/index.js";
import {
  packedBytes,
  packedDtype,
  packedShape,
  WEIGHT_FORMAT_NAMES,
  type WeightFormat,
} from "../lib/package/weight-format.js";
import { benchAttention } from "./attention-kernel.js";
import { medianMilliseconds } from "./timing.js";

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

useThreads(threads);
loadCompilerLibrary();
const target = resolveTarget("cpu");
const bfloatDot = bestBfloatDot(target.features);
for (const format of WEIGHT_FORMAT_NAMES.filter((name) => formats.includes(name))) benchLinear(format);
benchAttention(target);

function benchLinear(format: WeightFormat): void {
  for (const [name, columns, rows, epilogue = "none"] of LAYERS) {
    const segments = rows.map((count) => ({ format, rows: count }));
    const bfloats = format === "bf16" && bfloatDot !== undefined ? { bfloatDot } : {};
    const options = { columns, segments, epilogue, ...bfloats };
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
      return medianMilliseconds(repetitions, () => call.call(x, ...weights, output));
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

/** Bytes that make small finite numbers in every format. */
function randomTensor(shape: readonly number[], dtype: string): Tensor {
  const tensor = Tensor.empty([...shape], dtype);
  const bytes = tensor.bytes();
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7) & 0x3b;
  return tensor;
}
