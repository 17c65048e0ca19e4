import type { GpuKind } from "../../package/manifest.js";

/** What a kernel may know of the processor it is made for. */
export interface KernelTarget {
  /** LLVM processor name, e.g. "znver5"; absent where no particular one is meant. */
  readonly cpu?: string;
  /** Width of a vector register in bits. */
  readonly vectorBits: number;
  /** Instruction set extensions the code may use, LLVM names: `features.has("avx512vnni")`. */
  readonly features: ReadonlySet<string>;
  /** Of a GPU: kernels run there, and the processor only launches them. */
  readonly gpu?: GpuTraits;
}

export type { GpuKind };

/** What a kernel may know of a GPU. The same kernels serve all of them; these numbers are what differs. */
export interface GpuTraits {
  readonly kind: GpuKind;
  /** Most threads of a block. */
  readonly maxThreads: number;
  /** Bytes that the threads of a block can share. */
  readonly sharedBytes: number;
  /** Whether kernels may use the type float16; where not, halves are converted by integer operations. */
  readonly half: boolean;
}
