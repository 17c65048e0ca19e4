// What generated CUDA C++ begins with: all that it needs of headers, so that compiling needs none of NVIDIA's.
import { MlcError } from "../../errors.js";

const TYPES = `
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long long ulong;
static_assert(sizeof(int64_t) == 8 && sizeof(void*) == 8, "expected 64 bits");
`;

/**
 * TVM writes the fast functions of float32. Their error grows with the argument: __sinf knows nothing of the angle of a late position.
 */
const EXACT_FUNCTIONS = `
#define __expf(x) expf(x)
#define __logf(x) logf(x)
#define __sinf(x) sinf(x)
#define __cosf(x) cosf(x)
`;

/** The type half with its conversions, rounded to the next one, halves to even. */
const HALF = `
struct alignas(2) half {
  ushort bits;
  half() = default;
  __device__ explicit half(float value) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value)); }
  __device__ explicit operator float() const {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
  }
};
`;

const CONSTANTS = `
#define CUDART_INF_F __int_as_float(0x7f800000)
#define CUDART_NAN_F __int_as_float(0x7fffffff)
`;

/** By the tags with which TVM's generator asks for more than the types. */
const SECTIONS: Readonly<Record<string, string>> = { fp16: HALF, math_constants: CONSTANTS };

/**
 * The head of a source.
 * @param tags what the source uses, in the words of TVM's generator.
 * @throws MlcError ERR_COMPILE for a tag that none of our kernels needs.
 */
export function cudaHeader(tags: readonly string[]): string {
  const sections = tags.map((tag) => {
    const section = SECTIONS[tag];
    if (section !== undefined) return section;
    throw new MlcError(
      "ERR_COMPILE",
      `Expected kernels for CUDA to use only types and functions of ${Object.keys(SECTIONS).join(", ")} but one needs "${tag}": give cuda-header.ts a section for it.`,
    );
  });
  return [TYPES, EXACT_FUNCTIONS, ...sections].join("");
}
