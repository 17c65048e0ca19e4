import type { PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { llvmIntrinsic, reinterpret } from "../../ir/vector.js";
import { type CodeKind, type DotForm, firstVector, type Prepared, type RunningSum } from "./dot-form.js";

/**
 * AVX-512 VNNI and AVX-VNNI: vpdpbusd multiplies unsigned by signed bytes and adds. Signed weight codes are moved to 0 to 255.
 * LLVM has one intrinsic a width and takes the encoding that the processor has.
 */
export class VnniDot implements DotForm {
  readonly lanes: 16 | 8;
  readonly wordsLoaded = 1;

  constructor(lanes: 16 | 8) {
    this.lanes = lanes;
  }

  offset(kind: CodeKind): number {
    return kind === "signed8" ? 128 : 0;
  }

  prepare(block: Block, codes: PrimExpr, kind: CodeKind): Prepared {
    return [block.bind("codes", kind === "signed8" ? codes.add(128) : codes)];
  }

  start(seed: PrimExpr): RunningSum {
    return [seed.broadcast(this.lanes)];
  }

  add(block: Block, sum: RunningSum, codes: Prepared, x: PrimExpr): RunningSum {
    const total = firstVector(sum);
    const activations = reinterpret(x.broadcast(this.lanes), `int8x${this.lanes * 4}`);
    const name = `llvm.x86.avx512.vpdpbusd.${this.lanes * 32}`;
    return [block.bind("sum", llvmIntrinsic(name, total.dtype, [total, firstVector(codes), activations]))];
  }

  finish(_block: Block, sum: RunningSum): PrimExpr {
    return firstVector(sum);
  }
}
