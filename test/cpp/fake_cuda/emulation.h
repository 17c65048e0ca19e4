/*!
 * \file fake_cuda/emulation.h
 * \brief What CUDA C++ needs to be compiled for the processor and run there: the fake NVRTC puts it
 * before the source.
 *
 * A block's threads are fibers of one thread, which take turns at barriers, upwards and downwards
 * alternately: a barrier that is missing shows as a wrong result. Blocks run one after the other.
 */
#ifndef NODE_MLC_TEST_EMULATION_H_
#define NODE_MLC_TEST_EMULATION_H_

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)

namespace emulation {

struct Index {
  unsigned x, y, z;
};

/*! \brief CUDA_ERROR_LAUNCH_FAILED. */
constexpr int kLaunchFailed = 719;
constexpr size_t kStackBytes = 256 << 10;

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack;
  Index index;
  bool ended;
};

inline Index thread, block;
inline ucontext_t scheduler;
inline Fiber* running;
inline void (*kernel)(void**);
inline void** arguments;

inline void Body() {
  kernel(arguments);
  running->ended = true;
}

inline void Barrier() { swapcontext(&running->context, &scheduler); }

inline void Continue(Fiber* fiber) {
  running = fiber;
  thread = fiber->index;
  swapcontext(&scheduler, &fiber->context);
}

/*! \brief Whether all threads of the block came to all of its barriers. */
inline bool RunBlock(std::vector<Fiber>* fibers) {
  for (Fiber& fiber : *fibers) {
    fiber.ended = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = &scheduler;
    makecontext(&fiber.context, Body, 0);
  }
  for (bool upwards = true;; upwards = !upwards) {
    const size_t count = fibers->size();
    for (size_t i = 0; i < count; ++i) Continue(&(*fibers)[upwards ? i : count - 1 - i]);
    const auto ended =
        std::count_if(fibers->begin(), fibers->end(), [](const Fiber& each) { return each.ended; });
    if (ended > 0) return ended == static_cast<std::ptrdiff_t>(count);
  }
}

}  // namespace emulation

/*! \brief Runs a kernel's grid; what cuLaunchKernel returns. */
extern "C" inline __attribute__((used, visibility("default"))) int emulated_launch(
    void (*kernel)(void**), void** arguments, const unsigned* grid, unsigned threads) {
  static std::vector<emulation::Fiber> fibers;
  while (fibers.size() < threads) {
    fibers.push_back({{}, std::make_unique<char[]>(emulation::kStackBytes), {}, false});
  }
  fibers.resize(threads);
  for (unsigned i = 0; i < threads; ++i) fibers[i].index = {i, 0, 0};
  emulation::kernel = kernel;
  emulation::arguments = arguments;
  for (unsigned z = 0; z < grid[2]; ++z) {
    for (unsigned y = 0; y < grid[1]; ++y) {
      for (unsigned x = 0; x < grid[0]; ++x) {
        emulation::block = {x, y, z};
        if (!emulation::RunBlock(&fibers)) return emulation::kLaunchFailed;
      }
    }
  }
  return 0;
}

// In a namespace, because CUDA's int64_t is another type than the system's.
namespace device {

static const emulation::Index& threadIdx = emulation::thread;
static const emulation::Index& blockIdx = emulation::block;
inline void __syncthreads() { emulation::Barrier(); }

#define EMULATED_VECTORS(type, name)                       \
  struct alignas(2 * sizeof(type)) name##2 { type x, y; }; \
  struct alignas(4 * sizeof(type)) name##4 { type x, y, z, w; };
EMULATED_VECTORS(int, int)
EMULATED_VECTORS(unsigned, uint)
EMULATED_VECTORS(float, float)
EMULATED_VECTORS(unsigned short, ushort)

inline float __int_as_float(int bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline int min(int a, int b) { return std::min(a, b); }
inline int max(int a, int b) { return std::max(a, b); }
inline long long min(long long a, long long b) { return std::min(a, b); }
inline long long max(long long a, long long b) { return std::max(a, b); }

/*! \brief The two instructions that the header of generated code spells out. */
inline void HalfOf(unsigned short& bits, float value) {
  const _Float16 half = static_cast<_Float16>(value);
  std::memcpy(&bits, &half, sizeof half);
}
inline void FloatOf(float& value, unsigned short bits) {
  _Float16 half;
  std::memcpy(&half, &bits, sizeof half);
  value = static_cast<float>(half);
}

}  // namespace device

// C++ wants its own before the storage class; CUDA's compiler takes it after.
#define alignas(bytes) __attribute__((aligned(bytes)))

#endif  // NODE_MLC_TEST_EMULATION_H_
