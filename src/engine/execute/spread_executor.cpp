#include "engine/execute/spread_executor.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/execute/executor_pace.hpp"

namespace heft {
namespace {

/// Pieces that may be done and not yet received, for each executor: enough that none waits, few enough to hold.
constexpr size_t kAhead = 2;

/// The pieces of one list of variants: handed out in order, given back in any order, received in order.
class Pieces {
 public:
  Pieces(size_t count, size_t ahead) : done_(count), ahead_(ahead) {}

  /// The next piece; nothing when there are no more.
  std::optional<size_t> begin() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || next_ == done_.size() || next_ < received_ + ahead_; });
    if (stopped_ || next_ == done_.size()) return std::nullopt;
    return next_++;
  }

  void give(size_t piece, at::Tensor outputs) {
    const std::lock_guard lock(mutex_);
    done_[piece] = std::move(outputs);
    changed_.notify_all();
  }

  /// The next one in order. Throws what a failed piece threw.
  at::Tensor receive() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failure_ || done_[received_].defined(); });
    if (failure_) std::rethrow_exception(failure_);
    auto outputs = std::move(done_[received_++]);
    changed_.notify_all();
    return outputs;
  }

  /// No piece begins from now on.
  void stop(std::exception_ptr failure = nullptr) {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (!failure_) failure_ = std::move(failure);
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<at::Tensor> done_;
  size_t ahead_;
  size_t next_ = 0, received_ = 0;
  bool stopped_ = false;
  std::exception_ptr failure_;
};

/// Threads that have ended when this has.
class Threads {
 public:
  explicit Threads(Pieces& pieces) : pieces_(pieces) {}
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() {
    pieces_.stop();
    for (auto& thread : threads_) thread.join();
  }

  template <class Work>
  void start(Work work) {
    threads_.emplace_back([this, work] {
      try {
        work();
      } catch (...) {
        pieces_.stop(std::current_exception());
      }
    });
  }

 private:
  Pieces& pieces_;
  std::vector<std::thread> threads_;
};

class SpreadExecutor : public Executor, public ExecutorPace {
 public:
  SpreadExecutor(std::vector<std::unique_ptr<Executor>> executors, size_t piece, c10::Device to)
      : executors_(std::move(executors)), piece_(piece), to_(to) {}

  void execute(std::span<const Variant> variants, const ReceiveOutputs& receive) override {
    const auto count = (variants.size() + piece_ - 1) / piece_;
    if (count < 2) return executors_[0]->execute(variants, receive);
    Pieces pieces(count, kAhead * executors_.size());
    Threads threads(pieces);
    for (size_t i = 0; i < std::min(count, executors_.size()); ++i) {
      threads.start([this, variants, &pieces, &executor = *executors_[i]] {
        while (const auto piece = pieces.begin()) pieces.give(*piece, outputsOf(executor, pieceOf(variants, *piece)));
      });
    }
    for (size_t piece = 0; piece < count; ++piece) receive(piece * piece_, pieces.receive());
  }

  void prepare(std::span<const Variant> variants) override {
    Pieces pieces(executors_.size(), executors_.size());
    Threads threads(pieces);
    for (size_t i = 0; i < executors_.size(); ++i) {
      threads.start([variants, i, &pieces, &executor = *executors_[i]] {
        executor.prepare(variants);
        pieces.give(i, at::zeros({0}));
      });
    }
    for (size_t i = 0; i < executors_.size(); ++i) pieces.receive();
  }

  [[nodiscard]] bool runsAlone(int64_t parameter) const override {
    const auto* first = dynamic_cast<const ExecutorPace*>(executors_.front().get());
    return first == nullptr || first->runsAlone(parameter);
  }

  // All wait for the last piece of a list, so lists of several for each.
  [[nodiscard]] size_t together() const override { return 4 * executors_.size(); }

  [[nodiscard]] std::vector<std::string> notes() const override {
    std::vector<std::string> notes;
    for (const auto& executor : executors_) {
      for (auto& note : executor->notes()) {
        if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(std::move(note));
      }
    }
    return notes;
  }

 private:
  [[nodiscard]] std::span<const Variant> pieceOf(std::span<const Variant> variants, size_t piece) const {
    const auto first = piece * piece_;
    return variants.subspan(first, std::min(piece_, variants.size() - first));
  }

  /// Of all variants, [variants, samples, elements].
  [[nodiscard]] at::Tensor outputsOf(Executor& executor, std::span<const Variant> variants) const {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> parts;
    executor.execute(variants, [&](size_t, const at::Tensor& outputs) { parts.push_back(outputs.to(to_)); });
    return parts.size() == 1 ? parts[0].clone() : at::cat(parts);
  }

  std::vector<std::unique_ptr<Executor>> executors_;
  size_t piece_;
  c10::Device to_;
};

}  // namespace

std::unique_ptr<Executor> makeSpreadExecutor(std::vector<std::unique_ptr<Executor>> executors, size_t piece,
                                             c10::Device to) {
  return std::make_unique<SpreadExecutor>(std::move(executors), piece, to);
}

}  // namespace heft
