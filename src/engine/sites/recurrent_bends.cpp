#include <ATen/ATen.h>

#include "engine/kernels/cpu/unit_response.hpp"
#include "engine/sites/recurrent_site.hpp"
#include "engine/sites/relu_corners.hpp"

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
  // How the units go on by their slope: the change made so small that they hardly bend, and what comes of it as much larger.
  constexpr float kSmall = 1.0f / 4096;
  const auto columns = static_cast<int64_t>(input.change.size());
  const auto& tables = host();
  const auto gates = tables.own.size(1);
  const auto points = steps_ + static_cast<int64_t>(carry_steps_.size());
  auto* bent = threadScratch(0, points * columns);
  auto* straight = threadScratch(2, points * columns);
  auto* changes = threadScratch(3, 2 * gates * columns);
  auto* small = changes + gates * columns;
  kernels::UnitResponseTask task;
  task.kind = kind_;
  task.rows = 1;
  task.steps = steps_;
  task.columns = columns;
  task.read = input.read;
  task.read_width = columns;
  task.present = input.present;
  if (packed_) task.active = tables.active.const_data_ptr<uint8_t>() + input.row * steps_;
  task.carry_steps = carry_steps_.data();
  task.carry_count = static_cast<int64_t>(carry_steps_.size());
  const auto* lambda = tables.some.const_data_ptr<float>();
  const auto seeds = tables.some.size(2);
  const auto wrap = [](const float* data, at::IntArrayRef shape) {
    return at::from_blob(const_cast<float*>(data), shape, at::kFloat);
  };
  auto out = wrap(block.at(sample, 0), {block.seeds, columns});
  for (int64_t unit = 0; unit < hidden_; ++unit) {
    for (int64_t gate = 0; gate < gates; ++gate) {
      const auto* weight =
          tables.input_weights.const_data_ptr<float>() + (gate * hidden_ + unit) * inputs_ + input.feature;
      for (int64_t j = 0; j < columns; ++j) {
        changes[gate * columns + j] = weight[input.each ? j : 0] * input.change[static_cast<size_t>(j)];
        small[gate * columns + j] = kSmall * changes[gate * columns + j];
      }
    }
    task.points =
        tables.points.const_data_ptr<float>() + (unit * rows_ + input.row) * steps_ * kernels::pointSize(kind_);
    task.own = tables.own.const_data_ptr<float>() + unit * gates;
    task.gate_changes = changes;
    kernels::unitResponse(task, bent, threadScratch(1, 2 * columns));
    task.gate_changes = small;
    kernels::unitResponse(task, straight, threadScratch(1, 2 * columns));
    for (int64_t i = 0; i < points * columns; ++i) bent[i] -= straight[i] / kSmall;
    out.addmm_(wrap(lambda + (unit * rows_ + input.row) * seeds * points, {block.seeds, points}),
               wrap(bent, {points, columns}));
  }
}

}  // namespace heft
