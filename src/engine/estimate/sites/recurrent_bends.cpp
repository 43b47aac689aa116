#include <ATen/ATen.h>

#include <algorithm>

#include "engine/estimate/sites/recurrent_site.hpp"
#include "engine/estimate/sites/relu_corners.hpp"
#include "engine/kernels/cpu/unit_response.hpp"
#include "engine/kernels/products/small_products.hpp"

// What a recurrent layer does beyond the slopes of its baseline, other than inside the unit that changed.

namespace heft {
namespace {

/// A change so small that units hardly bend: what comes of it, as much larger, is how they go on by their slope.
constexpr float kSmall = 1.0f / 4096;
/// A change of one gate, up and down, from whose difference its slope is taken. It may be larger than kSmall, since
/// what bends cancels.
constexpr float kStep = 1.0f / 128;

at::Tensor wrap(const float* data, at::IntArrayRef shape, at::IntArrayRef strides) {
  return at::from_blob(const_cast<float*>(data), shape, strides, at::kFloat);
}

/// What one unit after the other does beyond its slope when what the layer reads changes. Works in memory that the
/// thread keeps, so that a thread has one of these at a time.
class UnitBend {
 public:
  /// `task` is of one row, and lacks what differs between units. Nothing moves before the step `first`.
  UnitBend(const kernels::UnitResponseTask& task, const InputChange& input, int64_t gates, int64_t first)
      : task_(task),
        input_(input),
        gates_(gates),
        first_(first),
        points_(task.steps + task.carry_count),
        columns_(static_cast<int64_t>(input.change.size())),
        scratch_(threadScratch(ScratchSlot::kernel, 2 * std::max(columns_, 2 * gates))),
        bent_(threadScratch(ScratchSlot::emission, points_ * columns_)),
        changes_(threadScratch(ScratchSlot::change, 2 * gates * columns_)),
        straight_(threadScratch(ScratchSlot::reading, points_ * (alike() ? 2 * gates : columns_))) {
    if (!alike()) return;
    for (int64_t gate = 0; gate < gates; ++gate) {
      one_each_[2 * gate * gates + gate] = kStep;
      one_each_[2 * gate * gates + gates + gate] = -kStep;
    }
    const auto moving = points_ - first;
    bends_ = wrap(bent_ + first * columns_, {moving, columns_}, {columns_, 1});
    up_ = wrap(straight_ + first * 2 * gates, {moving, gates}, {2 * gates, 1});
    down_ = wrap(straight_ + first * 2 * gates + gates, {moving, gates}, {2 * gates, 1});
    gate_changes_ = wrap(changes_, {gates, columns_}, {columns_, 1});
  }

  /// [points, columns], from `first` on; kept until the next call. `points` and `own` are the unit's, as in its task.
  /// `weights` are those of its first gate from the changed input on; those of the next gate lie `apart` behind them.
  const float* of(const float* points, const float* own, const float* weights, int64_t apart) {
    changeGates(weights, apart);
    task_.points = points;
    task_.own = own;
    run(input_.read, changes_, columns_, bent_);
    if (alike())
      takeOffSlopesByGate();
    else
      takeOffSlopesByColumn();
    return bent_;
  }

 private:
  /// True where a column's readings are all the same.
  [[nodiscard]] bool alike() const { return input_.read == nullptr; }

  void run(const float* read, const float* changes, int64_t count, float* to) {
    task_.columns = task_.read_width = count;
    task_.read = read;
    task_.gate_changes = changes;
    kernels::unitResponse(task_, to, scratch_);
  }

  void changeGates(const float* weights, int64_t apart) {
    auto* small = changes_ + gates_ * columns_;
    for (int64_t gate = 0; gate < gates_; ++gate) {
      const auto* weight = weights + gate * apart;
      for (int64_t j = 0; j < columns_; ++j) {
        changes_[gate * columns_ + j] = weight[input_.each ? j : 0] * input_.change[static_cast<size_t>(j)];
        if (!alike()) small[gate * columns_ + j] = kSmall * changes_[gate * columns_ + j];
      }
    }
  }

  /// A column's slope is its gates' changes times what one of each makes: half of the difference between a change up
  /// and one down.
  void takeOffSlopesByGate() {
    run(nullptr, one_each_, 2 * gates_, straight_);
    bends_.addmm_(up_ - down_, gate_changes_, 1, -0.5 / kStep);
  }

  void takeOffSlopesByColumn() {
    run(input_.read, changes_ + gates_ * columns_, columns_, straight_);
    for (int64_t i = first_ * columns_; i < points_ * columns_; ++i) bent_[i] -= straight_[i] / kSmall;
  }

  kernels::UnitResponseTask task_;
  const InputChange& input_;
  int64_t gates_, first_, points_, columns_;
  float* scratch_;
  float* bent_;              ///< [points, columns]
  float* changes_;           ///< [2, gates, columns]: as they are, and small
  float* straight_;          ///< [points, 2 x gates] where readings are alike, else [points, columns]
  float one_each_[32] = {};  ///< [gates, 2 x gates]
  at::Tensor bends_, up_, down_, gate_changes_;
};

}  // namespace

void RecurrentSite::addCornerResponse(int role, const RowChange& row, const float* emission,
                                      const ResponseBlock& block) const {
  const auto columns = block.columns;
  const auto unit = row.row;
  ChangedUnit changed{unit, emission, nullptr, role == weight_hh ? row.change.data() : nullptr};
  const auto reach = reaches_.of(unit);
  const auto& tables = host();
  if (reach == nullptr) return addNearCorners(relu_, changed, samples_, block);
  const float* read = role == weight_ih   ? tables.read_input.const_data_ptr<float>()
                      : role == weight_hh ? tables.read_hidden.const_data_ptr<float>()
                                          : nullptr;
  const float own = tables.own.const_data_ptr<float>()[unit];
  auto* moved = threadScratch(ScratchSlot::change, rows_ * steps_ * columns);
  for (int64_t point = 0; point < rows_ * steps_; ++point) {
    const float* before = point % steps_ > 0 ? emission + (point - 1) * columns : nullptr;
    for (int64_t j = 0; j < columns; ++j) {
      const float change = row.change[static_cast<size_t>(j)];
      float& here = moved[point * columns + j];
      here = read != nullptr ? change * read[point * columns + j] : change;
      if (before != nullptr) here += (role == weight_hh && j == unit ? own + change : own) * before[j];
    }
  }
  changed.moved = moved;
  addCorners(*reach, changed, samples_, block);
}

double RecurrentSite::ownWork() const {
  const auto columns = weights_.input.size(1) + weights_.recurrent.size(1);
  return static_cast<double>(own_weights_.numel() * columns) *
         static_cast<double>(steps() * records_.at(0).emission_leaf.size(1));
}

void RecurrentSite::addInputBend(const InputChange& input, const ResponseBlock& block) const {
  const auto sample = samples_[static_cast<size_t>(input.row)];
  if (sample < 0) return;
  const auto begin = std::find_if(input.present, input.present + steps_, [](uint8_t one) { return one != 0; });
  const auto first = begin - input.present;  // nothing moves before it
  if (first == steps_) return;
  const auto& tables = host();
  kernels::UnitResponseTask task;
  task.kind = kind_;
  task.rows = 1;
  task.steps = steps_;
  task.present = input.present;
  if (packed_) task.active = tables.active.const_data_ptr<uint8_t>() + input.row * steps_;
  task.carry_steps = carry_steps_.data();
  task.carry_count = static_cast<int64_t>(carry_steps_.size());
  const auto gates = tables.own.size(1);
  UnitBend bend(task, input, gates, first);
  const auto columns = static_cast<int64_t>(input.change.size());
  const auto points = steps_ + task.carry_count, seeds = tables.some.size(2);
  const auto* unit_points = tables.points.const_data_ptr<float>();
  const auto* weights = tables.input_weights.const_data_ptr<float>() + input.feature;
  const auto* lambda = tables.some.const_data_ptr<float>() + first;
  for (int64_t unit = 0; unit < hidden_; ++unit) {
    const auto line = unit * rows_ + input.row;
    const auto* bent =
        bend.of(unit_points + line * steps_ * kernels::pointSize(kind_),
                tables.own.const_data_ptr<float>() + unit * gates, weights + unit * inputs_, hidden_ * inputs_);
    addProduct({block.seeds, columns, points - first, points, columns, columns, true}, lambda + line * seeds * points,
               bent + first * columns, block.at(sample, 0));
  }
}

}  // namespace heft
