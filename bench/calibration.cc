// What this machine can do at this moment: read bandwidth and int8 multiply-adds of a number of
// threads.
//
//   c++ -O2 -std=c++17 -march=native -pthread calibration.cc -o calibration && ./calibration
//   THREADS
//
// Prints one JSON object. The bandwidth is that of the best of several ways to read (streams a
// thread, prefetch distance), for one plain loop does not reach the limit everywhere. Runs for
// about a second.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#include <sys/mman.h>
#endif

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLineBytes = 64;
// Far beyond any last-level cache share, small enough for little machines.
constexpr size_t kBufferBytes = size_t{512} << 20;
// A thread takes the next chunk when it is done with one, so that a disturbed thread does not hold
// up the others.
constexpr size_t kChunkBytes = size_t{2} << 20;
constexpr int kPasses = 3;
constexpr int kBursts = 5;

typedef uint64_t Line __attribute__((vector_size(kLineBytes)));

// The processors this process may use, one for each thread in turn.
void Pin(int index) {
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  int skip = index % CPU_COUNT(&allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed) || skip-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
#else
  (void)index;
#endif
}

// Seconds from the moment all threads are ready until the last has done its work.
double TimeThreads(int threads, const std::function<void()>& work) {
  std::atomic<int> waiting{0};
  std::vector<Clock::time_point> starts(threads), ends(threads);
  std::vector<std::thread> pool;
  for (int i = 0; i < threads; i++) {
    pool.emplace_back([&, i] {
      Pin(i);
      waiting++;
      while (waiting.load() < threads) std::this_thread::yield();
      starts[i] = Clock::now();
      work();
      ends[i] = Clock::now();
    });
  }
  for (std::thread& thread : pool) thread.join();
  const auto start = *std::min_element(starts.begin(), starts.end());
  const auto end = *std::max_element(ends.begin(), ends.end());
  return std::chrono::duration<double>(end - start).count();
}

// Keeps what was read, so that the loads are not optimised away.
std::atomic<uint64_t> sink{0};

// Reads a chunk as `kStreams` neighbouring parts side by side, asking for lines `distance` bytes
// ahead (0: never).
template <int kStreams>
void ReadChunk(const char* chunk, size_t distance) {
  constexpr size_t kPart = kChunkBytes / kStreams;
  Line sums[kStreams] = {};
  for (size_t i = 0; i < kPart; i += 2 * kLineBytes) {
    for (int s = 0; s < kStreams; s++) {
      const char* at = chunk + s * kPart + i;
      if (distance != 0) {
        __builtin_prefetch(at + distance);
        __builtin_prefetch(at + distance + kLineBytes);
      }
      sums[s] |= *reinterpret_cast<const Line*>(at);
      sums[s] |= *reinterpret_cast<const Line*>(at + kLineBytes);
    }
  }
  for (int s = 1; s < kStreams; s++) sums[0] |= sums[s];
  sink.fetch_or(sums[0][0] | sums[0][7], std::memory_order_relaxed);
}

struct ReadWay {
  int streams;
  size_t distance;
  void (*read)(const char*, size_t);
};

constexpr ReadWay kReadWays[] = {
    {1, 0, ReadChunk<1>},    {1, 1024, ReadChunk<1>}, {1, 2048, ReadChunk<1>},
    {1, 4096, ReadChunk<1>}, {1, 8192, ReadChunk<1>}, {2, 0, ReadChunk<2>},
    {2, 2048, ReadChunk<2>}, {4, 0, ReadChunk<4>},    {4, 1024, ReadChunk<4>},
    {4, 2048, ReadChunk<4>}, {8, 0, ReadChunk<8>},    {8, 1024, ReadChunk<8>},
};

struct Bandwidth {
  double gigabytes_per_s;
  ReadWay way;
};

Bandwidth MeasureRead(int threads, const char* buffer) {
  Bandwidth best{0, kReadWays[0]};
  for (int pass = 0; pass < kPasses; pass++) {
    for (const ReadWay& way : kReadWays) {
      std::atomic<size_t> next{0};
      const double seconds = TimeThreads(threads, [&] {
        for (size_t at; (at = next.fetch_add(kChunkBytes)) < kBufferBytes;) {
          way.read(buffer + at, way.distance);
        }
      });
      const double rate = kBufferBytes / seconds / 1e9;
      if (rate > best.gigabytes_per_s) best = {rate, way};
    }
  }
  return best;
}

// One round of independent int8 multiply-adds on constant registers. The assembler repeats the
// instruction for every accumulator, which no compiler can spill.
#if defined(__AVX512VNNI__)
constexpr const char* kInstruction = "AVX-512 VNNI vpdpbusd";
constexpr double kRoundOps = 24 * 64 * 2;
void Int8Round() {
  asm volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n"
      "vpdpbusd %%zmm30, %%zmm31, %%zmm\\r\n"
      ".endr\n" ::
          : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
            "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19",
            "xmm20", "xmm21", "xmm22", "xmm23");
}
#elif defined(__AVXVNNI__)
constexpr const char* kInstruction = "AVX-VNNI vpdpbusd";
constexpr double kRoundOps = 12 * 32 * 2;
void Int8Round() {
  asm volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n"
      "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm\\r\n"
      ".endr\n" ::
          : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
            "xmm11");
}
#elif defined(__AVX2__)
constexpr const char* kInstruction = "AVX2 vpmaddubsw";
constexpr double kRoundOps = 10 * 32 * 2;
void Int8Round() {
  asm volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9\n"
      "vpmaddubsw %%ymm14, %%ymm15, %%ymm12\n"
      "vpmaddwd %%ymm13, %%ymm12, %%ymm12\n"
      "vpaddd %%ymm12, %%ymm\\r, %%ymm\\r\n"
      ".endr\n" ::
          : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
            "xmm12");
}
#elif defined(__ARM_FEATURE_DOTPROD)
constexpr const char* kInstruction = "NEON sdot";
constexpr double kRoundOps = 24 * 16 * 2;
void Int8Round() {
  asm volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n"
      "sdot v\\r\\().4s, v30.16b, v31.16b\n"
      ".endr\n" ::
          : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
            "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23");
}
#elif defined(__ARM_NEON)
constexpr const char* kInstruction = "NEON smull, sadalp";
constexpr double kRoundOps = 16 * 8 * 2;
void Int8Round() {
  asm volatile(
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
      "smull v29.8h, v30.8b, v31.8b\n"
      "sadalp v\\r\\().4s, v29.8h\n"
      ".endr\n" ::
          : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
            "v14", "v15", "v29");
}
#else
#error "no int8 peak is known for this processor: AVX2 or NEON is needed"
#endif

struct Int8Peak {
  double gigaops_per_s;
  // Processor time by wall time of all threads; below 1 other programs took some.
  double cpu_share;
};

Int8Peak MeasureInt8(int threads) {
  constexpr long kRounds = 4'000'000;
  double best = 0, wall = 0;
  const std::clock_t before = std::clock();
  for (int burst = 0; burst < kBursts; burst++) {
    const double seconds = TimeThreads(threads, [] {
      for (long i = 0; i < kRounds; i++) Int8Round();
    });
    best = std::max(best, threads * kRounds * kRoundOps / seconds / 1e9);
    wall += seconds * threads;
  }
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  return {best, std::min(1.0, used / wall)};
}

struct Release {
  void operator()(char* memory) const { std::free(memory); }
};

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc == 2 ? std::atoi(argv[1]) : 0;
  if (threads < 1 || threads > 1024) {
    std::fprintf(stderr, "Expected the number of threads, 1 to 1024.\n");
    return 2;
  }
  // The prefetches of the last chunk go beyond it.
  const size_t bytes = kBufferBytes + kChunkBytes;
  const std::unique_ptr<char, Release> buffer(
      static_cast<char*>(std::aligned_alloc(kChunkBytes, bytes)));
  if (buffer == nullptr) {
    std::fprintf(stderr, "Expected %zu bytes of memory but received none.\n", bytes);
    return 1;
  }
#ifdef MADV_HUGEPAGE
  madvise(buffer.get(), bytes, MADV_HUGEPAGE);
#endif
  std::fill_n(buffer.get(), bytes, 1);
  const Int8Peak int8 = MeasureInt8(threads);
  const Bandwidth read = MeasureRead(threads, buffer.get());
  std::printf(
      "{\"threads\":%d,\"readGigabytesPerSecond\":%.2f,\"readStreams\":%d,\"prefetchBytes\":%zu,"
      "\"int8GigaopsPerSecond\":%.1f,\"int8Instruction\":\"%s\",\"cpuShare\":%.3f}\n",
      threads, read.gigabytes_per_s, read.way.streams, read.way.distance, int8.gigaops_per_s,
      kInstruction, int8.cpu_share);
  return 0;
}
