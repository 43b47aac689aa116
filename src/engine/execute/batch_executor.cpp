#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <bit>
#include <iomanip>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>

#include "data/memory.hpp"
#include "data/stop.hpp"
#include "engine/execute/beside_loop.hpp"
#include "engine/execute/change_scope.hpp"
#include "engine/execute/executor.hpp"
#include "engine/execute/executor_pace.hpp"
#include "engine/execute/variants/activation_size.hpp"
#include "engine/execute/variants/batch_handler.hpp"
#include "engine/forward/weight_functions.hpp"
#include "heft/error.hpp"
#include "model/archive.hpp"

namespace heft {
namespace {

/// Variants of a chunk where the model has no recurrent operator to count rows in.
constexpr int64_t kVariantsWithoutRows = 64;

/// Bytes that may be written of an operator's results in all variants of a chunk: larger ones leave the caches, and their memory goes
/// back to the system and is paid for again with every chunk.
constexpr int64_t kCached = int64_t{16} << 20;
/// Variants x samples of a chunk all the same, so that products are large and every thread has some.
constexpr int64_t kFewestRows = 1024;

/// Rows (variants x samples) of a chunk come in multiples of this: where a product has fewer rows than a processor takes at once,
/// it adds up in another order, and a variant's last bits would depend on which others share its chunk.
constexpr int64_t kRowsTogether = 8;

/// What variants must have in common to share a chunk: the parameters that they change, and how large a block
/// of each, within a factor of two, since every variant of a chunk costs what its largest does.
struct Sort {
  std::vector<int64_t> parameters;
  std::vector<unsigned> block_sizes;

  auto operator<=>(const Sort&) const = default;
};

struct SizedVariant {
  Sort sort;
  int64_t weights = 0;  ///< in the blocks that hold its changes
};

SizedVariant sizeUp(const Model& model, const Variant& variant) {
  std::set<int64_t> parameters;
  for (const auto& change : variant.changes) parameters.insert(change.parameter);
  SizedVariant sized;
  for (const auto parameter : parameters) {
    const auto block = deltaShape(model, variant, parameter);
    sized.sort.parameters.push_back(parameter);
    sized.sort.block_sizes.push_back(static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(block.rows))));
    sized.sort.block_sizes.push_back(static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(block.columns))));
    sized.weights += block.rows * block.columns;
  }
  return sized;
}

/// The name of the operator in a description of its call.
std::string operatorIn(const std::string& failure) {
  const auto end = failure.find('(');
  return failure.starts_with("aten::") && end != std::string::npos ? failure.substr(0, end) : "";
}

/// The options with their zeros filled in.
BatchOptions chunkLimits(const Model& model, BatchOptions options) {
  const auto device = model.parameters.empty() ? at::Device(at::kCPU) : model.parameters[0].value.device();
  if (options.rows == 0) {
    // What a forward costs beside its products is shared by a chunk's rows; on a device that is hundreds of launches.
    options.rows = device.is_cpu() ? 8192 : 32768;
  }
  if (options.memory == 0) {
    options.memory = int64_t{1} << 30;
    if (!device.is_cpu()) {
      const auto index = device.has_index() ? device.index() : at::DeviceIndex{0};
      options.memory = static_cast<int64_t>(at::getDeviceAllocator(device.type())->getMemoryInfo(index).first / 2);
    }
  }
  return options;
}

std::string shortly(double value) {
  std::ostringstream text;
  text << std::setprecision(2) << value;
  return text.str();
}

class BatchExecutor : public Executor, public ExecutorPace {
 public:
  BatchExecutor(Runner& runner, const OutputLayout& layout, const BatchOptions& options)
      : runner_(runner),
        layout_(layout),
        options_(chunkLimits(runner.model(), options)),
        loop_(makeLoopExecutor(runner, layout)),
        beside_(*loop_, runner.model().native) {}

  void execute(std::span<const Variant> variants, const ReceiveOutputs& receive) override;
  void prepare(std::span<const Variant> variants) override;
  [[nodiscard]] bool runsAlone(int64_t parameter) const override;
  [[nodiscard]] std::vector<std::string> notes() const override;

 private:
  void runBaseline();
  /// Learns what rounding does to the outputs where they are few.
  void correctRounding();
  [[nodiscard]] int64_t fitting(const Sort& sort, int64_t weights) const;
  /// A chunk of single weights with the last one repeated, so that its rows are what products take together; nothing where they are
  /// that already. Components are executed one by one in any case.
  [[nodiscard]] std::vector<Variant> filledUp(std::span<const Variant> chunk, std::span<const Variant> given,
                                              int64_t most) const;
  /// `chunk` is `given` by what it changes of weights as they are read (WeightFunctions), and some of it again.
  std::optional<at::Tensor> tryBatch(std::span<const Variant> chunk, std::span<const Variant> given, const Sort& sort);
  struct Batch {
    at::Tensor table;
    std::string failure;  ///< why there is no table; empty where there is one
    bool again = false;   ///< calls were found that give their whole output from now on
  };
  /// Runs a chunk at once. Sets fewer_ where `sort` turns out to need copies of the parameters.
  Batch runBatch(std::span<const Variant> chunk, const Sort& sort);
  /// Where differences grow or nearly cancel, products in bfloat16 are not exact enough: more exact ones from here on.
  void multiplyMoreExactly(const Sort& sort, double error);
  /// The loop runs `sort` from now on; says why: `failure`, or if that is empty other outputs than the loop's.
  void leaveToLoop(const Sort& sort, const std::string& failure);
  /// The variants by what they change of weights as they are read.
  [[nodiscard]] WeightFunctions::Resolved resolved(std::span<const Variant> variants) const;
  [[nodiscard]] double allowedError() const;
  [[nodiscard]] bool rounds() const { return calls_ && calls_->form().products == ProductForm::rounded; }
  void loop(std::span<const Variant> variants, size_t first, const ReceiveOutputs& receive);
  void note(const std::string& key, const std::string& sentence);
  [[nodiscard]] std::string namesOf(const Sort& sort) const;

  Runner& runner_;
  const OutputLayout& layout_;
  BatchOptions options_;
  std::unique_ptr<Executor> loop_;
  BesideLoop beside_;

  at::Tensor baseline_;                 ///< [samples, elements]
  std::optional<BaselineCalls> calls_;  ///< where what they keep fits into memory
  int64_t bytes_ = 0;                   ///< of activations, a variant
  int64_t most_ = 1;                    ///< variants of a chunk, at most
  bool prepared_ = false;               ///< products have their form for good
  bool fewer_ = false;                  ///< tryBatch() wants the same again, with fewer variants
  std::set<Sort> checked_;              ///< found equal to the loop
  double rounding_error_ = 0;           ///< the largest that was seen with rounded numbers
  std::set<Sort> alone_;                ///< run by the loop from now on
  std::set<Sort> copied_;               ///< some operator needs a copy of the parameters for each variant
  std::set<std::string> noted_;
  std::vector<std::string> notes_;
};

void BatchExecutor::runBaseline() {
  if (baseline_.defined()) return;
  ActivationSize size(runner_.model());
  const auto outputs = runner_.run(size);
  baseline_ = layout_.table(outputs).clone();
  if (!runner_.model().native) {
    calls_.emplace(runner_.model(), options_.products, options_.as_device, options_.spoil_unread);
    calls_->finish(runner_.run(*calls_));
    if (calls_->bytes() > options_.memory) calls_.reset();
    correctRounding();
  }
  bytes_ = size.bytes() + 3 * baseline_.numel() * int64_t{sizeof(double)};
  most_ = kVariantsWithoutRows;
  if (const auto rows = size.recurrentRows(); rows > 0) {
    auto most = options_.rows;
    if (baseline_.device().is_cpu()) {
      auto largest = size.largestMade();
      for (size_t i = 0; i < size.recurrentOutputs().size(); ++i) {
        const auto* call = calls_ ? calls_->at(i) : nullptr;
        const auto written =
            static_cast<double>(size.recurrentOutputs()[i]) * (call != nullptr ? call->readShare() : 1);
        largest = std::max(largest, static_cast<int64_t>(written));
      }
      const auto cached = kCached / std::max<int64_t>(1, largest);
      most = std::clamp(cached * rows, std::min(kFewestRows, most), most);
    }
    most_ = std::max<int64_t>(1, most / rows);
  }
}

void BatchExecutor::correctRounding() {
  if (!rounds() || !options_.adjoints || layout_.elements() > calls_->outputsWorthCorrecting(options_.memory)) return;
  try {
    calls_->correctRounding(options_.adjoints(runner_, layout_), layout_.samples());
  } catch (const std::exception& error) {  // what can't be differentiated stays rounded, and is said to be
    stopIfAsked();
    if (saysOutOfMemory(error.what())) throw;
  }
}

int64_t BatchExecutor::fitting(const Sort& sort, int64_t weights) const {
  int64_t bytes = bytes_ + weights * int64_t{sizeof(double)};
  if (copied_.count(sort) > 0) {
    for (const auto parameter : sort.parameters) {
      bytes += runner_.model().weights(parameter).value.numel() * int64_t{sizeof(double)};
    }
  }
  return std::clamp<int64_t>(options_.memory / std::max<int64_t>(1, bytes), 1, most_);
}

void BatchExecutor::prepare(std::span<const Variant> variants) {
  const at::NoGradGuard no_grad;
  runBaseline();
  const auto known = [&](const Sort& sort) { return checked_.count(sort) > 0 || alone_.count(sort) > 0; };
  const auto untried = [&] {
    std::vector<Variant> some;
    const auto read = resolved(variants);
    for (size_t v = 0; v < variants.size(); ++v) {
      const auto sort = sizeUp(runner_.model(), read.variants[v]).sort;
      if (!read.as_they_are[v] && !sort.parameters.empty() && !known(sort)) some.push_back(variants[v]);
    }
    return some;
  };
  // Again where products took another form on the way, which unsettles what was found before.
  for (auto some = untried(); !some.empty(); some = untried()) execute(some, [](size_t, const at::Tensor&) {});
  prepared_ = true;
}

void BatchExecutor::execute(std::span<const Variant> variants, const ReceiveOutputs& receive) {
  const at::NoGradGuard no_grad;
  for (const auto& variant : variants) {
    for (const auto& change : variant.changes) checkChange(runner_.model(), change);
  }
  runBaseline();
  const auto [read, as_they_are] = resolved(variants);
  for (size_t first = 0; first < variants.size();) {
    // A weight that a mask or a relu leaves out.
    if (!as_they_are[first] && read[first].changes.empty() && !variants[first].changes.empty()) {
      receive(first, baseline_.unsqueeze(0));
      ++first;
      continue;
    }
    const auto head = sizeUp(runner_.model(), read[first]);
    if (as_they_are[first] || alone_.count(head.sort) > 0 || head.sort.parameters.empty()) {
      loop(variants.subspan(first, 1), first, receive);
      ++first;
      continue;
    }
    auto weights = head.weights;
    size_t count = 1;
    for (; first + count < variants.size(); ++count) {
      const auto next = sizeUp(runner_.model(), read[first + count]);
      const auto most = std::max(weights, next.weights);
      if (as_they_are[first + count] || next.sort != head.sort ||
          static_cast<int64_t>(count) >= fitting(head.sort, most))
        break;
      weights = most;
    }
    const auto given = variants.subspan(first, count);
    const auto chunk = std::span<const Variant>(read).subspan(first, count);
    const auto filled = filledUp(chunk, given, fitting(head.sort, weights));
    if (const auto outputs = tryBatch(filled.empty() ? chunk : filled, given, head.sort)) {
      receive(first, outputs->narrow(0, 0, static_cast<int64_t>(count)));
      first += count;
    } else if (!fewer_) {
      loop(given, first, receive);
      first += count;
    }
  }
}

WeightFunctions::Resolved BatchExecutor::resolved(std::span<const Variant> variants) const {
  const auto& functions = runner_.model().functions;
  if (functions) return functions->resolve(runner_.model(), variants);
  return {{variants.begin(), variants.end()}, std::vector<bool>(variants.size(), false)};
}

std::vector<Variant> BatchExecutor::filledUp(std::span<const Variant> chunk, std::span<const Variant> given,
                                             int64_t most) const {
  const auto samples = std::max<int64_t>(1, baseline_.size(0));
  const auto together = std::min(kRowsTogether / std::gcd(kRowsTogether, samples), most);
  const auto single = [](const Variant& one) { return one.changes.size() == 1 && one.changes[0].index.size() == 1; };
  if (std::ssize(chunk) % together == 0 || !std::all_of(given.begin(), given.end(), single)) return {};
  std::vector<Variant> filled(chunk.begin(), chunk.end());
  while (std::ssize(filled) % together != 0 && std::ssize(filled) < most) filled.push_back(filled.back());
  return filled;
}

std::optional<at::Tensor> BatchExecutor::tryBatch(std::span<const Variant> chunk, std::span<const Variant> given,
                                                  const Sort& sort) {
  auto [table, failure, again] = runBatch(chunk, sort);
  stopIfAsked();  // what failed may have been stopped
  if (fewer_) return std::nullopt;
  if (again) return tryBatch(chunk, given, sort);  // each time some call more gives its whole output
  if (saysOutOfMemory(failure) && chunk.size() > 1) {
    most_ = static_cast<int64_t>(chunk.size()) / 2;
    fewer_ = true;
    return std::nullopt;
  }
  // Rounding alone is the larger error by far, and another for each variant.
  const size_t more = !rounds() ? 0 : calls_->form().corrects ? 2 : 6;
  const double error = failure.empty() && checked_.count(sort) == 0
                           ? beside_.worst(given, table.narrow(0, 0, std::ssize(given)), baseline_, more)
                           : 0;
  if (failure.empty() && error <= allowedError()) {
    if (checked_.insert(sort).second && rounds()) rounding_error_ = std::max(rounding_error_, error);
    return table;
  }
  if (failure.empty() && calls_ && calls_->form().products != ProductForm::floats && !prepared_) {
    multiplyMoreExactly(sort, error);
    return tryBatch(chunk, given, sort);
  }
  leaveToLoop(sort, failure);
  return std::nullopt;
}

BatchExecutor::Batch BatchExecutor::runBatch(std::span<const Variant> chunk, const Sort& sort) {
  Batch batch;
  const VmapLevel level(static_cast<int64_t>(chunk.size()));
  std::optional<BatchHandler> handler;
  try {
    handler.emplace(runner_.model(), chunk, level, options_.memory, calls_ ? &*calls_ : nullptr);
    auto outputs = runner_.run(*handler);
    for (auto& output : outputs) output.value = handler->valuesOf(output.value);
    const BelowVmap plain;
    batch.table = layout_.table(outputs, true).contiguous();
    if (const auto& rounding = handler->rounding(); rounding.defined())
      batch.table = batch.table + rounding.narrow(2, 0, batch.table.size(2)).to(batch.table.device());
  } catch (const std::exception& error) {
    batch.failure = handler && !handler->failure().empty() ? handler->failure() : firstLine(error.what());
  }
  batch.again = handler && handler->readMore();
  runner_.restoreState();  // batched tensors mean nothing once the level is gone
  fewer_ =
      !batch.failure.empty() && handler && handler->neededCopies() && copied_.insert(sort).second && chunk.size() > 1;
  return batch;
}

void BatchExecutor::multiplyMoreExactly(const Sort& sort, double error) {
  const bool rounded = rounds();
  const bool halves = calls_->multiplyMoreExactly() == ProductForm::halves;
  checked_.clear();
  note(rounded ? "rounded" : "halves",
       "products of differences are " + std::string(halves ? "taken by halves of bfloat16" : "float32") +
           ", which is slower: " + (rounded ? "of numbers rounded to bfloat16" : "by halves of bfloat16") +
           " an impact of " + namesOf(sort) + " was off by " + shortly(error) + ", relative");
}

void BatchExecutor::leaveToLoop(const Sort& sort, const std::string& failure) {
  alone_.insert(sort);
  if (failure.empty()) {
    note(namesOf(sort), "variants of " + namesOf(sort) + " run one at a time: many at once gave other outputs");
  } else {
    const auto name = operatorIn(failure);
    note(name.empty() ? failure : name, "some variants run one at a time, which is slower: " + failure);
  }
}

bool BatchExecutor::runsAlone(int64_t parameter) const {
  return std::any_of(alone_.begin(), alone_.end(),
                     [&](const Sort& sort) { return sort.parameters == std::vector<int64_t>{parameter}; });
}

std::vector<std::string> BatchExecutor::notes() const {
  auto notes = notes_;
  if (rounds() && !checked_.empty())
    notes.push_back(
        "products of differences are of numbers rounded to bfloat16, as asked: of the impacts checked beside the loop, "
        "two "
        "or more of each parameter, none was off by more than " +
        shortly(rounding_error_) + ", relative");
  return notes;
}

/// How far beside_ may find it off: differences are carried in float32, everything else in the model's own precision.
double BatchExecutor::allowedError() const {
  if (runner_.model().native) return 1e-3;
  if (rounds()) return 0.02;
  return calls_ ? 1e-5 : 1e-9;
}

void BatchExecutor::loop(std::span<const Variant> variants, size_t first, const ReceiveOutputs& receive) {
  loop_->execute(variants, [&](size_t index, const at::Tensor& outputs) { receive(first + index, outputs); });
}

void BatchExecutor::note(const std::string& key, const std::string& sentence) {
  if (noted_.insert(key).second) notes_.push_back(sentence);
}

std::string BatchExecutor::namesOf(const Sort& sort) const {
  std::string names;
  for (const auto parameter : sort.parameters) {
    names += (names.empty() ? "" : ", ") + runner_.model().weights(parameter).name;
  }
  return names;
}

}  // namespace

std::unique_ptr<Executor> makeBatchExecutor(Runner& runner, const OutputLayout& layout, const BatchOptions& options) {
  return std::make_unique<BatchExecutor>(runner, layout, options);
}

}  // namespace heft
