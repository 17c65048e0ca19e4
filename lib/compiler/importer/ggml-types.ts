// The element types of source tensors and how many bytes their blocks take (ggml.h and ggml-common.h for the quantised ones).

/** Element type of a source tensor: plain floats or one of ggml's block formats. */
export type SourceDtype =
  | "f32"
  | "f16"
  | "bf16"
  | "q4_0"
  | "q4_1"
  | "q5_0"
  | "q5_1"
  | "q8_0"
  | "q2_k"
  | "q3_k"
  | "q4_k"
  | "q5_k"
  | "q6_k";

/** Values that share a block, and the bytes of one. */
export interface BlockSize {
  readonly values: number;
  readonly bytes: number;
}

/** Block sizes by type; a plain float is a block of one. */
export const BLOCK_SIZES: Readonly<Record<SourceDtype, BlockSize>> = {
  f32: { values: 1, bytes: 4 },
  f16: { values: 1, bytes: 2 },
  bf16: { values: 1, bytes: 2 },
  q4_0: { values: 32, bytes: 18 },
  q4_1: { values: 32, bytes: 20 },
  q5_0: { values: 32, bytes: 22 },
  q5_1: { values: 32, bytes: 24 },
  q8_0: { values: 32, bytes: 34 },
  q2_k: { values: 256, bytes: 84 },
  q3_k: { values: 256, bytes: 110 },
  q4_k: { values: 256, bytes: 144 },
  q5_k: { values: 256, bytes: 176 },
  q6_k: { values: 256, bytes: 210 },
};

/** Type numbers of a GGUF tensor info that can be imported. */
const GGML_TYPES: ReadonlyMap<number, SourceDtype> = new Map([
  [0, "f32"],
  [1, "f16"],
  [2, "q4_0"],
  [3, "q4_1"],
  [6, "q5_0"],
  [7, "q5_1"],
  [8, "q8_0"],
  [10, "q2_k"],
  [11, "q3_k"],
  [12, "q4_k"],
  [13, "q5_k"],
  [14, "q6_k"],
  [30, "bf16"],
]);

/** Names of the types that cannot, for the message. */
const OTHER_TYPES: ReadonlyMap<number, string> = new Map([
  [9, "q8_1"],
  [15, "q8_k"],
  [16, "iq2_xxs"],
  [17, "iq2_xs"],
  [18, "iq3_xxs"],
  [19, "iq1_s"],
  [20, "iq4_nl"],
  [21, "iq3_s"],
  [22, "iq2_s"],
  [23, "iq4_xs"],
  [24, "i8"],
  [25, "i16"],
  [26, "i32"],
  [27, "i64"],
  [28, "f64"],
  [29, "iq1_m"],
  [34, "tq1_0"],
  [35, "tq2_0"],
  [39, "mxfp4"],
  [40, "nvfp4"],
]);

/** The importable type of a ggml type number, or undefined. */
export function ggmlDtype(type: number): SourceDtype | undefined {
  return GGML_TYPES.get(type);
}

/** Name of any ggml type number, for messages. */
export function ggmlTypeName(type: number): string {
  return GGML_TYPES.get(type) ?? OTHER_TYPES.get(type) ?? `number ${type}`;
}

/** All importable type names. */
export const IMPORTABLE_DTYPES: readonly SourceDtype[] = [...GGML_TYPES.values()];
