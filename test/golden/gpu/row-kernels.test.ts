// The kernels for GPUs that move, scale or convert rows, on OpenCL and Vulkan devices against plain loops.
import { beforeAll, describe, expect, it } from "vitest";
import { embedding, gatherRows, rmsNorm, ropeTable } from "../../../lib/compiler/kernels/gpu/index.js";
import { launch } from "../../../lib/compiler/kernels/gpu/launch.js";
import { gpuProgram, parameter } from "../../../lib/compiler/kernels/gpu/program.js";
import { floatToHalf, halfToFloat } from "../../../lib/compiler/kernels/gpu/scalar-math.js";
import { loadCompilerLibrary, Tensor } from "../../../lib/ffi/index.js";
import { WEIGHT_FORMAT_NAMES } from "../../../lib/package/weight-format.js";
import { packedWords, testCuda, testGpus } from "../../support/gpu-kernel.js";
import { float32, int32, relativeError } from "../../support/kernel-library.js";
import { Random } from "../../support/random.js";
import { ropeRow } from "../../support/reference/attention.js";
import { halfToNumber, numberToHalf } from "../../support/reference/half.js";
import { columnsOf, randomWeight } from "../../support/reference/rows16.js";

const THREADS = 64;

describe.each([...testGpus(), ...testCuda()])("row kernels for $kind", (gpu) => {
  beforeAll(() => loadCompilerLibrary());

  it.each([
    [64, 5],
    [576, 2],
    [7, 1],
  ])("normalise rows of %i", (columns, rows) => {
    const random = new Random(columns);
    const [x, weight, epsilon] = [random.floats(rows * columns, 3), random.floats(columns), 1e-5];
    const expected = Array.from(x, (value, i) => {
      const start = Math.floor(i / columns) * columns;
      const square = x.subarray(start, start + columns).reduce((sum, v) => sum + v * v, 0) / columns;
      return (value / Math.sqrt(square + epsilon)) * (weight[i % columns] ?? Number.NaN);
    });
    const kernel = gpu.kernel(rmsNorm({ columns, epsilon, tokens: "n" }, gpu.traits));
    const received = kernel.run([float32(x, [rows, columns]), float32(weight, [columns])], [rows, columns]);
    expect(relativeError(received, expected)).toBeLessThan(1e-6);
  });

  it("make the cosines and sines of positions, late ones too", () => {
    const frequencies = Float32Array.from({ length: 32 }, (_, i) => 10000 ** (-i / 32));
    const positions = [0, 1, 77, 8191, 131071];
    const kernel = gpu.kernel(ropeTable({ headDim: 64 }, gpu.traits));
    const received = kernel.run([int32(positions), float32(frequencies, [32])], [positions.length, 64]);
    const expected = positions.flatMap((position) => ropeRow(position, frequencies));
    const worst = received.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? 0))),
      0,
    );
    expect(worst).toBeLessThan(1e-6);
  });

  it("gather rows", () => {
    const x = new Random(5).floats(6 * 40);
    const kernel = gpu.kernel(gatherRows({ columns: 40 }, gpu.traits));
    const received = kernel.run([float32(x, [6, 40]), int32([5, 0, 5])], [3, 40]);
    expect([...received]).toEqual([5, 0, 5].flatMap((row) => [...x.subarray(row * 40, row * 40 + 40)]));
  });

  it.each(WEIGHT_FORMAT_NAMES)("embed from a table in %s", (format) => {
    const random = new Random(9);
    const columns = columnsOf(format, 2);
    const table = randomWeight(random, format, 37, columns);
    const ids = [0, 36, 17, 3];
    const kernel = gpu.kernel(embedding({ rows: 37, columns, format }, gpu.traits));
    const received = kernel.run([int32(ids), packedWords(table)], [ids.length, columns]);
    const expected = ids.flatMap((id) => [...table.values.subarray(id * columns, (id + 1) * columns)]);
    expect(relativeError(received, expected)).toBeLessThan(1e-6);
  });

  it("convert every finite half to a float without the type", () => {
    const bits = Array.from({ length: 65536 }, (_, i) => i).filter((half) => (half & 0x7c00) !== 0x7c00);
    const count = bits.length;
    const [from, to] = [parameter("halves", [count], "int32"), parameter("to", [count], "float32")];
    const func = gpuProgram([from, to], (body) =>
      launch(body, [count / THREADS], THREADS, (block, { block: [group], thread }) => {
        if (group === undefined) return;
        const at = group.mul(THREADS).add(thread);
        block.store(to, halfToFloat(from.load(at), false), at);
      }),
    );
    const received = gpu.kernel(func).run([int32(bits)], [count]);
    expect([...received]).toEqual(bits.map(halfToNumber));
  });

  // WGSL has no integers of 16 bits; its kernels store halves as such.
  it.skipIf(gpu.kind === "vulkan")("round floats to halves as IEEE 754 has it, without the type", () => {
    const random = new Random(11);
    const special = [
      0,
      65504,
      65519,
      -65519,
      2 ** -24,
      2 ** -25,
      3 * 2 ** -26,
      2 ** -14,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
    ];
    const values = Float32Array.from([
      ...special,
      ...random.floats(5000, 1),
      ...random.floats(5000, 60000),
      ...random.floats(5000, 2 ** -14),
    ]);
    const padded = new Float32Array(Math.ceil(values.length / THREADS) * THREADS);
    padded.set(values);
    const count = padded.length;
    const [from, to] = [parameter("floats", [count], "float32"), parameter("to", [count], "float32")];
    const func = gpuProgram([from, to], (body) =>
      launch(body, [count / THREADS], THREADS, (block, { block: [group], thread }) => {
        if (group === undefined) return;
        const at = group.mul(THREADS).add(thread);
        const value = block.bind("value", from.load(at));
        block.store(to, floatToHalf(block, value, false).cast("float32"), at);
      }),
    );
    const received = gpu.kernel(func).run([Tensor.from(padded, [count])], [count]);
    expect([...received]).toEqual([...padded].map(numberToHalf));
  });
});
