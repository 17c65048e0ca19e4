/**
 * Sums of products of 8-bit integers, as processors offer them: int32 lanes, each adding the products of 4 consecutive weight codes
 * with 4 consecutive activation codes. Integer sums are exact, so all forms give the same results.
 */
import type { PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { llvmIntrinsic, reinterpret } from "../ir/vector.js";

/** Weight codes: 0 to 15 in a byte, or -128 to 127. */
export type CodeKind = "unsigned4" | "signed8";

/** Code vectors as `prepare` made them, and running sums: their meaning belongs to the form. */
export type Prepared = readonly PrimExpr[];
export type RunningSum = readonly PrimExpr[];

/** One way to multiply. */
export interface DotForm {
  readonly name: string;
  /** int32 lanes (weight rows) of one vector. */
  readonly lanes: 16 | 8 | 4;
  /** What `prepare` adds to codes of a kind; the caller takes it away with the zero point. */
  offset(kind: CodeKind): number;
  /** Readies a vector of 4 codes a lane, uint8x(4 * lanes), once for all activations it meets. */
  prepare(block: Block, codes: PrimExpr, kind: CodeKind): Prepared;
  /** Begins sums at `seed`, int32xlanes. */
  start(seed: PrimExpr): RunningSum;
  /** Adds the products with `x`, 4 activation codes as one int32. */
  add(block: Block, sum: RunningSum, codes: Prepared, x: PrimExpr, kind: CodeKind): RunningSum;
  /** The sums, int32xlanes. */
  finish(block: Block, sum: RunningSum): PrimExpr;
}

/** VNNI: one instruction multiplies unsigned by signed bytes and adds. Signed weight codes are moved to 0 to 255. */
class VnniDot implements DotForm {
  readonly name: string;
  readonly lanes: 16 | 8;

  constructor(lanes: 16 | 8) {
    this.lanes = lanes;
    this.name = `vnni${lanes * 32}`;
  }

  offset(kind: CodeKind): number {
    return kind === "signed8" ? 128 : 0;
  }

  prepare(block: Block, codes: PrimExpr, kind: CodeKind): Prepared {
    return [block.bind("codes", kind === "signed8" ? codes.add(128) : codes)];
  }

  start(seed: PrimExpr): RunningSum {
    return [seed];
  }

  add(block: Block, sum: RunningSum, codes: Prepared, x: PrimExpr): RunningSum {
    const [total, weights] = [only(sum), only(codes)];
    const bytes = this.lanes * 4;
    const activations = reinterpret(x.broadcast(this.lanes), `int8x${bytes}`);
    const name = `llvm.x86.avx512.vpdpbusd.${this.lanes * 32}`;
    return [block.bind("sum", llvmIntrinsic(name, total.dtype, [total, weights, activations]))];
  }

  finish(_block: Block, sum: RunningSum): PrimExpr {
    return only(sum);
  }
}

function only(vectors: readonly PrimExpr[]): PrimExpr {
  const [first] = vectors;
  if (first === undefined) throw new RangeError("a vector is missing");
  return first;
}

/** Forms by name, for the options of kernels. */
export const DOT_FORMS = ["vnni512", "vnni256"] as const;
export type DotFormName = (typeof DOT_FORMS)[number];

const FORMS: Readonly<Record<DotFormName, DotForm>> = {
  vnni512: new VnniDot(16),
  vnni256: new VnniDot(8),
};

/** The form of a name. */
export function dotForm(name: DotFormName): DotForm {
  return FORMS[name];
}

/** The best form for a processor with these LLVM features, if it has one. */
export function bestDotForm(features: ReadonlySet<string>): DotFormName | undefined {
  if (features.has("avx512vnni")) return "vnni512";
  if (features.has("avxvnni")) return "vnni256";
  return undefined;
}
