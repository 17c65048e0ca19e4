/*!
 * \file vulkan_memory_test.cc
 * \brief How the Vulkan runtime divides device memory, without a device.
 */
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <vector>

#include "check.h"
#include "device/vulkan/range_allocator.h"
#include "device/vulkan/ring_space.h"

using node_mlc::vulkan::NextBlockSize;
using node_mlc::vulkan::RangeAllocator;
using node_mlc::vulkan::RingSpace;

namespace {

constexpr uint64_t kMega = uint64_t{1} << 20;

}  // namespace

TEST("range allocator: offsets are multiples of the granularity, sizes are rounded up") {
  RangeAllocator ranges(1024, 256);
  CHECK_EQUAL(*ranges.Allocate(1), 0u);
  CHECK_EQUAL(*ranges.Allocate(257), 256u);
  CHECK_EQUAL(ranges.free_bytes(), 256u);
  CHECK(!ranges.Allocate(257).has_value());
  CHECK_EQUAL(*ranges.Allocate(0), 768u);
  CHECK_EQUAL(ranges.free_bytes(), 0u);
  CHECK(!ranges.Allocate(0).has_value());
}

TEST("range allocator: neighbours that are free become one, from either side") {
  RangeAllocator ranges(1024, 256);
  for (uint64_t i = 0; i < 4; ++i) CHECK_EQUAL(*ranges.Allocate(256), 256 * i);
  ranges.Free(0, 256);
  ranges.Free(512, 256);
  CHECK(!ranges.Allocate(512).has_value());
  ranges.Free(256, 256);
  CHECK_EQUAL(*ranges.Allocate(768), 0u);
  ranges.Free(0, 768);
  ranges.Free(768, 256);
  CHECK(ranges.empty());
  CHECK_EQUAL(*ranges.Allocate(1024), 0u);
}

TEST("range allocator: takes the smallest range that is large enough") {
  RangeAllocator ranges(4096, 256);
  const uint64_t large = *ranges.Allocate(1024);
  CHECK_EQUAL(*ranges.Allocate(256), 1024u);
  const uint64_t small = *ranges.Allocate(512);
  CHECK_EQUAL(*ranges.Allocate(2304), 1792u);
  ranges.Free(large, 1024);
  ranges.Free(small, 512);
  CHECK_EQUAL(*ranges.Allocate(300), small);
  CHECK_EQUAL(*ranges.Allocate(1000), large);
}

TEST("range allocator: what cannot fit is refused, however large") {
  RangeAllocator ranges(1024, 256);
  CHECK(!ranges.Allocate(1025).has_value());
  CHECK(!ranges.Allocate(~uint64_t{0}).has_value());
  CHECK(ranges.empty());
  RangeAllocator odd(1000, 256);
  CHECK_EQUAL(odd.capacity(), 768u);
  CHECK(!RangeAllocator(100, 256).Allocate(1).has_value());
}

TEST("range allocator: ranges never overlap, and all comes back") {
  RangeAllocator ranges(256 * 1000, 256);
  std::mt19937_64 random(7);
  std::map<uint64_t, uint64_t> taken;  // offset, size
  for (int step = 0; step < 5000; ++step) {
    if (taken.empty() || random() % 5 < 3) {
      const uint64_t size = random() % 20000;
      const auto offset = ranges.Allocate(size);
      if (!offset.has_value()) continue;
      const auto next = taken.lower_bound(*offset);
      CHECK(next == taken.end() || *offset + ranges.Rounded(size) <= next->first);
      if (next != taken.begin()) {
        const auto before = std::prev(next);
        CHECK(before->first + ranges.Rounded(before->second) <= *offset);
      }
      taken[*offset] = size;
    } else {
      auto chosen = taken.begin();
      std::advance(chosen, random() % taken.size());
      ranges.Free(chosen->first, chosen->second);
      taken.erase(chosen);
    }
    uint64_t used = 0;
    for (const auto& [offset, size] : taken) used += ranges.Rounded(size);
    CHECK_EQUAL(ranges.free_bytes(), ranges.capacity() - used);
  }
  for (const auto& [offset, size] : taken) ranges.Free(offset, size);
  CHECK(ranges.empty());
  CHECK_EQUAL(*ranges.Allocate(ranges.capacity()), 0u);
}

TEST("block sizes: they double, and large requests have their own") {
  const uint64_t limit = 4096 * kMega;
  CHECK_EQUAL(NextBlockSize(256, 0, limit), 16 * kMega);
  CHECK_EQUAL(NextBlockSize(256, 1, limit), 32 * kMega);
  CHECK_EQUAL(NextBlockSize(256, 4, limit), 256 * kMega);
  CHECK_EQUAL(NextBlockSize(256, 100, limit), 256 * kMega);
  CHECK_EQUAL(NextBlockSize(9 * kMega, 0, limit), 9 * kMega);
  CHECK_EQUAL(NextBlockSize(9 * kMega, 1, limit), 32 * kMega);
  CHECK_EQUAL(NextBlockSize(1024 * kMega, 9, limit), 1024 * kMega);
  CHECK_EQUAL(NextBlockSize(256, 9, 100 * kMega), 100 * kMega);
}

TEST("block sizes: weights of a large model stay far below 4096 allocations") {
  // 100 GB in tensors of 1 to 30 MB.
  std::mt19937_64 random(3);
  std::vector<RangeAllocator> blocks;
  for (uint64_t total = 0; total < 100 * 1024 * kMega;) {
    const uint64_t size = (1 + random() % 30) * kMega;
    total += size;
    bool placed = false;
    for (RangeAllocator& block : blocks) placed = placed || block.Allocate(size).has_value();
    if (placed) continue;
    blocks.emplace_back(NextBlockSize(size, blocks.size(), 4096 * kMega), 256);
    CHECK(blocks.back().Allocate(size).has_value());
  }
  CHECK(blocks.size() < 600);
}

TEST("ring space: bytes are taken in turn, and again when their commands are done") {
  RingSpace space(1024);
  CHECK_EQUAL(*space.Take(100, 1), 0u);
  CHECK_EQUAL(*space.Take(384, 1), 128u);
  CHECK_EQUAL(*space.Take(384, 2), 512u);
  CHECK(!space.Take(256, 3).has_value());
  CHECK_EQUAL(space.oldest(), 1u);
  space.Release(1);
  CHECK_EQUAL(space.oldest(), 2u);
  // It does not fit behind the last one, so it begins at the front.
  CHECK_EQUAL(*space.Take(256, 3), 0u);
  CHECK(!space.Take(300, 3).has_value());
  space.Release(3);
  CHECK_EQUAL(space.oldest(), 0u);
  CHECK_EQUAL(*space.Take(1024, 4), 0u);
}
