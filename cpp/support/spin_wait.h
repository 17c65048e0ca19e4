/*!
 * \file support/spin_wait.h
 * \brief Waiting for another thread for a moment without going to sleep.
 */
#ifndef NODE_MLC_SUPPORT_SPIN_WAIT_H_
#define NODE_MLC_SUPPORT_SPIN_WAIT_H_

#include <cstdint>
#include <thread>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(_MSC_VER) && defined(_M_ARM64)
#include <intrin.h>
#endif

namespace node_mlc {

/*! \brief Tells the processor that this thread waits: saves power and leaves the core's units to
 * its sibling. */
inline void PauseProcessor() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(_MSC_VER) && defined(_M_ARM64)
  __isb(_ARM64_BARRIER_SY);
#elif defined(__aarch64__)
  // `yield` does nothing on processors without SMT; this one waits about as long as x86's pause.
  asm volatile("isb" ::: "memory");
#endif
}

/*!
 * \brief One wait: pauses at first, then offers its processor to other threads of the system, which
 * lets the thread that is waited for run where there are more threads than processors.
 *
 * Make a new one for every wait.
 */
class SpinWait {
 public:
  /*! \brief Waits a moment: some ten nanoseconds, later a system call. */
  void Once() {
    if (++rounds_ < kPauses) {
      PauseProcessor();
    } else {
      std::this_thread::yield();
    }
  }

  /*! \brief Calls of Once(). */
  uint32_t rounds() const { return rounds_; }

 private:
  /*! \brief Some ten microseconds: longer than threads differ that share equal work. */
  static constexpr uint32_t kPauses = 1000;

  uint32_t rounds_ = 0;
};

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_SPIN_WAIT_H_
