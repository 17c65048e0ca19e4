/*!
 * \file engine/load_progress.h
 * \brief How a load reports what it does and learns that it should give up.
 */
#ifndef NODE_MLC_ENGINE_LOAD_PROGRESS_H_
#define NODE_MLC_ENGINE_LOAD_PROGRESS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "support/coded_error.h"

namespace node_mlc {

/*! \brief Passed down through the steps of one load; engine thread only, except for the flag. */
class LoadProgress {
 public:
  using Report = std::function<void(int64_t done, int64_t total, const char* phase)>;

  LoadProgress(Report report, const std::atomic<bool>& stopped)
      : report_(std::move(report)), stopped_(stopped) {}

  /*! \brief Reports a phase; throws CodedError(ERR_ABORTED) when the load was cancelled. */
  void Advance(const char* phase, int64_t done, int64_t total) const {
    if (stopped_) throw CodedError("ERR_ABORTED", "The load was cancelled.");
    report_(done, total, phase);
  }

 private:
  const Report report_;
  const std::atomic<bool>& stopped_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_LOAD_PROGRESS_H_
