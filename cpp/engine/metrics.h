/*!
 * \file engine/metrics.h
 * \brief Counters of one engine.
 */
#ifndef NODE_MLC_ENGINE_METRICS_H_
#define NODE_MLC_ENGINE_METRICS_H_

#include <cstdint>

namespace node_mlc {

/*! \brief A snapshot; plain data, copied between threads under a lock. */
struct EngineStats {
  int32_t waiting = 0;
  int32_t running = 0;
  int32_t pages_total = 0;
  int32_t pages_free = 0;
  int32_t pages_peak = 0;
  int64_t steps = 0;
  /*! \brief Prompt tokens computed, preempted ones again. */
  int64_t prompt_tokens = 0;
  int64_t generated_tokens = 0;
  int64_t finished = 0;
  int64_t aborted = 0;
  int64_t failed = 0;
  int64_t preemptions = 0;
  double forward_ms = 0.0;
  double sampling_ms = 0.0;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_METRICS_H_
