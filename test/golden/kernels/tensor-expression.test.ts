import { beforeAll, describe, expect, it } from "vitest";
import { printScript } from "../../../lib/compiler/ir/inspect.js";
import { variable } from "../../../lib/compiler/ir/prim-expr.js";
import {
  compute,
  max,
  placeholder,
  reductionAxis,
  sum,
  tensorProgram,
} from "../../../lib/compiler/ir/tensor-expression.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { float32, Kernel } from "../../support/kernel-library.js";

beforeAll(() => loadCompilerLibrary());

const ramp = (count: number, scale: number) =>
  Float32Array.from({ length: count }, (_, index) => Math.sin(index * scale));

describe("tensor expressions", () => {
  it("sum products over a symbolic number of rows", () => {
    const [rows, columns, outputs] = [3, 5, 4];
    const n = variable("n");
    const x = placeholder("x", [n, columns], "float32");
    const w = placeholder("w", [outputs, columns], "float32");
    const k = reductionAxis("k", columns);
    const y = compute("y", [n, outputs], (i, j) => sum(x.at(i, k.index).mul(w.at(j, k.index)), [k]));
    const [xs, ws] = [ramp(rows * columns, 0.7), ramp(outputs * columns, 1.3)];

    const received = new Kernel(tensorProgram([x, w, y])).run(
      [float32(xs, [rows, columns]), float32(ws, [outputs, columns])],
      [rows, outputs],
    );

    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < outputs; j++) {
        let expected = 0;
        for (let c = 0; c < columns; c++) expected += (xs[i * columns + c] ?? 0) * (ws[j * columns + c] ?? 0);
        expect(received[i * outputs + j]).toBeCloseTo(expected, 5);
      }
    }
  });

  it("reduce to a maximum and use it in another formula", () => {
    const [rows, columns] = [4, 7];
    const x = placeholder("x", [rows, columns], "float32");
    const k = reductionAxis("k", columns);
    const largest = compute("largest", [rows], (i) => max(x.at(i, k.index), [k]));
    const y = compute("y", [rows, columns], (i, j) => x.at(i, j).sub(largest.at(i)));
    const xs = ramp(rows * columns, 2.1);

    const received = new Kernel(tensorProgram([x, y])).run([float32(xs, [rows, columns])], [rows, columns]);

    for (let i = 0; i < rows; i++) {
      const row = xs.subarray(i * columns, (i + 1) * columns);
      row.forEach((value, j) => {
        expect(received[i * columns + j]).toBeCloseTo(value - Math.max(...row), 6);
      });
    }
  });

  it("become blocks that schedules and fusion understand", () => {
    const x = placeholder("x", [8], "float32");
    const text = printScript(tensorProgram([x, compute("y", [8], (i) => x.at(i).mul(2))]));
    expect(text).toContain('sblock("y")');
    expect(text).toContain("y[v_i0] = x[v_i0] * T.float32(2.0)");
  });

  it("refuse another number of indices", () => {
    const x = placeholder("x", [8, 2], "float32");
    expect(() => x.at(1)).toThrow(expect.objectContaining({ code: "ERR_COMPILE" }));
  });
});
