#include "measure/estimate/row_estimator.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <mutex>

#include "data/stop.hpp"
#include "engine/forward/weight_functions.hpp"
#include "heft/error.hpp"
#include "measure/estimate/row_values.hpp"
#include "measure/estimate/square_values.hpp"

namespace heft {
namespace {

/// Row `index` of what a device worked out.
ColumnImpacts placesOf(const SquareValues& values, int64_t index, int64_t columns) {
  ColumnImpacts all;
  for (const auto& one : values.impact) all.impact.push_back(one.mutable_data_ptr<double>() + index * columns);
  for (const auto& one : values.standard_error)
    all.standard_error.push_back(one.mutable_data_ptr<float>() + index * columns);
  return all;
}

void copyTo(const ColumnImpacts& to, const ColumnImpacts& from, int64_t columns) {
  for (size_t m = 0; m < to.impact.size(); ++m) {
    std::copy_n(from.impact[m], columns, to.impact[m]);
    std::copy_n(from.standard_error[m], columns, to.standard_error[m]);
  }
}

/// Rows that threads take one after the other.
class HandedOut {
 public:
  HandedOut(int64_t first, int64_t end, size_t threads) : next_(first), end_(end), taken_(threads, end) {}

  /// The next row, for a thread that is through with the one before; `end` where there are no more.
  int64_t take(int64_t thread) {
    const std::lock_guard lock(mutex_);
    const auto row = stopped_ || next_ == end_ ? end_ : next_++;
    taken_[static_cast<size_t>(thread)] = row;
    return row;
  }

  /// No row is handed out any more.
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }

  /// All rows before this one are done.
  [[nodiscard]] int64_t done() const {
    const std::lock_guard lock(mutex_);
    return std::min(next_, *std::min_element(taken_.begin(), taken_.end()));
  }

 private:
  mutable std::mutex mutex_;
  int64_t next_, end_;
  bool stopped_ = false;
  std::vector<int64_t> taken_;  ///< by thread; `end` where it has none
};

constexpr int64_t kRows = 64;                    // between two reports of progress, on the CPU
constexpr double kBlockBytes = 256.0 * 1048576;  // of a device's block of rows

}  // namespace

RowEstimator::RowEstimator(Session& session, const std::vector<Site*>& sites, const ResponseSeeds& seeds,
                           const NewValue& new_value, const ResponseOptions& options, int64_t samples)
    : session_(session),
      seeds_(seeds),
      new_value_(new_value),
      options_(options),
      samples_(samples),
      count_(seeds.seeds().count),
      uses_(session.model().weightTensors()) {
  for (const auto* site : sites) {
    for (const auto& use : site->uses()) uses_[static_cast<size_t>(use.parameter)].push_back({site, use.role});
  }
}

RowEstimator::Changes RowEstimator::changesOf(size_t parameter) const {
  Changes changes;
  const auto weights = session_.model().parameters[parameter].value.detach().to(at::kCPU, at::kDouble).contiguous();
  const auto* weight = weights.const_data_ptr<double>();
  changes.before.assign(weight, weight + weights.numel());
  changes.after.resize(changes.before.size());
  for (size_t i = 0; i < changes.after.size(); ++i)
    changes.after[i] = new_value_(static_cast<int64_t>(parameter), static_cast<int64_t>(i), weight[i]);
  return changes;
}

void RowEstimator::estimate(size_t parameter, int64_t first, ResponseResult& result,
                            const std::function<void(int64_t)>& advance) const {
  const auto& info = session_.structure().parameters[parameter];
  if (first >= info.rows()) return;
  const uint8_t* wanted = nullptr;
  if (options_.selection != nullptr) {
    const auto& mask = options_.selection->mask[parameter];
    if (mask.empty()) return;
    wanted = mask.data();
  }
  const auto& model = session_.model();
  if (model.functions) {
    const auto links = model.functions->linksOf(static_cast<int64_t>(parameter));
    if (!links.empty()) return estimateDerived(parameter, wanted, links, result, advance);
  }
  if (uses_[parameter].empty()) return;
  const auto weights = model.parameters[parameter].value.detach().to(at::kCPU, at::kDouble).contiguous();
  const auto* weight = weights.const_data_ptr<double>();
  std::vector<float> change(static_cast<size_t>(weights.numel()));
  at::parallel_for(0, weights.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
    for (auto i = begin; i < end; ++i)
      change[static_cast<size_t>(i)] =
          static_cast<float>(new_value_(static_cast<int64_t>(parameter), i, weight[i]) - weight[i]);
  });
  // Where a site keeps sums of squares, the parameter has no other.
  const auto kept = uses_[parameter][0].site->keptSeeds(count_);
  const auto out = options_.take_row ? ColumnImpacts() : placesIn(result, parameter);
  const Task task{parameter, info.rows(), info.columns(), kept, change.data(), wanted, out, first, true};
  estimateTask(task, result, advance);
  keep(task, task.rows, result);
}

void RowEstimator::keep(const Task& task, int64_t rows, const ResponseResult& result) const {
  if (task.keeps && options_.store != nullptr) options_.store->keepRows(task.index, rows, result);
}

void RowEstimator::estimateTask(const Task& task, ResponseResult& result,
                                const std::function<void(int64_t)>& advance) const {
  if (const auto device = deviceFor(task.index))
    estimateOnDevice(task, *device, result, advance);
  else
    estimateOnHost(task, result, advance);
}

void RowEstimator::estimateOnDevice(const Task& task, at::Device device, ResponseResult& result,
                                    const std::function<void(int64_t)>& advance) const {
  const auto bytes = sizeof(float) * static_cast<double>(samples_ * task.kept * task.columns);
  const auto most = std::max<int64_t>(1, static_cast<int64_t>(kBlockBytes / bytes));
  std::vector<int64_t> rows;
  int64_t told = task.first;
  for (int64_t row = task.first; row < task.rows; ++row) {
    if (selected(task, row)) rows.push_back(row);
    if (std::ssize(rows) < most && row + 1 < task.rows) continue;
    stopIfAsked();
    if (!rows.empty()) estimateRows(task, rows.data(), std::ssize(rows), device);
    result.row_weights += std::ssize(rows) * task.columns;
    rows.clear();
    advance((row + 1 - told) * task.columns);
    told = row + 1;
    if (options_.store != nullptr && options_.store->due()) keep(task, told, result);
  }
}

void RowEstimator::estimateOnHost(const Task& task, ResponseResult& result,
                                  const std::function<void(int64_t)>& advance) const {
  // Rows differ in what they cost (of an embedding, by how often it is read), so each thread takes the next when it is through.
  const auto threads = at::get_num_threads();
  HandedOut rows(task.first, task.rows, static_cast<size_t>(threads));
  try {
    at::parallel_for(0, threads, 1, [&](int64_t thread, int64_t) {
      std::vector<float> block(static_cast<size_t>(samples_ * task.kept * task.columns));
      RowValues own;
      if (options_.take_row) own = RowValues(seeds_.values(), task.columns);
      int64_t told = task.first;
      const auto estimateOne = [&](int64_t row) {
        stopIfAsked();
        if (selected(task, row)) {
          const bool hands_over = task.out.impact.empty();
          const auto out = hands_over ? own.places() : placesFrom(task.out, row * task.columns);
          std::fill(block.begin(), block.end(), 0.0f);
          estimateRow(task, row, block.data(), out);
          if (hands_over) options_.take_row(task.index, row, out);
        }
        if (thread > 0) return;  // what shows and keeps the progress is for one thread
        if (options_.store != nullptr && options_.store->due()) keep(task, rows.done(), result);
        if (row - told < kRows) return;
        advance((row - told) * task.columns);
        told = row;
      };
      try {
        for (auto row = rows.take(thread); row < task.rows; row = rows.take(thread)) estimateOne(row);
        if (thread == 0) advance((task.rows - told) * task.columns);
      } catch (...) {
        rows.stop();  // stopped, or failed: for all
        throw;
      }
    });
  } catch (const Error& error) {
    if (error.fault() == Fault::interrupted) keep(task, rows.done(), result);
    throw;
  }
}

void RowEstimator::estimateRow(const Task& task, int64_t row, float* block, const ColumnImpacts& out) const {
  const auto columns = task.columns;
  const RowChange changed{row, {task.change + row * columns, static_cast<size_t>(columns)}};
  for (const auto& use : uses_[task.index])
    use.site->addResponse(use.role, changed, {samples_, task.kept, columns, block});
  const auto bend_seeds = bendSeeds(task.index);
  if (bend_seeds == count_) addBend(task.index, changed, {samples_, count_, columns, block});
  reduce(task, block, out);
  if (bend_seeds > 0 && bend_seeds < count_) scaleByBend(task.index, changed, block, bend_seeds, out);
}

void RowEstimator::estimateRows(const Task& task, const int64_t* rows, int64_t count, at::Device device) const {
  const auto columns = task.columns;
  auto index = at::empty({count}, at::kLong);
  auto change = at::empty({count, columns}, at::kFloat);
  std::copy_n(rows, count, index.mutable_data_ptr<int64_t>());
  auto* changes = change.mutable_data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) std::copy_n(task.change + rows[i] * columns, columns, changes + i * columns);
  const RowsChange changed{index.to(device), change.to(device)};
  auto block = at::zeros({count, samples_, task.kept, columns}, at::TensorOptions(at::kFloat).device(device));
  for (const auto& use : uses_[task.index]) use.site->addRows(use.role, changed, block);

  const auto hand = [&](int64_t i, const ColumnImpacts& values) {
    if (task.out.impact.empty())
      options_.take_row(task.index, rows[i], values);
    else
      copyTo(placesFrom(task.out, rows[i] * columns), values, columns);
  };
  if (const auto form = seeds_.squareForm(task.kept)) {
    const auto values = squareValues(*form, block);
    for (int64_t i = 0; i < count; ++i) hand(i, placesOf(values, i, columns));
    return;
  }
  const auto on_host = block.to(at::kCPU);
  const auto* blocks = on_host.const_data_ptr<float>();
  const auto each = samples_ * task.kept * columns;
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    RowValues own(seeds_.values(), columns);
    for (int64_t i = begin; i < end; ++i) {
      reduce(task, blocks + i * each, own.places());
      hand(i, own.places());
    }
  });
}

void RowEstimator::reduce(const Task& task, const float* block, const ColumnImpacts& out) const {
  if (task.kept == count_)
    seeds_.reduce(block, task.columns, out);
  else
    seeds_.reduceSquares(block, task.kept, task.columns, out);
}

std::optional<at::Device> RowEstimator::deviceFor(size_t parameter) const {
  if (bendSeeds(parameter) > 0) return std::nullopt;
  std::optional<at::Device> device;
  for (const auto& use : uses_[parameter]) {
    const auto own = use.site->rowsDevice(use.role);
    if (!own || (device && *device != *own)) return std::nullopt;
    device = own;
  }
  return device;
}

/// Seeds that everything that bends the parameter's effect can serve; 0: nothing does.
int64_t RowEstimator::bendSeeds(size_t parameter) const {
  if (!options_.bends) return 0;
  int64_t seeds = 0;
  for (const auto& use : uses_[parameter]) {
    const auto own = use.site->bendSeeds();
    if (own > 0) seeds = seeds == 0 ? own : std::min(seeds, own);
  }
  return seeds;
}

void RowEstimator::addBend(size_t parameter, const RowChange& row, const ResponseBlock& block) const {
  for (const auto& use : uses_[parameter]) {
    if (use.site->bendSeeds() > 0) use.site->addBend(use.role, row, block);
  }
}

/// Where only the first seeds can be bent, the impacts of all are scaled by what bending does to those of the first.
/// `block` is [samples, all seeds, columns].
void RowEstimator::scaleByBend(size_t parameter, const RowChange& row, const float* block, int64_t some,
                               const ColumnImpacts& out) const {
  const auto columns = static_cast<int64_t>(row.change.size());
  std::vector<float> first(static_cast<size_t>(samples_ * some * columns));
  for (int64_t sample = 0; sample < samples_; ++sample)
    std::copy_n(block + sample * count_ * columns, some * columns, first.data() + sample * some * columns);
  RowValues straight(seeds_.values(), columns), bent(seeds_.values(), columns);
  seeds_.reduceSquares(first.data(), some, columns, straight.places());
  addBend(parameter, row, {samples_, some, columns, first.data()});
  seeds_.reduceSquares(first.data(), some, columns, bent.places());
  for (size_t m = 0; m < seeds_.values(); ++m) {
    for (size_t j = 0; j < static_cast<size_t>(columns); ++j) {
      if (straight.impact[m][j] <= 0) continue;
      const double factor = bent.impact[m][j] / straight.impact[m][j];
      out.impact[m][j] *= factor;
      out.standard_error[m][j] *= static_cast<float>(factor);
    }
  }
}

bool RowEstimator::selected(const Task& task, int64_t row) const {
  if (task.selected == nullptr) return true;
  const auto* begin = task.selected + row * task.columns;
  return std::any_of(begin, begin + task.columns, [](uint8_t one) { return one != 0; });
}

}  // namespace heft
