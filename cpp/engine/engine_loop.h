/*!
 * \file engine/engine_loop.h
 * \brief The engine thread: loads, takes commands, steps while there is work, sleeps otherwise.
 */
#ifndef NODE_MLC_ENGINE_ENGINE_LOOP_H_
#define NODE_MLC_ENGINE_ENGINE_LOOP_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"

namespace node_mlc {

/*!
 * \brief One engine on one thread.
 *
 * Threads: the owner calls every public method; the engine lives and dies on the thread inside, and
 * so do all calls of TVM and the thread pool they compute on. The callbacks are
 * called on the engine thread and must not wait for the owner. Rules:
 *  1. on_loaded or on_load_failed is called once, on_closed once at the very end, when nothing of
 * the engine is left and Join() no longer waits; none of them after Abandon().
 *  2. A stop takes effect between two forward passes; commands posted before it still run.
 *  3. At exit of the process every loop is abandoned and joined before the TVM libraries are torn
 * down: exit() does not run the cleanup hooks of Node.
 */
class EngineLoop {
 public:
  using Command = std::function<void(Engine*)>;
  /*! \brief Makes the engine; throws CodedError. Should give up (throw ERR_ABORTED) when `stopped`
   * becomes true. */
  using Factory = std::function<std::unique_ptr<Engine>(const std::atomic<bool>& stopped)>;

  struct Callbacks {
    std::function<void()> on_loaded;
    std::function<void(const std::string& code, const std::string& message)> on_load_failed;
    std::function<void()> on_closed;
  };

  EngineLoop(Factory factory, Callbacks callbacks);
  ~EngineLoop();
  EngineLoop(const EngineLoop&) = delete;
  EngineLoop& operator=(const EngineLoop&) = delete;

  /*! \brief Runs `command` on the engine thread, before its next step. Not after Stop(). */
  void Post(Command command);

  /*! \brief Asks the engine to abort everything and close; returns at once. */
  void Stop();

  /*! \brief Stop() without any further callback and without running posted commands. */
  void Abandon();

  /*! \brief Waits for the end of the thread; after Stop() or Abandon() at most one forward pass. */
  void Join();

  /*! \brief The engine's counters, no older than the last event; any thread. */
  EngineStats stats() const;

 private:
  struct ExitNotice;

  void Run();
  void Serve(Engine* engine);
  void RunCommands(Engine* engine);
  void WaitForWork(Engine* engine);
  void UpdateStats(const EngineStats& stats);

  const Factory factory_;
  const Callbacks callbacks_;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> abandoned_{false};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Command> commands_;  // guarded by mutex_
  EngineStats stats_;              // guarded by mutex_

  std::mutex join_mutex_;
  std::thread thread_;  // last: starts when all else is ready
};

}  // namespace node_mlc

#endif  // NODE_MLC_ENGINE_ENGINE_LOOP_H_
