/*!
 * \file support/cpu_quota.cc
 * \brief The CPU quota of Linux control groups.
 */
#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "support/processors.h"

namespace node_mlc {

namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

/*! \brief Quota over period of one group, in processors; version 2 has both in one file. */
double QuotaOf(const std::string& group, bool unified) {
  double quota = 0, period = 0;
  if (unified) {
    std::ifstream file(group + "/cpu.max");  // "50000 100000" or "max 100000"
    if (!(file >> quota >> period)) return kUnlimited;
  } else {
    std::ifstream quota_file(group + "/cpu.cfs_quota_us");
    std::ifstream period_file(group + "/cpu.cfs_period_us");
    if (!(quota_file >> quota) || !(period_file >> period)) return kUnlimited;
  }
  return quota > 0 && period > 0 ? quota / period : kUnlimited;  // -1 is none in version 1
}

/*! \brief The least quota of the group `path` below `root` and of those above it. */
double LeastQuota(const std::string& root, std::string path, bool unified) {
  double least = kUnlimited;
  while (true) {
    least = std::min(least, QuotaOf(root + path, unified));
    if (path.empty()) return least;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
}

/*! \brief Whether `name` is among the names in `list`, which commas divide. */
bool Lists(const std::string& list, const std::string& name) {
  return ("," + list + ",").find("," + name + ",") != std::string::npos;
}

}  // namespace

int QuotaProcessors(const std::string& self, const std::string& mount) {
  double least = kUnlimited;
  std::istringstream lines(self);
  // "0::/group" in version 2, "4:cpu,cpuacct:/group" in version 1
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, LeastQuota(mount, path, /*unified=*/true));
    } else if (Lists(controllers, "cpu")) {
      least = std::min(least, LeastQuota(mount + "/cpu", path, /*unified=*/false));
    }
  }
  return least == kUnlimited ? 0 : std::max(1, static_cast<int>(least));
}

}  // namespace node_mlc
