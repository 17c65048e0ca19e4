/*!
 * \file support/processors.cc
 */
#include "support/processors.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>
#endif

namespace node_mlc {

namespace {

int AllProcessors() { return static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

#if defined(__linux__)

/*! \brief Numbers of the processors in the affinity mask; empty where the system does not tell. */
std::vector<int> AffinityMask() {
  std::vector<int> processors;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return processors;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) processors.push_back(i);
  }
  return processors;
}

/*! \brief Cores with at least one usable processor: siblings have the same list of siblings. */
int UsableCores() {
  const std::vector<int> processors = AffinityMask();
  std::set<std::string> cores;
  for (int processor : processors) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(processor);
    std::ifstream file(folder + "/topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(file, siblings)) return UsableProcessors();
    cores.insert(siblings);
  }
  return processors.empty() ? AllProcessors() : static_cast<int>(cores.size());
}

int Quota() {
  std::ifstream file("/proc/self/cgroup");
  std::ostringstream text;
  text << file.rdbuf();
  return QuotaProcessors(text.str(), "/sys/fs/cgroup");
}

#else

int Quota() { return 0; }

#endif

#if defined(__APPLE__)

int UsableCores() {
  for (const char* name : {"hw.perflevel0.physicalcpu", "hw.physicalcpu"}) {
    int count = 0;
    size_t size = sizeof(count);
    if (sysctlbyname(name, &count, &size, nullptr, 0) == 0 && count > 0) return count;
  }
  return AllProcessors();
}

#elif defined(_WIN32)

/*! \brief The processors of the process within its group of at most 64. */
DWORD_PTR AffinityMask() {
  DWORD_PTR process = 0, system = 0;
  return GetProcessAffinityMask(GetCurrentProcess(), &process, &system) ? process : 0;
}

int UsableCores() {
  const DWORD_PTR mask = AffinityMask();
  DWORD bytes = 0;
  GetLogicalProcessorInformation(nullptr, &bytes);
  std::vector<SYSTEM_LOGICAL_PROCESSOR_INFORMATION> parts(
      bytes / sizeof(SYSTEM_LOGICAL_PROCESSOR_INFORMATION));
  if (parts.empty() || !GetLogicalProcessorInformation(parts.data(), &bytes)) {
    return UsableProcessors();
  }
  const auto is_core = [mask](const SYSTEM_LOGICAL_PROCESSOR_INFORMATION& part) {
    return part.Relationship == RelationProcessorCore && (part.ProcessorMask & mask) != 0;
  };
  return static_cast<int>(std::count_if(parts.begin(), parts.end(), is_core));
}

#elif !defined(__linux__)

int UsableCores() { return AllProcessors(); }

#endif

}  // namespace

int UsableProcessors() {
#if defined(__linux__)
  const int count = static_cast<int>(AffinityMask().size());
  return count > 0 ? count : AllProcessors();
#elif defined(_WIN32)
  int count = 0;
  for (DWORD_PTR mask = AffinityMask(); mask != 0; mask &= mask - 1) ++count;
  return count > 0 ? count : AllProcessors();
#else
  return AllProcessors();
#endif
}

int DefaultThreads() {
  const int cores = std::max(1, UsableCores());
  const int quota = Quota();
  return quota > 0 ? std::min(cores, quota) : cores;
}

}  // namespace node_mlc
