/*!
 * \file processors_test.cc
 * \brief Cores, affinity and quotas.
 */
#include "support/processors.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "check.h"

#ifdef __linux__
#include <sched.h>
#endif

namespace {

/*! \brief A folder like /sys/fs/cgroup. */
class FakeMount {
 public:
  FakeMount() : folder_(std::filesystem::temp_directory_path() / "node-mlc-quota-test") {
    std::filesystem::remove_all(folder_);
  }
  ~FakeMount() { std::filesystem::remove_all(folder_); }

  void Write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text << "\n";
  }
  std::string path() const { return folder_.string(); }

 private:
  const std::filesystem::path folder_;
};

}  // namespace

TEST("processors: there is at least one, and no more threads than those") {
  CHECK(node_mlc::UsableProcessors() >= 1);
  CHECK(node_mlc::DefaultThreads() >= 1);
  CHECK(node_mlc::DefaultThreads() <= node_mlc::UsableProcessors());
}

TEST("processors: no quota without groups") {
  const FakeMount mount;
  CHECK_EQUAL(node_mlc::QuotaProcessors("", mount.path()), 0);
  CHECK_EQUAL(node_mlc::QuotaProcessors("0::/a\n", mount.path()), 0);
  CHECK_EQUAL(node_mlc::QuotaProcessors("nonsense\n:\n", mount.path()), 0);
}

TEST("processors: the least quota of a group and those above it") {
  const FakeMount mount;
  mount.Write("cpu.max", "max 100000");
  mount.Write("a/cpu.max", "350000 100000");
  mount.Write("a/b/cpu.max", "600000 100000");
  mount.Write("c/cpu.max", "20000 100000");
  CHECK_EQUAL(node_mlc::QuotaProcessors("0::/\n", mount.path()), 0);
  CHECK_EQUAL(node_mlc::QuotaProcessors("0::/a\n", mount.path()), 3);
  CHECK_EQUAL(node_mlc::QuotaProcessors("0::/a/b\n", mount.path()), 3);
  CHECK_EQUAL(node_mlc::QuotaProcessors("0::/c\n", mount.path()), 1);
}

TEST("processors: quotas of version 1") {
  const FakeMount mount;
  const std::string self = "5:memory:/m\n4:cpu,cpuacct:/a\n0::/\n";
  CHECK_EQUAL(node_mlc::QuotaProcessors(self, mount.path()), 0);
  mount.Write("cpu/a/cpu.cfs_quota_us", "-1");
  mount.Write("cpu/a/cpu.cfs_period_us", "100000");
  CHECK_EQUAL(node_mlc::QuotaProcessors(self, mount.path()), 0);
  mount.Write("cpu/cpu.cfs_quota_us", "200000");
  mount.Write("cpu/cpu.cfs_period_us", "100000");
  CHECK_EQUAL(node_mlc::QuotaProcessors(self, mount.path()), 2);
}

#ifdef __linux__
TEST("processors: those outside of the affinity mask do not count") {
  cpu_set_t before, one;
  CHECK_EQUAL(sched_getaffinity(0, sizeof(before), &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  CHECK_EQUAL(sched_setaffinity(0, sizeof(one), &one), 0);
  const int usable = node_mlc::UsableProcessors(), threads = node_mlc::DefaultThreads();
  sched_setaffinity(0, sizeof(before), &before);
  CHECK_EQUAL(usable, 1);
  CHECK_EQUAL(threads, 1);
}
#endif
