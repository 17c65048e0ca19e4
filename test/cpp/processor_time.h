/*!
 * \file processor_time.h
 * \brief What this process has cost.
 */
#ifndef NODE_MLC_TEST_CPP_PROCESSOR_TIME_H_
#define NODE_MLC_TEST_CPP_PROCESSOR_TIME_H_

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/resource.h>
#endif

namespace node_mlc_test {

/*! \brief Seconds that all threads of the process have computed so far, system calls included. */
inline double ProcessorSeconds() {
#ifdef _WIN32
  FILETIME created, exited, kernel, user;
  GetProcessTimes(GetCurrentProcess(), &created, &exited, &kernel, &user);
  const auto seconds = [](const FILETIME& time) {
    return (time.dwHighDateTime * 4294967296.0 + time.dwLowDateTime) * 1e-7;
  };
  return seconds(kernel) + seconds(user);
#else
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return time.tv_sec + 1e-6 * time.tv_usec; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
#endif
}

}  // namespace node_mlc_test

#endif  // NODE_MLC_TEST_CPP_PROCESSOR_TIME_H_
