import { int, type PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { llvmIntrinsic, reinterpret } from "../../ir/vector.js";
import { type CodeKind, type DotForm, firstVector, type Prepared, type RunningSum } from "./dot-form.js";

/**
 * AVX2: vpmaddubsw multiplies unsigned by signed bytes and adds pairs to int16, vpmaddwd adds pairs of those to int32. The first
 * saturates, so no pair may leave int16:
 *
 * - codes to 15: even the sum over a group cannot, 15 * 127 * 2 * 8 = 30480. It is kept in int16 and widened once.
 * - codes to 63: two steps cannot, 63 * 127 * 2 * 2 = 32004. Every second step is widened.
 * - signed codes: their magnitudes times the activations with the codes' signs, 128 * 127 * 2 = 32512, widened at every step.
 */
export class PairsDot implements DotForm {
  readonly lanes = 8;
  readonly wordsLoaded = 1;

  offset(): number {
    return 0;
  }

  prepare(block: Block, codes: PrimExpr, kind: CodeKind): Prepared {
    if (kind !== "signed8") return [block.bind("codes", codes)];
    // -128 becomes 128: the bytes of vpmaddubsw's first operand have no sign.
    return [block.bind("magnitudes", withSignsOf(codes, codes)), codes];
  }

  start(): RunningSum {
    return [];
  }

  /** Adds to int16 pairs, of signed codes to int32. Codes to 63 have an int32 sum, pairs that wait for the next step, or both. */
  add(block: Block, sum: RunningSum, codes: Prepared, x: PrimExpr, kind: CodeKind): RunningSum {
    const activations = reinterpret(x.broadcast(this.lanes), "int8x32");
    const [weights, signs] = [firstVector(codes), codes[1]];
    const pairs = multiplyBytes(weights, signs === undefined ? activations : withSignsOf(activations, signs));
    if (kind === "unsigned6") return everySecond(block, sum, pairs);
    const products = kind === "unsigned4" ? pairs : addPairs(pairs);
    const [before] = sum;
    return [block.bind("sum", before === undefined ? products : addInOrder(before, products))];
  }

  finish(block: Block, sum: RunningSum, seed: PrimExpr): PrimExpr {
    const wide = sum.map((part) => (part.element === "int16" ? addPairs(part) : part));
    return block.bind(
      "sum",
      wide.reduce((total, part) => total.add(part), seed.broadcast(this.lanes)),
    );
  }
}

/** Keeps the first, third, ... pairs for the next step; widens the sum of both there. */
function everySecond(block: Block, sum: RunningSum, pairs: PrimExpr): RunningSum {
  const waiting = sum.find((part) => part.element === "int16");
  const [total] = sum.filter((part) => part !== waiting);
  if (waiting === undefined) return [...sum, block.bind("pairs", pairs)];
  const wide = addPairs(addInOrder(waiting, pairs));
  return [block.bind("sum", total === undefined ? wide : total.add(wide))];
}

/** Lanes of `value` negated, kept or 0 as those of `signs` are negative, positive or 0; int8x32. */
function withSignsOf(value: PrimExpr, signs: PrimExpr): PrimExpr {
  const operands = [value, signs].map((vector) => reinterpret(vector, "int8x32"));
  return llvmIntrinsic("llvm.x86.avx2.psign.b", "int8x32", operands);
}

/** int16x16: pairs of products of unsigned bytes by signed ones. */
function multiplyBytes(unsigned: PrimExpr, signed: PrimExpr): PrimExpr {
  return llvmIntrinsic("llvm.x86.avx2.pmadd.ub.sw", "int16x16", [unsigned, signed]);
}

/** The sum of int16 lanes, which never saturate: unlike those of plain additions, LLVM leaves the order as it is, so codes stay in few registers. */
function addInOrder(a: PrimExpr, b: PrimExpr): PrimExpr {
  return a.element === "int16" ? llvmIntrinsic("llvm.sadd.sat", a.dtype, [a, b]) : a.add(b);
}

/** int32x8: sums of neighbours. */
function addPairs(pairs: PrimExpr): PrimExpr {
  const ones = int(1, "int16").broadcast(pairs.lanes);
  return llvmIntrinsic("llvm.x86.avx2.pmadd.wd", "int32x8", [pairs, ones]);
}
