/** What a kernel may know of the processor it is made for. */
export interface KernelTarget {
  /** LLVM processor name, e.g. "znver5"; absent where no particular one is meant. */
  readonly cpu?: string;
  /** Width of a vector register in bits. */
  readonly vectorBits: number;
  /** Instruction set extensions the code may use, LLVM names: `features.has("avx512vnni")`. */
  readonly features: ReadonlySet<string>;
}
