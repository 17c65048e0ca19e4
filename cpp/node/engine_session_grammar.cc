/*!
 * \file node/engine_session_grammar.cc
 * \brief EngineSession: what only grammars need.
 */
#include <utility>

#include "grammar/xgrammar.h"
#include "node/engine_report.h"
#include "node/engine_session.h"
#include "node/promise.h"

namespace node_mlc {

void EngineSession::UseVocabulary(Vocabulary vocabulary) {
  if (std::exchange(has_vocabulary_, true)) return;
  // A std::function must be copyable.
  auto shared = std::make_shared<Vocabulary>(std::move(vocabulary));
  // The loop outlives its engine, and with it the threads that post.
  loop_->Post([shared, loop = loop_.get(), vocab = config_.vocab_size](Engine* engine) {
    engine->UseGrammars(
        std::make_unique<GrammarService>(MakeXGrammarCompiler(std::move(*shared)), vocab),
        [loop](EngineLoop::Command command) { loop->Post(std::move(command)); });
  });
}

napi_value EngineSession::MatchGrammar(GrammarSource source,
                                       std::vector<std::vector<int32_t>> texts) {
  napi_value promise;
  const Settle settle = OpenPromise(&promise);
  loop_->Post([source = std::move(source), texts = std::move(texts), settle](Engine* engine) {
    engine->MatchGrammar(source, texts, [settle](MatchResult result) {
      settle([result = std::move(result)](napi_env env, napi_deferred deferred) {
        if (result.error_code.empty()) {
          ResolveWith(env, deferred, [&] { return ToInt32Array(env, result.lengths); });
        } else {
          RejectWith(env, deferred, result.error_code, result.error_message);
        }
      });
    });
  });
  return promise;
}

}  // namespace node_mlc
