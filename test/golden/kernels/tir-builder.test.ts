// The typed builder: what it refuses before TVM sees it, and the text of what it builds.
import { beforeAll, describe, expect, it } from "vitest";
import { Buffer } from "../../../lib/compiler/ir/buffer.js";
import { printScript } from "../../../lib/compiler/ir/inspect.js";
import { float, int, select, variable } from "../../../lib/compiler/ir/prim-expr.js";
import { primFunc } from "../../../lib/compiler/ir/prim-func.js";
import { Block } from "../../../lib/compiler/ir/statement.js";
import {
  bitAnd,
  lanesOf,
  llvmIntrinsic,
  multiplyAdd,
  ramp,
  reinterpret,
  shiftRight,
} from "../../../lib/compiler/ir/vector.js";
import { loadCompilerLibrary, Tensor } from "../../../lib/ffi/index.js";
import { Kernel } from "../../support/kernel-library.js";

beforeAll(() => loadCompilerLibrary());

/** Asserts an ERR_COMPILE whose message names what was expected and what was received. */
function refused(build: () => unknown, message: RegExp): void {
  expect(build).toThrow(
    expect.objectContaining({ code: "ERR_COMPILE", message: expect.stringMatching(message) }),
  );
}

describe("expressions", () => {
  it("take numbers as constants of the other operand's type", () => {
    const n = variable("n");
    expect(n.add(1).dtype).toBe("int64");
    expect(float(2).mul(0.5).dtype).toBe("float32");
    expect(n.lt(3).dtype).toBe("bool");
    refused(() => n.add(0.5), /an integer.*0\.5/);
  });

  it("refuse operands of different types", () => {
    refused(() => variable("n").add(float(1)), /int64.*float32/);
    refused(() => float(1).add(variable("h", "float16")), /float32.*float16/);
    refused(() => int(1).div(2), /float.*int64/);
    refused(() => float(1).floorDiv(2), /int.*float32/);
    refused(() => select(int(1), float(1), 0), /bool.*int64/);
  });

  it("meet vectors in every lane, but not vectors of other lengths", () => {
    const vector = float(1).broadcast(8);
    expect(vector.dtype).toBe("float32x8");
    expect(vector.add(2).dtype).toBe("float32x8");
    expect(float(3).mul(vector).dtype).toBe("float32x8");
    expect(vector.le(2).dtype).toBe("boolx8");
    refused(() => vector.add(float(1).broadcast(4)), /float32x8.*float32x4/);
    refused(() => vector.broadcast(16), /scalar.*float32x8/);
  });

  it("keep or change the type by cast and reinterpret", () => {
    const vector = int(1, "int32").broadcast(16);
    expect(vector.cast("float16").dtype).toBe("float16x16");
    expect(vector.cast("int32")).toBe(vector);
    expect(reinterpret(vector, "int8x64").dtype).toBe("int8x64");
    refused(() => reinterpret(vector, "float32x8"), /512 bits.*float32x8/);
    refused(() => shiftRight(float(1), 2), /integers.*float32/);
    refused(() => multiplyAdd(float(1), float(1), float(1, "float64")), /one type.*float64/);
    refused(() => llvmIntrinsic("llvm.no_such", "float32", [float(1)]), /llvm\.no_such/);
    expect(lanesOf(vector, 4, 8).dtype).toBe("int32x8");
    expect(bitAnd(vector, 15).dtype).toBe("int32x16");
    expect(ramp(variable("i"), 4).dtype).toBe("int64x4");
  });
});

describe("buffers and blocks", () => {
  it("refuse wrong indices and values", () => {
    const x = new Buffer("x", [variable("n"), 4], "float32");
    refused(() => x.load(0), /2 indices.*x.*1/);
    refused(() => x.load(0, float(1)), /int64.*float32/);
    refused(() => new Block().store(x, int(1), 0, 0), /float32.*x.*int64/);
    refused(() => new Block().finish(), /statement/);
    expect(() => new Buffer("y", [2], "floaty")).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringMatching(/floaty/) }),
    );
  });

  it("print as TVMScript and run", () => {
    const n = variable("n");
    const [x, output] = [new Buffer("x", [n, 4], "float32"), new Buffer("output", [n, 4], "float32")];
    const func = primFunc([x, output], (body) => {
      body.parallel("i", n, (block, i) => {
        const sum = block.local("sum", 1);
        block.store(sum, 0, 0);
        block.unrolled("j", 2, (inner, j) => inner.store(sum, sum.load(0).add(x.load(i, j)), 0));
        const doubled = block.bind("doubled", x.loadVector(4, i, 0).mul(2));
        block.if(
          sum.load(0).gt(0),
          (positive) => positive.store(output, doubled, i, 0),
          (other) => other.vectorized("j", 4, (inner, j) => inner.store(output, float(-1), i, j)),
        );
      });
    });
    expect(printScript(func)).toMatchInlineSnapshot(`
      "# from typing import TypeVar
      # from tvm.script import tirx as T
      # from tvm.tirx.layout import Axis

      n = TypeVar("n")
      @T.prim_func(private=True, s_tir=True)
      def main(x: T.Buffer((n, T.int64(4)), "float32"), output: T.Buffer((n, T.int64(4)), "float32")):
          T.func_attr({"tirx.noalias": True})
          for i in T.parallel(n):
              sum = T.alloc_buffer((T.int64(1),))
              sum[T.int64(0)] = T.float32(0.0)
              for j in T.unroll(T.int64(2)):
                  sum[T.int64(0)] = sum[T.int64(0)] + x[i, j]
              doubled: T.let[T.float32x4] = x[i, T.Ramp(T.int64(0), T.int64(1), 4)] * T.Broadcast(T.float32(2.0), 4)
              if sum[T.int64(0)] > T.float32(0.0):
                  output[i, T.int64(0):T.int64(4)] = doubled
              else:
                  for j in T.vectorized(T.int64(4)):
                      output[i, j] = T.float32(-1.0)"
    `);
    const input = Tensor.from(Float32Array.from([1, 2, 3, 4, -1, -1, 5, 5]), [2, 4]);
    expect([...new Kernel(func).run([input], [2, 4])]).toEqual([2, 4, 6, 8, -1, -1, -1, -1]);
  });
});
