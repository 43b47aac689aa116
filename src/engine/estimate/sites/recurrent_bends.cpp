#include <ATen/ATen.h>

#include <algorithm>

#include "engine/estimate/sites/recurrent_site.hpp"
#include "engine/estimate/sites/relu_corners.hpp"
#include "engine/kernels/cpu/unit_response.hpp"
#include "engine/kernels/products/small_products.hpp"

// What a recurrent layer does beyond the slopes of its baseline, other than inside the unit that changed.

namespace heft {

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
  auto* moved = threadScratch(3, rows_ * steps_ * columns);
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
  const auto columns = static_cast<int64_t>(input.change.size());
  const auto& tables = host();
  const auto gates = tables.own.size(1);
  const auto points = steps_ + static_cast<int64_t>(carry_steps_.size());
  kernels::UnitResponseTask task;
  task.kind = kind_;
  task.rows = 1;
  task.steps = steps_;
  task.present = input.present;
  if (packed_) task.active = tables.active.const_data_ptr<uint8_t>() + input.row * steps_;
  task.carry_steps = carry_steps_.data();
  task.carry_count = static_cast<int64_t>(carry_steps_.size());
  auto* scratch = threadScratch(1, 2 * std::max(columns, 2 * gates));
  const auto run = [&](const float* read, const float* changes, int64_t count, float* to) {
    task.columns = task.read_width = count;
    task.read = read;
    task.gate_changes = changes;
    kernels::unitResponse(task, to, scratch);
  };
  // How the units go on by their slope: a change so small that they hardly bend, and what comes of it as much larger.
  constexpr float kSmall = 1.0f / 4096;
  auto* bent = threadScratch(0, points * columns);
  auto* changes = threadScratch(3, 2 * gates * columns);
  auto* small = changes + gates * columns;
  // Where a column's readings are all the same, its slope is its gates' changes times what one of each makes: half of the
  // difference between a change up and one down, which may be larger, since what bends cancels.
  constexpr float kStep = 1.0f / 128;
  const bool apart = input.read != nullptr;
  auto* straight = threadScratch(2, points * (apart ? columns : 2 * gates));
  float one_each[32] = {};
  for (int64_t gate = 0; gate < gates; ++gate) {
    one_each[2 * gate * gates + gate] = kStep;
    one_each[2 * gate * gates + gates + gate] = -kStep;
  }
  const auto wrap = [](const float* data, at::IntArrayRef shape, at::IntArrayRef strides) {
    return at::from_blob(const_cast<float*>(data), shape, strides, at::kFloat);
  };
  const auto moving = points - first;
  const auto* lambda = tables.some.const_data_ptr<float>() + first;
  const auto seeds = tables.some.size(2);
  auto bends = wrap(bent + first * columns, {moving, columns}, {columns, 1});
  const auto up = wrap(straight + first * 2 * gates, {moving, gates}, {2 * gates, 1});
  const auto down = wrap(straight + first * 2 * gates + gates, {moving, gates}, {2 * gates, 1});
  const auto gate_changes = wrap(changes, {gates, columns}, {columns, 1});
  for (int64_t unit = 0; unit < hidden_; ++unit) {
    for (int64_t gate = 0; gate < gates; ++gate) {
      const auto* weight =
          tables.input_weights.const_data_ptr<float>() + (gate * hidden_ + unit) * inputs_ + input.feature;
      for (int64_t j = 0; j < columns; ++j) {
        changes[gate * columns + j] = weight[input.each ? j : 0] * input.change[static_cast<size_t>(j)];
        if (apart) small[gate * columns + j] = kSmall * changes[gate * columns + j];
      }
    }
    task.points =
        tables.points.const_data_ptr<float>() + (unit * rows_ + input.row) * steps_ * kernels::pointSize(kind_);
    task.own = tables.own.const_data_ptr<float>() + unit * gates;
    run(input.read, changes, columns, bent);
    if (apart) {
      run(input.read, small, columns, straight);
      for (int64_t i = first * columns; i < points * columns; ++i) bent[i] -= straight[i] / kSmall;
    } else {
      run(nullptr, one_each, 2 * gates, straight);
      bends.addmm_(up - down, gate_changes, 1, -0.5 / kStep);
    }
    addProduct({block.seeds, columns, moving, points, columns, columns, true},
               lambda + (unit * rows_ + input.row) * seeds * points, bent + first * columns, block.at(sample, 0));
  }
}

}  // namespace heft
