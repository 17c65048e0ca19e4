/*!
 * \file engine/prefix_transfer.cc
 */
#include "engine/prefix_transfer.h"

#include <string>

#include "support/coded_error.h"

namespace node_mlc {

std::vector<uint8_t> ReadPrefix(const PrefixCache& cache, ModelRunner* runner,
                                const std::vector<int32_t>& tokens) {
  const PageList pages = cache.FindAll(tokens);
  const auto bytes = static_cast<size_t>(runner->page_bytes());
  std::vector<uint8_t> data(pages.size() * bytes);
  for (size_t i = 0; i < pages.size(); ++i) runner->ReadPage(pages[i], data.data() + i * bytes);
  return data;
}

int32_t WritePrefix(PrefixCache* cache, PageTable* pages, ModelRunner* runner, int64_t id,
                    std::vector<int32_t> tokens, const std::vector<uint8_t>& data) {
  const auto bytes = static_cast<size_t>(runner->page_bytes());
  const size_t count = data.size() / bytes;
  const size_t length = count * pages->page_size();
  if (data.size() % bytes != 0 || length > tokens.size()) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Expected pages of " + std::to_string(bytes) + " bytes for at most " +
                         std::to_string(tokens.size()) + " tokens but received " +
                         std::to_string(data.size()) + " bytes.");
  }
  tokens.resize(length);
  PageList list = cache->FindAll(tokens);
  const size_t found = list.size();
  pages->Share(list);
  while (!pages->Grow(&list, static_cast<int64_t>(length))) {
    if (cache->UnpinOldest()) continue;
    pages->Release(&list);
    throw CodedError("ERR_INSUFFICIENT_MEMORY",
                     "Expected room for " + std::to_string(count) + " KV pages but only " +
                         std::to_string(pages->available()) +
                         " are free: wait for running requests, or load with a larger maxBatch.");
  }
  for (size_t i = found; i < count; ++i) runner->WritePage(list[i], data.data() + i * bytes);
  cache->Enter(tokens, static_cast<int32_t>(length), static_cast<int32_t>(found), &list);
  const int32_t pinned = cache->Pin(id, tokens);
  pages->Release(&list);
  return pinned;
}

}  // namespace node_mlc
