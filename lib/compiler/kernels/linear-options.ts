import { MlcError } from "../../errors.js";
import { Buffer } from "../ir/buffer.js";
import { type ExprLike, variable } from "../ir/prim-expr.js";
import { BLOCK_ROWS, packedShape, type WeightFormat } from "../quantization/format.js";
import { weightBuffer } from "./weight-blocks.js";

/** One weight of a matrix product. */
export interface LinearSegment {
  readonly format: WeightFormat;
  /** Outputs of this weight. */
  readonly rows: number;
}

export interface LinearOptions {
  /** Width of the input. */
  readonly columns: number;
  /** Weights [rows, columns] whose outputs stand side by side; formats may differ. */
  readonly segments: readonly LinearSegment[];
  /** Whether every segment has a bias float32[rows]. */
  readonly bias?: boolean;
  /** What is done with a finished sum; "silu-mul" takes two segments of equal rows: silu(first) * second. */
  readonly epilogue?: "none" | "residual" | "silu-mul";
  /** 1: a matrix-vector kernel; "n": a matrix-matrix kernel for a symbolic number of rows. */
  readonly tokens: 1 | "n";
  /** Width of the target's vector registers in bits; decides the register tile. Default 512. */
  readonly vectorBits?: number;
}

/** A segment with its parameters and its place in the output. */
export interface SegmentBuffers extends LinearSegment {
  readonly weight: Buffer;
  readonly bias: Buffer | undefined;
  /** First output column; 0 for both segments of "silu-mul". */
  readonly offset: number;
  /** Blocks of 16 rows, the last one perhaps incomplete. */
  readonly blocks: number;
}

/** The parameters of a linear kernel, in the order of `parameters`. */
export interface LinearBuffers {
  readonly n: ExprLike;
  readonly x: Buffer;
  readonly segments: readonly SegmentBuffers[];
  readonly residual: Buffer | undefined;
  readonly output: Buffer;
  readonly outputs: number;
  readonly gated: boolean;
}

/** Makes the parameters; throws ERR_INVALID_ARGUMENT for segments that do not fit the epilogue. */
export function linearBuffers(options: LinearOptions): LinearBuffers {
  const { columns, bias = false, epilogue = "none" } = options;
  const gated = epilogue === "silu-mul";
  const [first, second] = options.segments;
  if (first === undefined || (gated && (options.segments.length !== 2 || first.rows !== second?.rows))) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected ${gated ? "two segments of equal rows for silu-mul" : "at least one segment"} but received rows [${options.segments.map(({ rows }) => rows)}].`,
    );
  }
  if (gated && bias) {
    throw new MlcError("ERR_INVALID_ARGUMENT", "Expected no bias together with silu-mul but received one.");
  }
  let offset = 0;
  const segments = options.segments.map((segment, index) => {
    const { rows, format } = segment;
    const result = {
      ...segment,
      weight: weightBuffer(`weight${index}`, format, rows, columns),
      bias: bias ? new Buffer(`bias${index}`, [rows], "float32") : undefined,
      offset,
      blocks: packedShape(format, rows, columns)[0],
    };
    if (!gated) offset += rows;
    return result;
  });
  const outputs = gated ? first.rows : offset;
  const n = options.tokens === 1 ? 1 : variable("n");
  return {
    n,
    x: new Buffer("x", [n, columns], "float32"),
    segments,
    residual: epilogue === "residual" ? new Buffer("residual", [n, outputs], "float32") : undefined,
    output: new Buffer("output", [n, outputs], "float32"),
    outputs,
    gated,
  };
}

/** The parameters in call order: x, weights, biases, residual, output. */
export function linearParameters({ x, segments, residual, output }: LinearBuffers): Buffer[] {
  const biases = segments.flatMap(({ bias }) => (bias === undefined ? [] : [bias]));
  return [
    x,
    ...segments.map(({ weight }) => weight),
    ...biases,
    ...(residual === undefined ? [] : [residual]),
    output,
  ];
}

/** Two row blocks that a kernel computes together: 32 outputs side by side, or 16 gates and their 16 ups. */
export const PANEL_BLOCKS = 2;
/** Outputs of a panel's two blocks. */
export const PANEL_ROWS = PANEL_BLOCKS * BLOCK_ROWS;
