#include "engine/execute/delta/delta_layer.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>

#include "data/stop.hpp"
#include "engine/execute/delta/rounding_sums.hpp"
#include "engine/kernels/cpu/delta_step.hpp"
#include "engine/kernels/cpu/unit_response.hpp"
#include "engine/kernels/products/small_products.hpp"

namespace heft {
namespace {

constexpr size_t kMostPoints = 13;

/// Places of the workspace.
enum Slot : size_t {
  kState,
  kMoved,
  kPre,
  kCarry,
  kRaw,
  kProjected,
  kSplit,
  kRounding,
  kPlaces = kRounding + RoundingSums::kPlaces
};
static_assert(kPlaces == kDeltaPlaces);

bool anyNonZero(const float* values, int64_t count) {
  return std::any_of(values, values + count, [](float one) { return one != 0; });
}

/// The one unit whose gates all changes of a variant feed, or -1.
int64_t onlyUnit(const CellChange& change, int64_t hidden) {
  if (!change.projection.empty()) return -1;
  int64_t unit = -1;
  for (const auto* entries : {&change.input, &change.recurrent, &change.input_bias, &change.recurrent_bias}) {
    for (const auto& entry : *entries) {
      if (unit >= 0 && entry.row % hidden != unit) return -1;
      unit = entry.row % hidden;
    }
  }
  return unit;
}

/// One run of one layer. Rows that differ from the baseline are "live" and lie side by side in the order in which they became
/// so: matrix products take a prefix of them.
class DeltaRun {
 public:
  DeltaRun(const CellBaseline& baseline, std::span<const CellChange> changes, const LayerDeltas& input,
           Workspace& workspace, size_t place);
  LayerDeltas run(std::span<const uint8_t> kept);

 private:
  [[nodiscard]] bool isActive(int64_t step, int64_t row) const;
  void beginWithStates();
  void findUnits();
  [[nodiscard]] bool isDriven(int64_t step, int64_t row) const;
  void wakeDriven(int64_t step);
  void wakeUnits(int64_t step);
  size_t wake(int64_t row);
  void preActivations(int64_t step, size_t before);
  void addChanges(int64_t step, size_t slot);
  void runUnits(int64_t step, size_t count);
  void project(int64_t step, size_t count);
  void keep(int64_t step);
  LayerDeltas result();

  [[nodiscard]] const float* points(int64_t step, int64_t row) const {
    return points_ + (step * samples_ + row % samples_) * kernels::pointSize(base_.kind) * hidden_;
  }
  [[nodiscard]] const CellChange& changeOf(int64_t row) const { return changes_[static_cast<size_t>(row / samples_)]; }
  /// Where a change of a gate's input side goes: a GRU keeps the new gate's two sides apart.
  [[nodiscard]] int64_t inputColumn(int64_t row) const {
    return base_.kind == CellKind::gru && row >= 2 * hidden_ ? row + hidden_ : row;
  }
  [[nodiscard]] float* state(size_t slot) const { return state_values_ + static_cast<int64_t>(slot) * emitted_; }
  [[nodiscard]] float* movedOf(size_t slot) const {
    return moved_.data_ptr<float>() + static_cast<int64_t>(slot) * base_.inputs;
  }
  [[nodiscard]] float* preOf(size_t slot) const { return pre_values_ + static_cast<int64_t>(slot) * columns_; }
  [[nodiscard]] float* carryOf(size_t slot) const {
    return carry_.defined() ? carry_values_ + static_cast<int64_t>(slot) * hidden_ : nullptr;
  }

  const CellBaseline& base_;
  std::span<const CellChange> changes_;
  const LayerDeltas& input_;
  Workspace& workspace_;
  int64_t samples_, rows_, hidden_, emitted_, columns_;
  const float* points_;
  const float* read_;
  const float* before_;
  const float* input_values_ = nullptr;

  std::vector<int64_t> live_;     ///< rows, by slot
  std::vector<int64_t> waiting_;  ///< rows that nothing has reached yet, ascending
  /// By variant: the one unit that its changes feed. Empty when some variant has no such unit or other differences come in.
  std::vector<int64_t> unit_;
  size_t spread_ = 0;  ///< slots below it may differ in every unit; those from it on, in their one unit alone

  at::Tensor state_;       ///< [rows, emitted], by slot: changes of what was emitted
  at::Tensor moved_;       ///< [rows, inputs], by slot: changes of what is read; undefined where nothing is
  at::Tensor pre_;         ///< [room for rows, columns_], by slot
  at::Tensor carry_;       ///< LSTM: [rows, hidden], by slot
  at::Tensor raw_;         ///< [rows, hidden], by slot, with a projection
  at::Tensor projected_;   ///< [room for rows, emitted], likewise
  at::Tensor sequence_;    ///< [steps, rows, emitted], by row
  RoundingSums rounding_;  ///< where it is known
  float *state_values_, *pre_values_, *carry_values_ = nullptr, *raw_values_ = nullptr;
};

DeltaRun::DeltaRun(const CellBaseline& baseline, std::span<const CellChange> changes, const LayerDeltas& input,
                   Workspace& workspace, size_t place)
    : base_(baseline),
      changes_(changes),
      input_(input),
      workspace_(workspace),
      samples_(baseline.rows),
      rows_(baseline.rows * static_cast<int64_t>(changes.size())),
      hidden_(baseline.hidden),
      emitted_(baseline.emitted),
      columns_(kernels::deltaColumns(baseline.kind) * baseline.hidden),
      points_(baseline.points.const_data_ptr<float>()),
      read_(baseline.read.const_data_ptr<float>()),
      before_(baseline.before.const_data_ptr<float>()),
      waiting_(static_cast<size_t>(rows_)) {
  // Sample by sample: rows that share what the baseline fixed lie together.
  for (int64_t i = 0; i < rows_; ++i) {
    const auto variants = rows_ / samples_;
    waiting_[static_cast<size_t>(i)] = (i % variants) * samples_ + i / variants;
  }
  if (input.sequence.defined()) {
    input_values_ = input.sequence.const_data_ptr<float>();
    moved_ = workspace.take(kMoved, {DeltaProduct::roomFor(rows_), base_.inputs}).zero_();
  }
  state_ = workspace.take(kState, {DeltaProduct::roomFor(rows_), emitted_}).zero_();
  pre_ = workspace.take(kPre, {DeltaProduct::roomFor(rows_), columns_}).zero_();
  state_values_ = state_.data_ptr<float>();
  pre_values_ = pre_.data_ptr<float>();
  if (base_.kind == CellKind::lstm) {
    carry_ = workspace.take(kCarry, {rows_, hidden_}).zero_();
    carry_values_ = carry_.data_ptr<float>();
  }
  if (base_.projection.defined()) {
    raw_ = workspace.take(kRaw, {DeltaProduct::roomFor(rows_), hidden_}).zero_();
    projected_ = workspace.take(kProjected, {DeltaProduct::roomFor(rows_), emitted_});
    raw_values_ = raw_.data_ptr<float>();
  }
  sequence_ = workspace.take(place, {base_.steps, rows_, emitted_});
  const auto& table = base_.recurrent_rounding.defined() ? base_.recurrent_rounding : base_.input_rounding;
  if (table.defined()) rounding_ = RoundingSums(rows_, samples_, table.columns(), workspace, kRounding);
}

bool DeltaRun::isActive(int64_t step, int64_t row) const {
  return !base_.active.defined() || base_.active.const_data_ptr<uint8_t>()[step * samples_ + row % samples_] != 0;
}

size_t DeltaRun::wake(int64_t row) {
  live_.push_back(row);
  return live_.size() - 1;
}

void DeltaRun::beginWithStates() {
  const auto* hidden = input_.hidden.defined() ? input_.hidden.const_data_ptr<float>() : nullptr;
  const auto* carry = input_.carry.defined() ? input_.carry.const_data_ptr<float>() : nullptr;
  std::erase_if(waiting_, [&](int64_t row) {
    const bool moved = (hidden != nullptr && anyNonZero(hidden + row * emitted_, emitted_)) ||
                       (carry != nullptr && anyNonZero(carry + row * hidden_, hidden_));
    if (!moved) return false;
    const auto slot = wake(row);
    if (hidden != nullptr) std::copy_n(hidden + row * emitted_, emitted_, state(slot));
    if (carry != nullptr) std::copy_n(carry + row * hidden_, hidden_, carryOf(slot));
    return true;
  });
}

void DeltaRun::findUnits() {
  if (input_.any() || base_.projection.defined()) return;
  for (const auto& change : changes_) {
    const auto unit = onlyUnit(change, hidden_);
    if (unit < 0 && change.any()) return unit_.clear();
    unit_.push_back(unit);
  }
}

/// True when something changed reaches the row at this step.
bool DeltaRun::isDriven(int64_t step, int64_t row) const {
  if (!isActive(step, row)) return false;
  if (input_values_ != nullptr && anyNonZero(input_values_ + (step * rows_ + row) * base_.inputs, base_.inputs))
    return true;
  return changeOf(row).any();
}

void DeltaRun::wakeDriven(int64_t step) {
  std::erase_if(waiting_, [&](int64_t row) {
    if (!isDriven(step, row)) return false;
    wake(row);
    return true;
  });
}

/// Rows that wait for their one unit to move: that unit alone is run, and the row is live once it has moved.
void DeltaRun::wakeUnits(int64_t step) {
  const auto size = kernels::pointSize(base_.kind);
  const auto count = kernels::deltaColumns(base_.kind);
  std::erase_if(waiting_, [&](int64_t row) {
    const auto unit = unit_[static_cast<size_t>(row / samples_)];
    if (unit < 0 || !isActive(step, row)) return false;
    const auto place = step * samples_ + row % samples_;
    const auto& change = changeOf(row);
    std::array<float, 4> pre{};
    const auto at = [&](int64_t column) -> float& { return pre[static_cast<size_t>(column / hidden_)]; };
    for (const auto& one : change.input)
      at(inputColumn(one.row)) += one.change * read_[place * base_.inputs + one.column];
    for (const auto& one : change.recurrent) at(one.row) += one.change * before_[place * emitted_ + one.column];
    for (const auto& one : change.input_bias) at(inputColumn(one.row)) += one.change;
    for (const auto& one : change.recurrent_bias) at(one.row) += one.change;
    if (!anyNonZero(pre.data(), count)) return false;
    std::array<float, kMostPoints> point{};
    const auto* all = points(step, row);
    for (int64_t k = 0; k < size; ++k) point[static_cast<size_t>(k)] = all[k * hidden_ + unit];
    float carry = 0, emitted = 0;
    kernels::deltaStep({base_.kind, 1, point.data(), pre.data(), &carry, &emitted});
    if (carry == 0 && emitted == 0) return false;
    const auto slot = wake(row);
    state(slot)[unit] = emitted;
    if (carry_.defined()) carryOf(slot)[unit] = carry;
    return true;
  });
}

/// Fills pre_ with what changed states and inputs add, for slots that were live before this step or read changed inputs.
/// Slots from `before` on have just become live: their states don't differ yet.
void DeltaRun::preActivations(int64_t step, size_t before) {
  const auto count = static_cast<int64_t>(live_.size());
  const auto columns = base_.recurrent.outputs();
  const auto spread = static_cast<int64_t>(std::min(spread_, before));
  if (spread > 0) {
    const auto states = base_.recurrent.prepare(state_.narrow(0, 0, spread), workspace_, kSplit);
    base_.recurrent.multiply(states, spread, pre_.narrow(1, 0, columns), false);
    if (base_.recurrent_rounding.defined())
      rounding_.add(base_.recurrent_rounding, step, states, std::span(live_).first(static_cast<size_t>(spread)));
  }
  for (auto slot = static_cast<size_t>(spread); slot < before; ++slot) {
    // What differs in one unit alone reads one row of the weights.
    const auto unit = unit_[static_cast<size_t>(live_[slot] / samples_)];
    const float moved = state(slot)[unit];
    const float* __restrict weight = base_.recurrent.row(unit);
    float* __restrict pre = preOf(slot);
    for (int64_t k = 0; k < columns; ++k) pre[k] = moved * weight[k];
  }
  for (auto slot = before; slot < live_.size(); ++slot) std::fill_n(preOf(slot), columns_, 0.0f);
  if (input_values_ == nullptr) {
    if (base_.kind != CellKind::gru) return;
    for (size_t slot = 0; slot < before; ++slot) std::fill_n(preOf(slot) + 3 * hidden_, hidden_, 0.0f);
    return;
  }
  for (size_t slot = 0; slot < live_.size(); ++slot)
    std::copy_n(input_values_ + (step * rows_ + live_[slot]) * base_.inputs, base_.inputs, movedOf(slot));
  const auto read = base_.input.prepare(moved_.narrow(0, 0, count), workspace_, kSplit);
  base_.input.multiply(read, count, pre_.narrow(1, 0, base_.input.outputs()), true);
  if (base_.input_new.defined()) base_.input_new.multiply(read, count, pre_.narrow(1, 3 * hidden_, hidden_), false);
  if (base_.input_rounding.defined()) rounding_.add(base_.input_rounding, step, read, live_);
}

/// dW (z + dz), in the places that the variant changes.
void DeltaRun::addChanges(int64_t step, size_t slot) {
  const auto row = live_[slot];
  const auto& change = changeOf(row);
  const auto place = step * samples_ + row % samples_;
  const auto* emitted = state(slot);
  const auto* moved = input_values_ != nullptr ? movedOf(slot) : nullptr;
  auto* pre = preOf(slot);
  for (const auto& one : change.input)
    pre[inputColumn(one.row)] +=
        one.change * (read_[place * base_.inputs + one.column] + (moved != nullptr ? moved[one.column] : 0));
  for (const auto& one : change.recurrent)
    pre[one.row] += one.change * (before_[place * emitted_ + one.column] + emitted[one.column]);
  for (const auto& one : change.input_bias) pre[inputColumn(one.row)] += one.change;
  for (const auto& one : change.recurrent_bias) pre[one.row] += one.change;
}

void DeltaRun::runUnits(int64_t step, size_t count) {
  constexpr int64_t kGrain = 8192;  // units that are worth a thread
  at::parallel_for(0, static_cast<int64_t>(count), std::max<int64_t>(1, kGrain / hidden_),
                   [&](int64_t begin, int64_t end) {
                     const auto last = static_cast<size_t>(end);
                     for (size_t slot = static_cast<size_t>(begin), next = slot; slot < last; slot = next) {
                       // Variants of one sample lie together mostly, and share what the baseline fixed.
                       const auto sample = live_[slot] % samples_;
                       while (next < last && live_[next] % samples_ == sample) ++next;
                       if (!isActive(step, live_[slot])) continue;
                       for (auto one = slot; one < next; ++one) addChanges(step, one);
                       auto* out = raw_.defined() ? raw_values_ + static_cast<int64_t>(slot) * hidden_ : state(slot);
                       kernels::deltaStep({base_.kind, hidden_, points(step, live_[slot]), preOf(slot), carryOf(slot),
                                           out, static_cast<int64_t>(next - slot)});
                     }
                   });
}

void DeltaRun::project(int64_t step, size_t count) {
  const auto rows = static_cast<int64_t>(count);
  const auto raw = base_.projection.prepare(raw_.narrow(0, 0, rows), workspace_, kSplit);
  base_.projection.multiply(raw, rows, projected_, false);
  const auto* values = projected_.const_data_ptr<float>();
  const auto* hidden = base_.raw.const_data_ptr<float>();
  for (size_t slot = 0; slot < count; ++slot) {
    const auto row = live_[slot];
    if (!isActive(step, row)) continue;
    auto* out = state(slot);
    std::copy_n(values + static_cast<int64_t>(slot) * emitted_, emitted_, out);
    const auto* moved = raw_values_ + static_cast<int64_t>(slot) * hidden_;
    const auto* read = hidden + (step * samples_ + row % samples_) * hidden_;
    for (const auto& one : changeOf(row).projection)
      out[one.row] += one.change * (read[one.column] + moved[one.column]);
  }
}

void DeltaRun::keep(int64_t step) {
  auto* out = sequence_.data_ptr<float>() + step * rows_ * emitted_;
  for (size_t slot = 0; slot < live_.size(); ++slot) std::copy_n(state(slot), emitted_, out + live_[slot] * emitted_);
  for (const auto row : waiting_) std::fill_n(out + row * emitted_, emitted_, 0.0f);
}

LayerDeltas DeltaRun::run(std::span<const uint8_t> kept) {
  beginWithStates();
  findUnits();
  spread_ = live_.size();
  for (int64_t step = 0; step < base_.steps; ++step) {
    stopIfAsked();
    const auto before = live_.size();
    if (unit_.empty()) {
      wakeDriven(step);
      spread_ = live_.size();
    }
    const auto count = live_.size();
    preActivations(step, before);
    runUnits(step, count);
    if (raw_.defined() && count > 0) project(step, count);
    spread_ = count;
    if (!unit_.empty()) wakeUnits(step);
    if (kept.empty() || kept[static_cast<size_t>(step)] != 0) keep(step);
  }
  return result();
}

LayerDeltas DeltaRun::result() {
  LayerDeltas found{sequence_, at::zeros({rows_, emitted_}, at::kFloat), {}, {}};
  if (carry_.defined()) found.carry = at::zeros({rows_, hidden_}, at::kFloat);
  if (rounding_.defined()) found.rounding = rounding_.byRow(live_);
  for (size_t slot = 0; slot < live_.size(); ++slot) {
    std::copy_n(state(slot), emitted_, found.hidden.data_ptr<float>() + live_[slot] * emitted_);
    if (carry_.defined()) std::copy_n(carryOf(slot), hidden_, found.carry.data_ptr<float>() + live_[slot] * hidden_);
  }
  return found;
}

}  // namespace

LayerDeltas runDeltas(const CellBaseline& baseline, std::span<const CellChange> changes, const LayerDeltas& input,
                      Workspace& workspace, size_t place, std::span<const uint8_t> kept) {
  auto found = DeltaRun(baseline, changes, input, workspace, place).run(kept);
  releaseSmall();
  return found;
}

}  // namespace heft
