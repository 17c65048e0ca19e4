import type { PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { llvmIntrinsic, reinterpret } from "../../ir/vector.js";
import { type DotForm, firstVector, type Prepared, type RunningSum } from "./dot-form.js";

/** NEON with the dot product extension: sdot multiplies signed bytes, with one lane of the other operand, and adds. */
export class NeonDot implements DotForm {
  readonly lanes = 4;
  readonly wordsLoaded = 4;

  offset(): number {
    return 0;
  }

  prepare(block: Block, codes: PrimExpr): Prepared {
    return [block.bind("codes", reinterpret(codes, "int8x16"))];
  }

  start(seed: PrimExpr): RunningSum {
    return [seed.broadcast(this.lanes)];
  }

  add(block: Block, sum: RunningSum, codes: Prepared, x: PrimExpr): RunningSum {
    const activations = reinterpret(x.broadcast(this.lanes), "int8x16");
    const operands = [firstVector(sum), firstVector(codes), activations];
    return [block.bind("sum", llvmIntrinsic("llvm.aarch64.neon.sdot", "int32x4", operands))];
  }

  finish(_block: Block, sum: RunningSum): PrimExpr {
    return firstVector(sum);
  }
}
