/*!
 * \file engine/embedding_queue.h
 * \brief Texts to vectors: forward passes that carry the rows of many texts, beside generation.
 */
#ifndef NODE_MLC_ENGINE_EMBEDDING_QUEUE_H_
#define NODE_MLC_ENGINE_EMBEDDING_QUEUE_H_

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "engine/batch.h"
#include "engine/model_runner.h"
#include "engine/page_table.h"
#include "engine/pooling.h"

namespace node_mlc {

/*! \brief How an embedding ends: exactly one of the two is called, on the engine thread. */
struct EmbeddingResult {
  /*! \brief Vectors of all texts, one after the other. */
  std::function<void(std::vector<float>)> done;
  std::function<void(const std::string& code, const std::string& message)> failed;
};

/*! \brief Texts that are embedded together; each has at least one token and fits into the pool. */
struct EmbeddingRequest {
  int64_t id = 0;
  std::vector<std::vector<int32_t>> texts;
  Pooling pooling = Pooling::kLast;
  EmbeddingResult result;
};

/*! \brief What one forward pass may take. */
struct EmbeddingBudget {
  /*! \brief Most token rows. */
  int32_t rows = 0;
  /*! \brief Pages that stay available for others. */
  int32_t reserved_pages = 0;
  /*! \brief Whether texts may begin; those that have begun always go on. */
  bool admit = true;
};

/*!
 * \brief The embeddings in progress. Integers and vectors only: the engine says when and how much.
 *
 * Requests take turns, one text each, so that a short one is not held up by a long one. A text
 * begins when there are pages for all of it and the pass has rows left, so no more is held than one
 * pass can use; it goes through in chunks and gives its pages back at once. Engine thread only.
 */
class EmbeddingQueue {
 public:
  /*!
   * \brief `pages` must outlive the queue. `whole`: all rows of a text go through in one pass, as
   * an encoder needs them; passes then have rows for the longest text.
   */
  EmbeddingQueue(int32_t max_batch, bool whole, PageTable* pages)
      : max_batch_(max_batch), whole_(whole), pages_(pages) {}

  void Add(EmbeddingRequest request);

  /*! \brief Ends a request with ERR_ABORTED and frees its pages; unknown ids: nothing. */
  void Abort(int64_t id);
  /*! \brief Ends all requests with an error. */
  void FailAll(const std::string& code, const std::string& message);

  bool empty() const { return waiting_.empty() && active_.empty(); }
  /*! \brief Whether texts hold pages. */
  bool active() const { return !active_.empty(); }
  /*! \brief Pages without which nothing of the queue can begin; 0 where something has. */
  int32_t PagesWanted() const;

  /*! \brief One forward pass; an error of the model ends the requests it had texts of. */
  void Advance(ModelRunner* runner, const EmbeddingBudget& budget);

  /*! \brief The page lists in use, for integrity checks. */
  std::vector<const PageList*> PageLists() const;

 private:
  struct Job {
    EmbeddingRequest request;
    /*! \brief Texts that have begun, and texts without a vector. */
    size_t begun = 0;
    size_t open = 0;
    std::vector<std::vector<float>> vectors;
  };
  struct Text {
    std::shared_ptr<Job> job;
    size_t index;
    Pooler pooler;
    PageList pages = {};
    int32_t computed = 0;
    /*! \brief Rows of the pass in progress. */
    int32_t count = 0;

    const std::vector<int32_t>& tokens() const { return job->request.texts[index]; }
    int32_t length() const { return static_cast<int32_t>(tokens().size()); }
  };

  void Admit(const EmbeddingBudget& budget);
  void BuildInput(int32_t rows);
  void TakeRows(const HiddenRows& hidden);
  void Complete(const Text& text);
  /*! \brief Drops what is left of the job's texts. */
  void Remove(const Job* job);
  void Fail(const std::shared_ptr<Job>& job, const std::string& code, const std::string& message);
  std::vector<std::shared_ptr<Job>> Jobs() const;

  const int32_t max_batch_;
  const bool whole_;
  PageTable* const pages_;
  /*! \brief With texts that have not begun, in order of their turns. */
  std::list<std::shared_ptr<Job>> waiting_;
  /*! \brief In the order in which they began. */
  std::list<Text> active_;
  StepInput input_;
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_EMBEDDING_QUEUE_H_
