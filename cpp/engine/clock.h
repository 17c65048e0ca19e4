/*!
 * \file engine/clock.h
 * \brief The clock of the engine: monotonic, of one machine.
 */
#ifndef NODE_MLC_ENGINE_CLOCK_H_
#define NODE_MLC_ENGINE_CLOCK_H_

#include <chrono>

namespace node_mlc {

using Clock = std::chrono::steady_clock;

inline double MillisecondsBetween(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

inline double SecondsBetween(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_CLOCK_H_
