/*!
 * \file grammar/grammar_cache.cc
 */
#include "grammar/grammar_cache.h"

#include <utility>

namespace node_mlc {

std::shared_ptr<const CompiledGrammar> GrammarCache::Find(const GrammarSource& source) {
  const auto place = places_.find(source);
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return entries_.front().grammar;
}

void GrammarCache::Add(const GrammarSource& source,
                       std::shared_ptr<const CompiledGrammar> grammar) {
  const auto text = static_cast<int64_t>(source.text.size() + source.root.size());
  const int64_t bytes = grammar->bytes() + 2 * text;  // the text is a key, too
  if (bytes > capacity_) return;
  while (bytes_ + bytes > capacity_) {
    bytes_ -= entries_.back().bytes;
    places_.erase(entries_.back().source);
    entries_.pop_back();
  }
  entries_.push_front({source, std::move(grammar), bytes});
  places_[source] = entries_.begin();
  bytes_ += bytes;
}

}  // namespace node_mlc
