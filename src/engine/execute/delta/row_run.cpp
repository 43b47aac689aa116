#include "engine/execute/delta/row_run.hpp"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "data/stop.hpp"
#include "engine/cells/cell_layout.hpp"
#include "engine/kernels/cuda/delta_rows.hpp"
#include "engine/kernels/device_kernels.hpp"

namespace heft {
namespace {

const float* floatsOf(const at::Tensor& tensor) { return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr; }

/// Changed entries of weights on their way to the device.
class ChangeTable {
 public:
  struct Entry {
    int32_t column = 0;  ///< that the entry feeds
    int32_t source = 0;  ///< a WeightChanges::Source
    int32_t reads = 0;
    float change = 0;
  };

  /// The entries of one variant, in any order.
  void addVariant(int32_t variant, std::vector<Entry> entries) {
    // Entries that feed the same column lie together, in the order given.
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.column < b.column; });
    for (const auto& entry : entries) {
      if (variant_.empty() || variant_.back() != variant || column_.back() != entry.column) {
        variant_.push_back(variant);
        column_.push_back(entry.column);
        begin_.push_back(static_cast<int32_t>(source_.size()));
      }
      source_.push_back(entry.source);
      reads_.push_back(entry.reads);
      change_.push_back(std::bit_cast<int32_t>(entry.change));
    }
  }

  /// After the last variant.
  void send(const at::Device& device) {
    begin_.push_back(static_cast<int32_t>(source_.size()));
    std::vector<int32_t> all;
    for (const auto* list : {&variant_, &column_, &begin_, &source_, &reads_, &change_})
      all.insert(all.end(), list->begin(), list->end());
    sent_ = at::tensor(all, at::kInt).to(device);
    const auto* next = sent_.const_data_ptr<int32_t>();
    const auto take = [&](const std::vector<int32_t>& list) { return std::exchange(next, next + list.size()); };
    changes_.places = std::ssize(variant_);
    changes_.variant = take(variant_);
    changes_.column = take(column_);
    changes_.begin = take(begin_);
    changes_.source = take(source_);
    changes_.reads = take(reads_);
    changes_.change = reinterpret_cast<const float*>(take(change_));
  }

  [[nodiscard]] const kernels::WeightChanges& changes() const { return changes_; }

 private:
  std::vector<int32_t> variant_, column_, begin_, source_, reads_, change_;
  at::Tensor sent_;
  kernels::WeightChanges changes_;
};

class RowRun {
 public:
  RowRun(const CellBaseline& baseline, std::span<const CellChange> changes, const LayerDeltas& input);
  LayerDeltas run();

 private:
  void gatherChanges(std::span<const CellChange> changes);
  void runStep(int64_t step);
  void project(int64_t step, float* emitted);
  [[nodiscard]] const uint8_t* activeAt(int64_t step) const {
    return base_.active.defined() ? base_.active.const_data_ptr<uint8_t>() + step * base_.rows : nullptr;
  }

  const CellBaseline& base_;
  const LayerDeltas& input_;
  int64_t variants_, rows_, columns_;
  at::TensorOptions floats_;
  kernels::Place place_;
  ChangeTable gate_changes_, projection_changes_;

  at::Tensor operand_;                        ///< RowProducts'
  at::Tensor pre_;                            ///< [room, columns]
  at::Tensor carry_;                          ///< LSTM: [rows, hidden]
  at::Tensor sequence_;                       ///< [steps, rows, emitted]
  const float* previous_ = nullptr;           ///< [rows, emitted]: changes of what was emitted last; null: none
  at::Tensor rounding_;                       ///< [samples, variants, columns], where it is known
  at::Tensor raw_, raw_operand_, projected_;  ///< with a projection: [rows, hidden], RowProducts', [room, emitted]
};

RowRun::RowRun(const CellBaseline& baseline, std::span<const CellChange> changes, const LayerDeltas& input)
    : base_(baseline),
      input_(input),
      variants_(std::ssize(changes)),
      rows_(baseline.rows * variants_),
      columns_(kernels::deltaColumns(baseline.kind) * baseline.hidden),
      floats_(baseline.points.options()),
      place_(placeOf(baseline.points.device())),
      previous_(floatsOf(input.hidden)) {
  gatherChanges(changes);
  operand_ = base_.products.operand(rows_);
  pre_ = at::empty({base_.products.roomFor(rows_), columns_}, floats_);
  sequence_ = at::empty({base_.steps, rows_, base_.emitted}, floats_);
  if (base_.kind == CellKind::lstm)
    carry_ = input.carry.defined() ? input.carry.clone() : at::zeros({rows_, base_.hidden}, floats_);
  if (base_.rounding.defined()) rounding_ = at::zeros({base_.rows, variants_, base_.rounding.columns()}, floats_);
  if (base_.raw.defined()) {
    raw_ = at::empty({rows_, base_.hidden}, floats_);
    raw_operand_ = base_.products.projectionOperand(rows_);
    projected_ = at::empty({base_.products.roomFor(rows_), base_.emitted}, floats_);
  }
}

void RowRun::gatherChanges(std::span<const CellChange> changes) {
  using Changes = kernels::WeightChanges;
  // A GRU keeps the new gate's two sides apart: its input side comes last.
  const auto inputColumn = [&](int32_t row) {
    const auto hidden = static_cast<int32_t>(base_.hidden);
    return base_.kind == CellKind::gru && row >= 2 * hidden ? row + hidden : row;
  };
  for (int32_t v = 0; v < static_cast<int32_t>(variants_); ++v) {
    const auto& change = changes[static_cast<size_t>(v)];
    std::vector<ChangeTable::Entry> gates, projection;
    for (const auto& one : change.input)
      gates.push_back({inputColumn(one.row), Changes::first, one.column, one.change});
    for (const auto& one : change.recurrent) gates.push_back({one.row, Changes::second, one.column, one.change});
    for (const auto& one : change.input_bias) gates.push_back({inputColumn(one.row), Changes::ones, 0, one.change});
    for (const auto& one : change.recurrent_bias) gates.push_back({one.row, Changes::ones, 0, one.change});
    for (const auto& one : change.projection) projection.push_back({one.row, Changes::first, one.column, one.change});
    gate_changes_.addVariant(v, std::move(gates));
    projection_changes_.addVariant(v, std::move(projection));
  }
  gate_changes_.send(floats_.device());
  projection_changes_.send(floats_.device());
}

void RowRun::runStep(int64_t step) {
  const auto& products = base_.products;
  const float* moved = input_.sequence.defined() ? floatsOf(input_.sequence[step]) : nullptr;
  if (moved != nullptr)
    kernels::takeRows({rows_, base_.rows, base_.inputs, moved, nullptr, nullptr, nullptr, products.inputPart(operand_)},
                      place_);
  products.gates(operand_, moved != nullptr, previous_ != nullptr, pre_);
  if (rounding_.defined())
    products.addRounding(operand_, moved != nullptr, previous_ != nullptr, base_.rounding.at(step), rounding_);
  kernels::addWeightChanges(gate_changes_.changes(), {floatsOf(base_.read[step]), moved, base_.inputs},
                            {floatsOf(base_.before[step]), previous_, base_.emitted}, pre_.data_ptr<float>(), columns_,
                            base_.rows, place_);
  auto* emitted = sequence_.data_ptr<float>() + step * rows_ * base_.emitted;
  kernels::DeltaRows task;
  task.kind = base_.kind;
  task.variants = variants_;
  task.samples = base_.rows;
  task.hidden = base_.hidden;
  task.points = floatsOf(base_.points[step]);
  task.active = activeAt(step);
  task.pre = floatsOf(pre_);
  task.carry = carry_.defined() ? carry_.data_ptr<float>() : nullptr;
  task.previous = raw_.defined() ? nullptr : previous_;
  task.emitted = raw_.defined() ? raw_.data_ptr<float>() : emitted;
  task.operand = raw_.defined() ? products.projectionPart(raw_operand_) : products.emissionPart(operand_);
  kernels::deltaRows(task, place_);
  if (raw_.defined()) project(step, emitted);
  previous_ = emitted;
}

void RowRun::project(int64_t step, float* emitted) {
  base_.products.project(raw_operand_, projected_);
  kernels::addWeightChanges(projection_changes_.changes(), {floatsOf(base_.raw[step]), floatsOf(raw_), base_.hidden},
                            {}, projected_.data_ptr<float>(), base_.emitted, base_.rows, place_);
  kernels::takeRows({rows_, base_.rows, base_.emitted, floatsOf(projected_), activeAt(step), previous_, emitted,
                     base_.products.emissionPart(operand_)},
                    place_);
}

LayerDeltas RowRun::run() {
  if (input_.hidden.defined()) {
    kernels::takeRows(
        {rows_, base_.rows, base_.emitted, previous_, nullptr, nullptr, nullptr, base_.products.emissionPart(operand_)},
        place_);
  }
  for (int64_t step = 0; step < base_.steps; ++step) {
    stopIfAsked();
    runStep(step);
  }
  const auto rounding = rounding_.defined() ? rounding_.transpose(0, 1).flatten(0, 1) : at::Tensor();
  return {sequence_, sequence_[base_.steps - 1], carry_, rounding};
}

}  // namespace

LayerDeltas runDeltaRows(const CellBaseline& baseline, std::span<const CellChange> changes, const LayerDeltas& input) {
  const c10::DeviceGuard guard(baseline.points.device());  // kernels start on the current device
  return RowRun(baseline, changes, input).run();
}

}  // namespace heft
