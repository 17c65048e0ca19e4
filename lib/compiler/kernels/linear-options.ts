import { MlcError } from "../../errors.js";
import { Buffer, type IndexDtype } from "../ir/buffer.js";
import { type ExprLike, variable } from "../ir/prim-expr.js";
import { BLOCK_ROWS, isQuantized, packedShape, type WeightFormat } from "../quantization/format.js";
import { activationBuffer } from "./activation-blocks.js";
import type { BfloatDotName } from "./dot/bfloat-dot.js";
import type { DotFormName } from "./dot/dot-forms.js";
import type { LinearTuning } from "./linear-tuning.js";
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
  /**
   * What is done with a finished sum. "silu-mul" is `silu(gate) * up` of two segments of equal rows, or of one whose row blocks take
   * turns, 16 gates and 16 ups: its bytes are read in one stream. "gelu" and "tanh" are those of the sum with its bias.
   */
  readonly epilogue?: "none" | "residual" | "gelu" | "tanh" | "silu-mul";
  /** 1: a matrix-vector kernel; "n": a matrix-matrix kernel for a symbolic number of rows. */
  readonly tokens: 1 | "n";
  /** Width of the target's vector registers in bits; decides the register tile of float32 arithmetic. Default 512. */
  readonly vectorBits?: number;
  /** Multiplies 8-bit integers in this form; all weights must be quantised. Absent: float32 arithmetic. */
  readonly dot?: DotFormName;
  /** Rounds x to bfloat16 and multiplies pairs of columns in this form; all weights must be bf16. Not together with `dot`. */
  readonly bfloatDot?: BfloatDotName;
  /**
   * With `dot`: what x is. "int8": activation blocks (the default); for one token also "float32", rows that the kernel quantises,
   * or "norm", rows that it normalises first (RMS, with `epsilon` and a weight parameter).
   */
  readonly input?: "int8" | "float32" | "norm";
  /** Added to the mean square of "norm". */
  readonly epsilon?: number;
  /** With `dot`: "int8" stores the outputs, a multiple of 32, as activation blocks. Default "float32". */
  readonly output?: "float32" | "int8";
  /** With `dot`, for any number of tokens: leaves out the way that the caller's tokens do not take. "many" needs a tile's worth. */
  readonly only?: "few" | "many";
  /** Departures from the form's default blocking. */
  readonly tuning?: Partial<LinearTuning>;
}

/** The blocking to use for a kernel, if it is known. */
export type LinearTuner = (options: LinearOptions) => LinearTuning | undefined;

/** A segment with its parameters and its place in the output. */
export interface SegmentBuffers extends LinearSegment {
  readonly weight: Buffer;
  readonly bias: Buffer | undefined;
  /** First output column; 0 for "silu-mul". */
  readonly offset: number;
  /** Blocks of 16 rows, the last one perhaps incomplete. */
  readonly blocks: number;
}

/** The parameters of a linear kernel, in the order of `parameters`. */
export interface LinearBuffers {
  readonly n: ExprLike;
  readonly x: Buffer;
  /** The weight of "norm". */
  readonly norm: Buffer | undefined;
  readonly segments: readonly SegmentBuffers[];
  readonly residual: Buffer | undefined;
  readonly output: Buffer;
  readonly outputs: number;
  readonly gated: boolean;
  /** Taken of the sums with their biases. */
  readonly activation: "gelu" | "tanh" | undefined;
}

/** Makes the parameter of a packed weight. */
export type WeightParameter = (name: string, format: WeightFormat, rows: number, columns: number) => Buffer;

/** Makes the parameters; throws ERR_INVALID_ARGUMENT for segments or forms of rows that do not go together. */
export function linearBuffers(
  options: LinearOptions,
  makeWeight: WeightParameter = weightBuffer,
  index: IndexDtype = "int64",
): LinearBuffers {
  const { columns, epilogue = "none", input, output } = options;
  checkSegments(options);
  checkIntegers(options);
  checkBfloats(options);
  const gated = epilogue === "silu-mul";
  const segments = segmentBuffers(options, gated, makeWeight, index);
  const outputs = outputCount(options);
  const n = options.tokens === 1 ? 1 : variable("n", index);
  const integers = options.dot !== undefined && (input ?? "int8") === "int8";
  return {
    n,
    x: integers ? activationBuffer("x", n, columns) : new Buffer("x", [n, columns], "float32", index),
    norm: input === "norm" ? new Buffer("norm_weight", [columns], "float32") : undefined,
    segments,
    residual: epilogue === "residual" ? new Buffer("residual", [n, outputs], "float32", index) : undefined,
    output:
      output === "int8"
        ? activationBuffer("output", n, outputs)
        : new Buffer("output", [n, outputs], "float32", index),
    outputs,
    gated,
    activation: epilogue === "gelu" || epilogue === "tanh" ? epilogue : undefined,
  };
}

/** Columns of the result. */
function outputCount({ segments, epilogue }: LinearOptions): number {
  const rows = segments.reduce((sum, segment) => sum + segment.rows, 0);
  return epilogue === "silu-mul" ? rows / 2 : rows;
}

function segmentBuffers(
  { segments, columns, bias }: LinearOptions,
  gated: boolean,
  makeWeight: WeightParameter,
  index: IndexDtype,
): SegmentBuffers[] {
  let offset = 0;
  return segments.map((segment, number) => {
    const { rows, format } = segment;
    const result = {
      ...segment,
      weight: makeWeight(`weight${number}`, format, rows, columns),
      bias: bias ? new Buffer(`bias${number}`, [rows], "float32", index) : undefined,
      offset,
      blocks: packedShape(format, rows, columns)[0],
    };
    if (!gated) offset += rows;
    return result;
  });
}

function checkSegments({ segments, epilogue, bias = false }: LinearOptions): void {
  const gated = epilogue === "silu-mul";
  if (segments.length === 0 || (gated && !isGateable(segments)))
    throw invalid(
      gated
        ? `two segments of equal rows or one of a multiple of ${PANEL_ROWS} rows for silu-mul`
        : "at least one segment",
      `rows [${segments.map(({ rows }) => rows)}]`,
    );
  if (gated && bias) throw invalid("no bias together with silu-mul", "one");
}

function isGateable([first, second, ...more]: readonly LinearSegment[]): boolean {
  if (first === undefined || more.length > 0) return false;
  return second === undefined ? first.rows % PANEL_ROWS === 0 : first.rows === second.rows;
}

/** What 8-bit integers need. */
function checkIntegers(options: LinearOptions): void {
  const { dot, segments, input, output, tokens } = options;
  if (dot === undefined) {
    if (input !== undefined || output === "int8")
      throw invalid("a form of integer products for 8-bit rows", `input ${input} and output ${output}`);
    return;
  }
  const unquantized = segments.find(({ format }) => !isQuantized(format));
  if (unquantized !== undefined) throw invalid("quantised weights for integer products", unquantized.format);
  if (tokens === "n" && input !== undefined && input !== "int8")
    throw invalid("activation blocks as the input of many tokens", input);
  const outputs = outputCount(options);
  if (output === "int8" && (options.epilogue !== "silu-mul" || outputs % PANEL_ROWS !== 0))
    throw invalid(
      `silu-mul outputs in multiples of ${PANEL_ROWS} to store as activation blocks`,
      `${outputs} of "${options.epilogue ?? "none"}"`,
    );
}

/** What bfloat16 products need. */
function checkBfloats({ bfloatDot, dot, segments }: LinearOptions): void {
  if (bfloatDot === undefined) return;
  const other = segments.find(({ format }) => format !== "bf16");
  if (other !== undefined) throw invalid("bf16 weights for bfloat16 products", other.format);
  if (dot !== undefined) throw invalid("one form of products", `${bfloatDot} and ${dot}`);
}

function invalid(expected: string, received: string): MlcError {
  return new MlcError("ERR_INVALID_ARGUMENT", `Expected ${expected} but received ${received}.`);
}

/** The parameters in call order: x, norm weight, weights, biases, residual, output. */
export function linearParameters({ x, norm, segments, residual, output }: LinearBuffers): Buffer[] {
  const present = (buffer: Buffer | undefined) => (buffer === undefined ? [] : [buffer]);
  return [
    x,
    ...present(norm),
    ...segments.map(({ weight }) => weight),
    ...segments.flatMap(({ bias }) => present(bias)),
    ...present(residual),
    output,
  ];
}

/** Two row blocks that a kernel computes together: 32 outputs side by side, or 16 gates and their 16 ups. */
export const PANEL_BLOCKS = 2;
/** Outputs of a panel's two blocks. */
export const PANEL_ROWS = PANEL_BLOCKS * BLOCK_ROWS;
