/*!
 * \file engine/engine.h
 * \brief The generation engine: requests in, events out, one step at a time.
 */
#ifndef NODE_MLC_ENGINE_ENGINE_H_
#define NODE_MLC_ENGINE_ENGINE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/batch.h"
#include "engine/embedding_queue.h"
#include "engine/evaluation.h"
#include "engine/metrics.h"
#include "engine/model_runner.h"
#include "engine/page_table.h"
#include "engine/prefix_cache.h"
#include "engine/request.h"
#include "engine/sampler.h"
#include "engine/scheduler.h"
#include "engine/speculation.h"
#include "engine/trace.h"
#include "grammar/grammar_service.h"

namespace node_mlc {

/*! \brief Everything but the model that an engine is made of. */
struct EngineLimits {
  SchedulerLimits scheduler;
  int32_t pages = 0;
  int32_t page_size = 0;
  int32_t vocab_size = 0;
  /*! \brief Whether sequences share pages of the same prefix, and how many pages without a user are
   * kept for those that will come. */
  bool prefix_cache = true;
  int32_t cached_pages = PageTable::kUnbounded;
  /*! \brief Embeds only, each text in one pass. */
  bool encoder = false;
};

/*!
 * \brief One model and its requests. Knows neither threads nor JavaScript: EngineLoop calls it,
 * `publish` takes the events of a step in one call. No method throws for a fault of one request:
 * that request ends with an error event.
 *
 * Made, used and destroyed on the engine thread.
 */
class Engine {
 public:
  using Publish = std::function<void(std::vector<RequestEvent>)>;

  Engine(const EngineLimits& limits, std::unique_ptr<ModelRunner> runner, Publish publish);
  ~Engine();

  /*! \brief From now on decodes get drafts of at most `most` tokens. */
  void Speculate(std::unique_ptr<Proposer> proposer, int32_t most);

  /*! \brief Runs a command on the engine thread; any thread. */
  using Post = std::function<void(std::function<void(Engine*)>)>;

  /*! \brief From now on requests may have grammars; `post` must outlive the engine. */
  void UseGrammars(std::unique_ptr<GrammarService> grammars, Post post);
  bool has_grammars() const { return grammars_ != nullptr; }
  /*! \brief GrammarService::Match(); `done` is called on another thread. */
  void MatchGrammar(GrammarSource source, std::vector<std::vector<int32_t>> texts,
                    std::function<void(MatchResult)> done);

  /*! \brief Queues a request that was checked against the limits. One with a grammar is not
   * scheduled before it is compiled. */
  void Submit(std::unique_ptr<Request> request);

  /*! \brief Ends a request with FinishReason::kAbort, or an embedding with ERR_ABORTED, and frees
   * its pages at once; unknown ids are ignored. */
  void Abort(int64_t id);

  /*! \brief Abort() of a request of which no step has computed a part yet; else nothing. */
  void AbortIfQueued(int64_t id);

  /*! \brief Schedules a request no more until Resume(), for instance while its next token is chosen
   * elsewhere; unknown ids are ignored. */
  void Pause(int64_t id) { scheduler_.Pause(id); }
  void Resume(int64_t id) { scheduler_.Resume(id); }

  /*! \brief Samples the next token of a request with external logits from the ones its event
   * brought, changed meanwhile, and schedules it again. Nothing for a request that has ended. */
  void ReplyLogits(int64_t id, std::vector<float> logits);

  /*! \brief PrefixCache::Pin(): keeps what there is of `tokens` until it is unpinned, or its pages
   * are needed. Returns the tokens kept. */
  int32_t Pin(int64_t id, const std::vector<int32_t>& tokens);
  void Unpin(int64_t id);
  /*! \brief See engine/prefix_transfer.h. */
  std::vector<uint8_t> ReadPrefix(const std::vector<int32_t>& tokens);
  int32_t WritePrefix(int64_t id, std::vector<int32_t> tokens, const std::vector<uint8_t>& data);

  /*! \brief Queues an evaluation. */
  void Evaluate(std::unique_ptr<Evaluation> evaluation);

  /*! \brief Queues texts for their embeddings. */
  void Embed(EmbeddingRequest request);

  /*! \brief Whether Step() has something to do. */
  bool HasWork() const;

  /*! \brief Schedules, runs, samples, publishes; then advances one evaluation, and the
   * embeddings, by one forward pass. */
  void Step();

  /*! \brief Ends all requests with kAbort, all evaluations and embeddings with ERR_ABORTED. */
  void AbortAll();

  /*! \brief Nothing has happened for a while: returns the memory of pages above the last one that
   * is in use or cached to the system. */
  void Rest();

  EngineStats stats() const;

  /*!
   * \brief Records what happens from now on, `capacity` steps and spans at most; replaces a
   * recording.
   * \param start When it was asked for: a request made since then has waited in the recording, also
   *  where it was made before the engine's thread came to this.
   */
  void StartTrace(size_t capacity, Clock::time_point start = Clock::now());
  /*! \brief Ends the recording; an empty one where none was started. */
  Trace StopTrace();

  /*! \brief Takes the counters before anybody hears of what they count: who reads them on an event
   *  finds the pages of a finished request free. */
  void OnStats(std::function<void(const EngineStats&)> take) { take_stats_ = std::move(take); }

  /*! \brief Throws std::logic_error when pages and queues disagree. */
  void CheckIntegrity() const;

 private:
  void RunBatch(ScheduledBatch* batch);
  void AddDrafts(ScheduledBatch* batch);
  void BuildInput(const ScheduledBatch& batch, Clock::time_point now);
  /*! \brief The tokens that a sequence's rows of logits, from `first_row` on, give. */
  void TakeTokens(const ScheduledSequence& sequence, const Logits& logits, int32_t first_row);
  /*! \brief Chooses and appends the next token; whether the request goes on from it. */
  bool SampleToken(Request* request, float* logits);
  void AwaitGrammar(Request* request);
  void TakeConstraint(int64_t id, const PendingGrammar* pending, ConstraintResult result);
  /*! \brief Leaves the logits of the tokens that the grammar allows; false where it allows none but
   * stop tokens: the answer ends. */
  bool ApplyGrammar(Request* request, float* logits);
  void HandOverLogits(Request* request, const float* logits, RequestEvent* event);
  void ChooseToken(Request* request, float* logits, RequestEvent* event);
  /*! \brief The token that ends a thought whose budget is used up; nullopt: sample one. */
  static std::optional<int32_t> ForcedToken(const Request& request, const float* logits);
  Request* FindRequest(int64_t id) const;
  void AdvanceEvaluation();
  /*! \brief `generated`: the step has computed rows of requests too. */
  void AdvanceEmbeddings(bool generated);
  /*! \brief Makes room for the first text that waits, when nothing of the queue goes on without. */
  void FindEmbeddingPages();
  void TraceRequests(Clock::time_point now);
  void Finish(int64_t id, FinishReason reason, const std::string& code = "",
              const std::string& message = "");
  RequestEvent* EventOf(int64_t id);
  void PublishEvents();
  void PublishStats() const;

  const EngineLimits limits_;
  PageTable pages_;
  PrefixCache cache_;
  Scheduler scheduler_;
  EmbeddingQueue embeddings_;
  /*! \brief Steps in a row in which no embedding could begin for want of pages. */
  int64_t embedding_stalls_ = 0;
  const std::unique_ptr<ModelRunner> runner_;
  const Publish publish_;
  std::function<void(const EngineStats&)> take_stats_;
  /*! \brief Null without speculation. */
  std::unique_ptr<Speculation> speculation_;
  Sampler sampler_;
  StepInput input_;
  std::vector<RequestEvent> events_;
  std::deque<std::unique_ptr<Evaluation>> evaluations_;
  Metrics metrics_;
  std::unique_ptr<TraceRecorder> trace_;
  Post post_;
  /*! \brief Null until UseGrammars(). */
  std::unique_ptr<GrammarService> grammars_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_ENGINE_H_
