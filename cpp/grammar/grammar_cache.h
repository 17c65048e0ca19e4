/*!
 * \file grammar/grammar_cache.h
 * \brief Compiled grammars that are kept.
 */
#ifndef NODE_MLC_GRAMMAR_GRAMMAR_CACHE_H_
#define NODE_MLC_GRAMMAR_GRAMMAR_CACHE_H_

#include <cstdint>
#include <list>
#include <map>
#include <memory>

#include "grammar/grammar.h"

namespace node_mlc {

/*! \brief Keeps the compiled grammars that were asked for last, as many as `capacity` bytes hold;
 * one that is larger alone is not kept. One thread at a time. */
class GrammarCache {
 public:
  explicit GrammarCache(int64_t capacity) : capacity_(capacity) {}

  /*! \brief The grammar, from now on the one asked for last; null where it is not there. */
  std::shared_ptr<const CompiledGrammar> Find(const GrammarSource& source);

  /*! \brief Keeps a grammar that Find() did not find. */
  void Add(const GrammarSource& source, std::shared_ptr<const CompiledGrammar> grammar);

  int64_t bytes() const { return bytes_; }
  int32_t size() const { return static_cast<int32_t>(entries_.size()); }

 private:
  struct Entry {
    GrammarSource source;
    std::shared_ptr<const CompiledGrammar> grammar;
    /*! \brief At the time it was added: a grammar may grow as it is used. */
    int64_t bytes;
  };

  const int64_t capacity_;
  int64_t bytes_ = 0;
  /*! \brief The one asked for last first. */
  std::list<Entry> entries_;
  std::map<GrammarSource, std::list<Entry>::iterator> places_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_GRAMMAR_GRAMMAR_CACHE_H_
