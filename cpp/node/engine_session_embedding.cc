/*!
 * \file node/engine_session_embedding.cc
 * \brief EngineSession: embeddings.
 */
#include <memory>
#include <utility>

#include "node/engine_report.h"
#include "node/engine_session.h"
#include "node/error_conversion.h"
#include "node/promise.h"
#include "node/value_conversion.h"

namespace node_mlc {

napi_value EngineSession::Embed(EmbeddingRequest request) {
  const int64_t id = request.id;
  OpenRequest(id, "embed()");
  napi_value promise;
  const Settle settle = OpenPromise(&promise);
  // An id of embed() has no events, so the settled promise is what ends it.
  const auto end = [weak = weak_from_this(), id] {
    if (auto session = weak.lock()) session->open_requests_.erase(id);
  };
  request.result.done = [settle, end](std::vector<float> vectors) {
    // A std::function must be copyable.
    auto shared = std::make_shared<std::vector<float>>(std::move(vectors));
    settle([shared, end](napi_env env, napi_deferred deferred) {
      end();
      ResolveWith(env, deferred, [&] { return ToFloat32Array(env, std::move(*shared)); });
    });
  };
  request.result.failed = [settle, end](const std::string& code, const std::string& message) {
    settle([code, message, end](napi_env env, napi_deferred deferred) {
      end();
      RejectWith(env, deferred, code, message);
    });
  };
  auto shared = std::make_shared<EmbeddingRequest>(std::move(request));
  loop_->Post([shared](Engine* engine) { engine->Embed(std::move(*shared)); });
  return promise;
}

}  // namespace node_mlc
