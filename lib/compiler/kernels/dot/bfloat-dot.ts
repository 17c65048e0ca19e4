/**
 * Dot products of bfloat16 pairs with float32 sums: AVX512_BF16. vdpbf16ps adds both products of a pair to one of 16 sums; it rounds
 * to nearest even whatever the thread's mode and takes denormals for zero, in and out.
 *
 * TVM 0.27 has no code for vectors of bfloat16 in its LLVM generator. Pairs are therefore int32 lanes, and two functions in LLVM IR give
 * the instructions their type.
 */
import type { PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { llvmFunction } from "../../ir/vector.js";

/** Forms of bfloat16 products by name. */
export type BfloatDotName = "avx512bf16";

/** Columns that `roundColumns` takes. */
export const ROUNDED_COLUMNS = 32;

const ROUND = "mlc_round_to_bfloat16";
const DOT = "mlc_bfloat16_dot";

const FUNCTIONS = `
declare <32 x bfloat> @llvm.x86.avx512bf16.cvtne2ps2bf16.512(<16 x float>, <16 x float>)
declare <16 x float> @llvm.x86.avx512bf16.dpbf16ps.512(<16 x float>, <32 x bfloat>, <32 x bfloat>)

define <16 x i32> @${ROUND}(<16 x float> %low, <16 x float> %high) {
  %rounded = call <32 x bfloat> @llvm.x86.avx512bf16.cvtne2ps2bf16.512(<16 x float> %high, <16 x float> %low)
  %pairs = bitcast <32 x bfloat> %rounded to <16 x i32>
  ret <16 x i32> %pairs
}

define <16 x float> @${DOT}(<16 x float> %sums, <16 x i32> %a, <16 x i32> %b) {
  %x = bitcast <16 x i32> %a to <32 x bfloat>
  %y = bitcast <16 x i32> %b to <32 x bfloat>
  %sum = call <16 x float> @llvm.x86.avx512bf16.dpbf16ps.512(<16 x float> %sums, <32 x bfloat> %x, <32 x bfloat> %y)
  ret <16 x float> %sum
}
`;

/** The form for a processor with these LLVM features, if it has one. */
export function bestBfloatDot(features: ReadonlySet<string>): BfloatDotName | undefined {
  return features.has("avx512bf16") ? "avx512bf16" : undefined;
}

/** Lets `roundColumns` and `addPairProducts` stand in a block. */
export function importBfloatDot(block: Block): void {
  block.importLlvm(FUNCTIONS);
}

/** 32 float32 values, 16 and 16, rounded to bfloat16 (nearest, halves to even): 16 pairs in int32 lanes. */
export function roundColumns(low: PrimExpr, high: PrimExpr): PrimExpr {
  return llvmFunction(ROUND, "int32x16", [low, high]);
}

/** `sums` float32x16 plus the products of each lane's pairs, int32x16. */
export function addPairProducts(sums: PrimExpr, a: PrimExpr, b: PrimExpr): PrimExpr {
  return llvmFunction(DOT, sums.dtype, [sums, a, b]);
}
