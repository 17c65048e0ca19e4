import type { GpuKind } from "../../package/manifest.js";
import type { IndexDtype } from "../ir/buffer.js";

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
  /** Whether 16 bits may be taken for a float16; where not, halves are converted by integer operations. */
  readonly half: boolean;
  /** Type of the indices of the KV pages, of which a large GPU has more than 2^31 elements. */
  readonly pageIndex: IndexDtype;
  /** What elements of a float16 KV cache are passed as. */
  readonly pageHalf: "uint16" | "float16";
}
