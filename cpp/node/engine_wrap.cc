/*!
 * \file node/engine_wrap.cc
 */
#include "node/engine_wrap.h"

#include <memory>

#include "node/addon_data.h"
#include "node/argument_check.h"
#include "node/embedding_arguments.h"
#include "node/engine_arguments.h"
#include "node/engine_session.h"
#include "node/error_conversion.h"
#include "node/grammar_arguments.h"
#include "node/object_reader.h"
#include "node/sampling_arguments.h"
#include "node/type_tags.h"

namespace node_mlc {

namespace {

using SessionHandle = std::shared_ptr<EngineSession>;

/*! \brief Steps, and spans, that a trace keeps at most: some 100 MB of each. */
constexpr int kMostTraceRecords = 1 << 20;

/*! \brief The session of `self`, which may be anything; throws CodedError(ERR_INVALID_ARGUMENT). */
EngineSession* SessionOf(napi_env env, napi_value self) {
  bool is_engine = false;
  void* data = nullptr;
  if (!argument_check::IsType<napi_object>(env, self) ||
      napi_check_object_type_tag(env, self, &kEngineTag, &is_engine) != napi_ok || !is_engine ||
      napi_unwrap(env, self, &data) != napi_ok) {
    throw CodedError("ERR_INVALID_ARGUMENT",
                     "Illegal invocation: expected a NativeEngine as `this` but received " +
                         Describe(env, self) + ".");
  }
  return static_cast<SessionHandle*>(data)->get();
}

/*! \brief The session of `self` if it is open; throws CodedError(ERR_DISPOSED). */
EngineSession* OpenSessionOf(napi_env env, napi_value self) {
  EngineSession* session = SessionOf(env, self);
  if (session->disposed()) throw CodedError("ERR_DISPOSED", "The engine was disposed.");
  return session;
}

// new NativeEngine(): for load() only
napi_value Construct(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "NativeEngine", {});
    AddonData* data = AddonData::Get(env);
    if (data == nullptr || data->engine_under_construction == nullptr) {
      throw CodedError("ERR_INVALID_ARGUMENT",
                       "Expected NativeEngine.load() to make an engine, not `new NativeEngine()`.");
    }
    auto handle = std::make_unique<SessionHandle>(*data->engine_under_construction);
    Check(env, napi_type_tag_object(env, args.self(), &kEngineTag));
    Check(env, napi_wrap(
                   env, args.self(), handle.get(),
                   [](napi_env, void* pointer, void*) {
                     std::unique_ptr<SessionHandle> owned(static_cast<SessionHandle*>(pointer));
                     (*owned)->DisposeQuietly();
                   },
                   nullptr, nullptr));
    handle.release();
    return args.self();
  });
}

napi_value MakeEngineObject(napi_env env, const SessionHandle& session) {
  AddonData* data = AddonData::Get(env);
  if (data == nullptr) throw JsExceptionPending();
  napi_value constructor, object;
  Check(env, napi_get_reference_value(env, data->engine_class, &constructor));
  data->engine_under_construction = &session;
  const napi_status status = napi_new_instance(env, constructor, 0, nullptr, &object);
  data->engine_under_construction = nullptr;
  Check(env, status);
  return object;
}

// static load(config: NativeEngineConfig, onEvents: Function, onProgress?: Function):
// Promise<NativeEngine>
napi_value Load(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(
        env, info, "load",
        {Object("config"), Callback("onEvents"), Optional(Callback("onProgress"))});
    return EngineSession::Load(env, ToModelConfig(env, args[0]), args[1],
                               args.Has(2) ? args[2] : nullptr, MakeEngineObject);
  });
}

/*! \brief Throws CodedError(ERR_INVALID_ARGUMENT) before useVocabulary(). */
void RequireVocabulary(const EngineSession& session) {
  if (session.has_vocabulary()) return;
  throw CodedError("ERR_INVALID_ARGUMENT",
                   "Expected useVocabulary() before the first grammar: call it once.");
}

// useVocabulary(bytes: Uint8Array, lengths: Int32Array, stopTokens: Int32Array): void
napi_value UseVocabulary(napi_env env, napi_callback_info info) {
  return Guard(env, [&]() -> napi_value {
    const Arguments args(env, info, "useVocabulary",
                         {TypedArray("bytes"), TypedArray("lengths"), TypedArray("stopTokens")});
    EngineSession* session = OpenSessionOf(env, args.self());
    session->UseVocabulary(ToVocabulary(env, args[0], args[1], args[2], session->config()));
    return nullptr;
  });
}

// matchGrammar(grammar: NativeGrammar, texts: Int32Array[]): Promise<Int32Array>
napi_value MatchGrammar(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "matchGrammar", {Object("grammar"), Array("texts")});
    GrammarSource source = ReadGrammar(ObjectReader(env, args[0], "matchGrammar()"));
    // After the getters of the grammar, which may have disposed of the engine.
    EngineSession* session = OpenSessionOf(env, args.self());
    RequireVocabulary(*session);
    auto texts = ToTexts(env, args[1], session->config(), "matchGrammar");
    return OpenSessionOf(env, args.self())->MatchGrammar(std::move(source), std::move(texts));
  });
}

/*! \brief Throws CodedError(ERR_UNSUPPORTED_FIELD) where the model only embeds. */
void RequireGenerating(const EngineSession& session, const char* method) {
  if (!session.config().encoder) return;
  throw CodedError("ERR_UNSUPPORTED_FIELD",
                   std::string("Expected a model that generates for ") + method +
                       "() but this package embeds only: call embed(), or load another model.");
}

// submit(request: NativeRequest): void
napi_value Submit(napi_env env, napi_callback_info info) {
  return Guard(env, [&]() -> napi_value {
    const Arguments args(env, info, "submit", {Object("request")});
    RequireGenerating(*OpenSessionOf(env, args.self()), "submit");
    std::unique_ptr<Request> request =
        ToRequest(env, args[0], OpenSessionOf(env, args.self())->config());
    // Again: a getter of the request may have disposed of the engine.
    EngineSession* session = OpenSessionOf(env, args.self());
    if (request->pending_grammar != nullptr) RequireVocabulary(*session);
    session->Submit(std::move(request));
    return nullptr;
  });
}

// abort(id: number): void
napi_value Abort(napi_env env, napi_callback_info info) {
  return Guard(env, [&]() -> napi_value {
    const Arguments args(env, info, "abort", {NonNegativeInteger("id")});
    OpenSessionOf(env, args.self())->Abort(static_cast<int64_t>(args.GetNumber(0)));
    return nullptr;
  });
}

// abortIfQueued(id: number): void
napi_value AbortIfQueued(napi_env env, napi_callback_info info) {
  return Guard(env, [&]() -> napi_value {
    const Arguments args(env, info, "abortIfQueued", {NonNegativeInteger("id")});
    OpenSessionOf(env, args.self())->AbortIfQueued(static_cast<int64_t>(args.GetNumber(0)));
    return nullptr;
  });
}

// replyLogits(id: number, logits: Float32Array): void
napi_value ReplyLogits(napi_env env, napi_callback_info info) {
  return Guard(env, [&]() -> napi_value {
    const Arguments args(env, info, "replyLogits",
                         {NonNegativeInteger("id"), TypedArray("logits")});
    EngineSession* session = OpenSessionOf(env, args.self());
    std::vector<float> logits = ReadFloat32Array(env, args[1], "'logits' of replyLogits()");
    const auto vocab = static_cast<size_t>(session->config().vocab_size);
    if (logits.size() != vocab) {
      throw CodedError("ERR_INVALID_ARGUMENT",
                       "Expected " + std::to_string(vocab) +
                           " numbers for 'logits' of replyLogits() but received " +
                           std::to_string(logits.size()) + ".");
    }
    session->ReplyLogits(static_cast<int64_t>(args.GetNumber(0)), std::move(logits));
    return nullptr;
  });
}

// evaluate(rows: Int32Array[], options?: EvaluateOptions): Promise<Float32Array>
napi_value Evaluate(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "evaluate", {Array("rows"), Optional(Object("options"))});
    RequireGenerating(*OpenSessionOf(env, args.self()), "evaluate");
    EvaluationPlan plan =
        ToEvaluationPlan(env, args[0], args[1], OpenSessionOf(env, args.self())->config());
    return OpenSessionOf(env, args.self())->Evaluate(std::move(plan), /*score=*/false);
  });
}

// embed(id: number, texts: Int32Array[], pooling: "mean" | "cls" | "last"): Promise<Float32Array>
napi_value Embed(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "embed",
                         {NonNegativeInteger("id"), Array("texts"), String("pooling")});
    EmbeddingRequest request = ToEmbeddingRequest(env, args[1], args.GetString(2),
                                                  OpenSessionOf(env, args.self())->config());
    request.id = static_cast<int64_t>(args.GetNumber(0));
    return OpenSessionOf(env, args.self())->Embed(std::move(request));
  });
}

// score(tokens: Int32Array): Promise<Float32Array>
napi_value Score(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "score", {TypedArray("tokens")});
    EngineSession* session = OpenSessionOf(env, args.self());
    RequireGenerating(*session, "score");
    return session->Evaluate(ToScorePlan(env, args[0], session->config()), /*score=*/true);
  });
}

/*! \brief The tokens of a prefix. */
std::vector<int32_t> PrefixTokens(napi_env env, napi_value value, const EngineSession& session,
                                  const char* method) {
  const std::string what = std::string("'tokens' of ") + method + "()";
  std::vector<int32_t> tokens = ReadInt32Array(env, value, what);
  CheckTokens(tokens, session.config().vocab_size, what);
  return tokens;
}

// pin(id: number, tokens: Int32Array): Promise<number>
napi_value Pin(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "pin", {NonNegativeInteger("id"), TypedArray("tokens")});
    EngineSession* session = OpenSessionOf(env, args.self());
    return session->Pin(static_cast<int64_t>(args.GetNumber(0)),
                        PrefixTokens(env, args[1], *session, "pin"));
  });
}

// unpin(id: number): void
napi_value Unpin(napi_env env, napi_callback_info info) {
  return Guard(env, [&]() -> napi_value {
    const Arguments args(env, info, "unpin", {NonNegativeInteger("id")});
    OpenSessionOf(env, args.self())->Unpin(static_cast<int64_t>(args.GetNumber(0)));
    return nullptr;
  });
}

// readPrefix(tokens: Int32Array): Promise<Uint8Array>
napi_value ReadPrefix(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "readPrefix", {TypedArray("tokens")});
    EngineSession* session = OpenSessionOf(env, args.self());
    return session->ReadPrefix(PrefixTokens(env, args[0], *session, "readPrefix"));
  });
}

// writePrefix(id: number, tokens: Int32Array, data: Uint8Array): Promise<number>
napi_value WritePrefix(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "writePrefix",
                         {NonNegativeInteger("id"), TypedArray("tokens"), TypedArray("data")});
    EngineSession* session = OpenSessionOf(env, args.self());
    return session->WritePrefix(static_cast<int64_t>(args.GetNumber(0)),
                                PrefixTokens(env, args[1], *session, "writePrefix"),
                                ReadUint8Array(env, args[2], "'data' of writePrefix()"));
  });
}

// stats(): NativeEngineStats
napi_value Stats(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "stats", {});
    return OpenSessionOf(env, args.self())->Stats();
  });
}

// startTrace(limit: number): void
napi_value StartTrace(napi_env env, napi_callback_info info) {
  return Guard(env, [&]() -> napi_value {
    const Arguments args(env, info, "startTrace", {NonNegativeInteger("limit")});
    const double limit = args.GetNumber(0);
    if (!(limit >= 1 && limit <= kMostTraceRecords)) {
      throw CodedError("ERR_INVALID_ARGUMENT", "Expected 1 to " +
                                                   std::to_string(kMostTraceRecords) +
                                                   " for 'limit' of startTrace() but received " +
                                                   std::to_string(limit) + ".");
    }
    OpenSessionOf(env, args.self())->StartTrace(static_cast<size_t>(limit));
    return nullptr;
  });
}

// stopTrace(): Promise<NativeTrace>
napi_value StopTrace(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "stopTrace", {});
    return OpenSessionOf(env, args.self())->StopTrace();
  });
}

// dispose(): Promise<void>
napi_value Dispose(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "dispose", {});
    return SessionOf(env, args.self())->Dispose();
  });
}

// get disposed(): boolean
napi_value IsDisposed(napi_env env, napi_callback_info info) {
  return Guard(env, [&] {
    const Arguments args(env, info, "disposed", {});
    napi_value result;
    Check(env, napi_get_boolean(env, SessionOf(env, args.self())->disposed(), &result));
    return result;
  });
}

napi_property_descriptor Method(const char* name, napi_callback callback) {
  return {name, nullptr, callback, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}

}  // namespace

void DefineEngineClass(napi_env env, napi_value exports) {
  const napi_property_descriptor statics[] = {Method("load", Load)};
  const napi_property_descriptor methods[] = {
      Method("useVocabulary", UseVocabulary),
      Method("matchGrammar", MatchGrammar),
      Method("submit", Submit),
      Method("abort", Abort),
      Method("abortIfQueued", AbortIfQueued),
      Method("replyLogits", ReplyLogits),
      Method("evaluate", Evaluate),
      Method("embed", Embed),
      Method("pin", Pin),
      Method("unpin", Unpin),
      Method("readPrefix", ReadPrefix),
      Method("writePrefix", WritePrefix),
      Method("score", Score),
      Method("stats", Stats),
      Method("startTrace", StartTrace),
      Method("stopTrace", StopTrace),
      Method("dispose", Dispose),
      {"disposed", nullptr, nullptr, IsDisposed, nullptr, nullptr, napi_configurable, nullptr}};
  napi_value constructor, prototype;
  Check(env, napi_define_class(env, "NativeEngine", NAPI_AUTO_LENGTH, Construct, nullptr, 0,
                               nullptr, &constructor));
  // Not given to napi_define_class(): V8 would answer a foreign `this` itself; our type tag does it
  // with our error.
  Check(env, napi_get_named_property(env, constructor, "prototype", &prototype));
  Check(env, napi_define_properties(env, prototype, std::size(methods), methods));
  Check(env, napi_define_properties(env, constructor, std::size(statics), statics));
  Check(env, napi_create_reference(env, constructor, 1, &AddonData::Get(env)->engine_class));
  Check(env, napi_set_named_property(env, exports, "NativeEngine", constructor));
}

}  // namespace node_mlc
