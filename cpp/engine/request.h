/*!
 * \file engine/request.h
 * \brief One generation request: what was asked, how far it is, and what is reported about it.
 */
#ifndef NODE_MLC_ENGINE_REQUEST_H_
#define NODE_MLC_ENGINE_REQUEST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/clock.h"
#include "engine/page_table.h"
#include "engine/sampling_params.h"
#include "engine/thought.h"
#include "grammar/grammar_service.h"

namespace node_mlc {

enum class FinishReason { kNone, kStop, kLength, kAbort, kError };

/*! \brief Log-probabilities of one generated token, before penalties and temperature. */
struct TokenLogprobs {
  float logprob = 0.0f;
  /*! \brief Likeliest tokens, best first. */
  std::vector<std::pair<int32_t, float>> top;
};

/*! \brief How often each token occurs in a request; kept only when penalties need it. */
struct TokenCounts {
  int32_t prompt = 0;
  int32_t answer = 0;
};

/*! \brief State of one request. Made on the JavaScript thread, then owned by the scheduler on the
 * engine thread. */
struct Request {
  int64_t id = 0;
  /*! \brief The prompt, followed by the answer so far. */
  std::vector<int32_t> tokens;
  int32_t prompt_length = 0;
  int32_t max_tokens = 0;
  /*! \brief First tokens that stay when the text outgrows the context (Scheduler::Slide());
   * negative: the request ends there. */
  int32_t slide_keep = -1;
  /*! \brief Tokens that sliding has left out of `tokens`, and those of them that were the prompt's.
   */
  int32_t dropped = 0;
  int32_t dropped_prompt = 0;
  /*! \brief Tokens that end generation; empty when the caller ignores them. */
  std::vector<int32_t> stop_tokens;
  SamplingParams sampling;
  SamplingState sampling_state;
  /*! \brief The grammar of the answer while it is compiled; null: there is none, or `constraint`
   * is there. */
  std::shared_ptr<PendingGrammar> pending_grammar;
  /*! \brief Holds the answer to its grammar. */
  std::unique_ptr<Constraint> constraint;
  /*! \brief Follows the answer's thoughts; null where the model has none. */
  std::unique_ptr<Thought> thought;
  /*! \brief Higher goes first; see Scheduler. */
  int32_t priority = 0;

  /*! \brief Order of arrival. */
  int64_t arrival = 0;
  /*! \brief Order of service, the lowest first, then by arrival; the scheduler sets it. */
  int64_t rank = 0;
  /*! \brief Tokens whose keys and values lie in `pages`. */
  int32_t computed = 0;
  PageList pages;
  /*! \brief Pages, the first of `pages`, that are in the prefix cache. */
  int32_t entered = 0;
  /*! \brief Tokens of the prompt that were found in the prefix cache. */
  int32_t cached_tokens = 0;
  int32_t preemptions = 0;
  /*! \brief Drafted tokens that were computed, and those of them that were chosen too. */
  int32_t drafted_tokens = 0;
  int32_t accepted_tokens = 0;
  /*! \brief Whether its tokens may be drafted. */
  bool speculate = true;
  /*! \brief Not scheduled until it is resumed. */
  bool paused = false;
  std::unordered_map<int32_t, TokenCounts> counts;

  Clock::time_point submitted = Clock::now();
  std::optional<Clock::time_point> started;
  std::optional<Clock::time_point> first_token;
  Clock::time_point last_token;

  int32_t length() const { return static_cast<int32_t>(tokens.size()); }
  /*! \brief Tokens that the model has not read yet; at least 1 while the request lives. */
  int32_t remaining() const { return length() - computed; }
  int32_t completion_length() const { return length() + dropped - prompt_length; }
  /*! \brief Where the answer begins in `tokens`. */
  int32_t answer_begin() const { return prompt_length - dropped_prompt; }
  bool slides() const { return slide_keep >= 0; }
};

/*! \brief What happened to one request since its last event; the last one has a finish reason. */
struct RequestEvent {
  int64_t id = 0;
  std::vector<int32_t> tokens;
  /*! \brief One entry a token when the request asked for log-probabilities, else empty. */
  std::vector<TokenLogprobs> logprobs;
  /*! \brief Logits that Engine::ReplyLogits() is to bring back; set where the request asked for it
   * and its next token is due. */
  std::shared_ptr<std::vector<float>> logits;
  FinishReason finish = FinishReason::kNone;
  std::string error_code;
  std::string error_message;
  int32_t prompt_tokens = 0;
  /*! \brief Tokens of the prompt that the prefix cache saved. */
  int32_t cached_tokens = 0;
  int32_t completion_tokens = 0;
  int32_t preemptions = 0;
  /*! \brief Tokens of prompt and answer that the text left out as it slid. */
  int32_t dropped_tokens = 0;
  int32_t drafted_tokens = 0;
  int32_t accepted_tokens = 0;
  /*! \brief Tokens of the answer that are thoughts. */
  int32_t thought_tokens = 0;
  /*! \brief Whether `tokens` begins with the first of the answer. */
  bool first_token = false;
  double queue_ms = 0.0;
  double prefill_ms = 0.0;
  double decode_ms = 0.0;

  void Fail(const std::string& code, const std::string& message) {
    finish = FinishReason::kError;
    error_code = code;
    error_message = message;
  }
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_REQUEST_H_
