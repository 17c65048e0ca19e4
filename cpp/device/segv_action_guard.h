/*!
 * \file device/segv_action_guard.h
 * \brief Keeps a driver from taking the process's SIGSEGV action.
 */
#ifndef NODE_MLC_DEVICE_SEGV_ACTION_GUARD_H_
#define NODE_MLC_DEVICE_SEGV_ACTION_GUARD_H_

#ifndef _WIN32
#include <signal.h>
#endif

namespace node_mlc {

/*! \brief Puts the process's SIGSEGV action back: drivers may set theirs, V8 needs its own. */
struct SegvActionGuard {
  SegvActionGuard() {
#ifndef _WIN32
    sigaction(SIGSEGV, nullptr, &before);
#endif
  }
  ~SegvActionGuard() {
#ifndef _WIN32
    sigaction(SIGSEGV, &before, nullptr);
#endif
  }
  SegvActionGuard(const SegvActionGuard&) = delete;
  SegvActionGuard& operator=(const SegvActionGuard&) = delete;

#ifndef _WIN32
  struct sigaction before;
#endif
};

}  // namespace node_mlc

#endif  // NODE_MLC_DEVICE_SEGV_ACTION_GUARD_H_
