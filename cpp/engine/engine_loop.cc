/*!
 * \file engine/engine_loop.cc
 */
#include "engine/engine_loop.h"

#include <chrono>
#include <cstdlib>
#include <new>
#include <set>
#include <utility>

#include "support/coded_error.h"

namespace node_mlc {

namespace {

/*! \brief After this long without work the engine returns unused memory to the system. */
constexpr std::chrono::seconds kRestAfter(5);

/*! \brief The loops of the process, to be stopped when it exits. */
class LiveLoops {
 public:
  static LiveLoops* Global() {
    // Never destroyed: it is used while the process exits.
    static LiveLoops* loops = new LiveLoops();
    return loops;
  }

  void Add(EngineLoop* loop) {
    std::lock_guard<std::mutex> lock(mutex_);
    loops_.insert(loop);
  }

  void Remove(EngineLoop* loop) {
    std::lock_guard<std::mutex> lock(mutex_);
    loops_.erase(loop);
  }

 private:
  // Handlers run in reverse order of registration, hence before the destructors of the TVM
  // libraries, which were loaded before.
  LiveLoops() { std::atexit(StopAll); }

  static void StopAll() {
    LiveLoops* self = Global();
    std::lock_guard<std::mutex> lock(self->mutex_);
    for (EngineLoop* loop : self->loops_) loop->Abandon();
    for (EngineLoop* loop : self->loops_) loop->Join();
  }

  std::mutex mutex_;
  std::set<EngineLoop*> loops_;
};

}  // namespace

/*!
 * \brief Reports the end of the thread as the thread's last act.
 *
 * Thread-local objects are destroyed in reverse order of construction. This one is made before
 * those of TVM (its workspace memory), so its destructor runs when they are gone. Whoever joins the
 * engine thread after the notice does not wait.
 */
struct EngineLoop::ExitNotice {
  ~ExitNotice() {
    if (loop != nullptr && !loop->abandoned_) loop->callbacks_.on_closed();
  }
  EngineLoop* loop = nullptr;
};

EngineLoop::EngineLoop(Factory factory, Callbacks callbacks)
    : factory_(std::move(factory)), callbacks_(std::move(callbacks)) {
  LiveLoops::Global()->Add(this);
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (...) {
    LiveLoops::Global()->Remove(this);
    throw;
  }
}

EngineLoop::~EngineLoop() {
  Abandon();
  Join();
  LiveLoops::Global()->Remove(this);
}

void EngineLoop::Post(Command command) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    commands_.push_back(std::move(command));
  }
  wake_.notify_one();
}

void EngineLoop::Stop() {
  {
    // Under the lock, lest the thread miss it between its check and its wait.
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_one();
}

void EngineLoop::Abandon() {
  abandoned_ = true;
  Stop();
}

void EngineLoop::Join() {
  std::lock_guard<std::mutex> lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

EngineStats EngineLoop::stats() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return stats_;
}

void EngineLoop::Run() {
  static thread_local ExitNotice notice;
  notice.loop = this;
  std::unique_ptr<Engine> engine;
  std::string code, reason;
  try {
    engine = factory_(stopped_);
  } catch (const CodedError& error) {
    code = error.code();
    reason = error.what();
  } catch (const std::bad_alloc&) {
    code = "ERR_INSUFFICIENT_MEMORY";
    reason = "Out of memory while loading the model.";
  } catch (const std::exception& error) {
    code = "ERR_NATIVE";
    reason = error.what();
  }
  if (engine == nullptr) {
    if (!abandoned_) callbacks_.on_load_failed(code, reason);
    return;
  }
  UpdateStats(engine->stats());
  engine->OnStats([this](const EngineStats& stats) { UpdateStats(stats); });
  if (!abandoned_) callbacks_.on_loaded();
  Serve(engine.get());
  if (!abandoned_) {
    RunCommands(engine.get());
    engine->AbortAll();
  }
}

void EngineLoop::Serve(Engine* engine) {
  while (!stopped_) {
    RunCommands(engine);
    if (engine->HasWork()) {
      engine->Step();
    } else {
      WaitForWork(engine);
    }
  }
}

void EngineLoop::RunCommands(Engine* engine) {
  std::vector<Command> commands;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    commands.swap(commands_);
  }
  for (Command& command : commands) command(engine);
}

void EngineLoop::WaitForWork(Engine* engine) {
  auto has_news = [this] { return stopped_ || !commands_.empty(); };
  std::unique_lock<std::mutex> lock(mutex_);
  if (wake_.wait_for(lock, kRestAfter, has_news)) return;
  lock.unlock();
  engine->Rest();
  lock.lock();
  wake_.wait(lock, has_news);
}

void EngineLoop::UpdateStats(const EngineStats& stats) {
  std::lock_guard<std::mutex> lock(mutex_);
  stats_ = stats;
}

}  // namespace node_mlc
