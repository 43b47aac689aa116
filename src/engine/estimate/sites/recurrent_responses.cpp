#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "engine/estimate/sites/recurrent_site.hpp"
#include "engine/kernels/cpu/unit_response.hpp"
#include "engine/kernels/cuda/response_rows.hpp"
#include "engine/kernels/device_kernels.hpp"

// What changed weights of a recurrent layer do to the outputs, by the tables and adjoints that the site keeps.

namespace heft {

const RecurrentSite::Tables& RecurrentSite::host() const {
  std::call_once(host_->made, [this] {
    const auto onHost = [](const at::Tensor& one) { return one.defined() ? one.to(at::kCPU).contiguous() : one; };
    auto& to = host_->tables;
    to.points = onHost(tables_.points);
    to.active = onHost(tables_.active);
    to.read_input = onHost(tables_.read_input);
    to.read_hidden = onHost(tables_.read_hidden);
    to.input_weights = onHost(tables_.input_weights);
    to.own = onHost(tables_.own);
    to.feedback = onHost(tables_.feedback);
    to.lambda = onHost(lambda_.values());
    to.some = onHost(lambda_.some());
  });
  return host_->tables;
}

/// What a unit emits, float32 [rows, points, columns], in this thread's scratch: column j adds change[j] x read[.., j] to one gate.
const float* RecurrentSite::emissionOf(int role, int64_t row, const UnitInput& input) const {
  const auto unit = row % hidden_;
  const auto& tables = host();
  const auto gates = tables.own.size(1);
  kernels::UnitResponseTask task;
  task.kind = kind_;
  task.rows = rows_;
  task.steps = steps_;
  task.columns = input.columns;
  task.points = tables.points.const_data_ptr<float>() + unit * rows_ * steps_ * kernels::pointSize(kind_);
  if (options_.own) task.own = tables.own.const_data_ptr<float>() + unit * gates;
  task.gate = row / hidden_;
  task.hidden_side = role == weight_hh || role == bias_hh;
  task.read = input.read;
  task.read_width = input.width;
  task.feedback = input.feedback;
  task.change = input.change;
  if (packed_) task.active = tables.active.const_data_ptr<uint8_t>();
  task.carry_steps = carry_steps_.data();
  task.carry_count = static_cast<int64_t>(carry_steps_.size());
  auto* emission = threadScratch(ScratchSlot::emission, rows_ * points() * input.columns);
  kernels::unitResponse(task, emission, threadScratch(ScratchSlot::kernel, 2 * input.columns));
  return emission;
}

void RecurrentSite::addResponse(int role, const RowChange& row, const ResponseBlock& block) const {
  if (role == weight_hr) return addProjectionResponse(row, block);
  const auto unit = row.row % hidden_;
  const auto& tables = host();
  UnitInput input{static_cast<int64_t>(row.change.size()), row.change.data()};
  if (role == weight_ih) {
    input.read = tables.read_input.const_data_ptr<float>();
    input.width = inputs_;
  } else if (role == weight_hh) {
    input.read = tables.read_hidden.const_data_ptr<float>();
    input.width = emitted_;
    input.feedback = tables.feedback.const_data_ptr<float>() + unit * emitted_;
  }
  const auto* emission = emissionOf(role, row.row, input);
  contract(tables.lambda.const_data_ptr<float>() + unit * rows_ * lambda_.seeds() * points(), emission, samples_,
           points(), block);
  if (relu_.defined()) addCornerResponse(role, row, emission, block);
}

/// A change of a whole row is one of what the unit reads: each column is what that change makes of the values that were read. A
/// relu's corners beyond the unit are not followed.
void RecurrentSite::addCombined(int role, int64_t row, const at::Tensor& changes, const ResponseBlock& block) const {
  if (role == weight_hr) return Site::addCombined(role, row, changes, block);
  const auto unit = row % hidden_;
  const auto& tables = host();
  const std::vector<float> ones(static_cast<size_t>(block.columns), 1.0f);
  UnitInput input{block.columns, changes.const_data_ptr<float>()};
  at::Tensor read, feedback;
  if (role == weight_ih || role == weight_hh) {
    read = (role == weight_ih ? tables.read_input : tables.read_hidden).flatten(0, 1).mm(changes.t()).contiguous();
    input.read = read.const_data_ptr<float>();
    input.width = block.columns;
    input.change = ones.data();
  }
  if (role == weight_hh) {
    feedback = changes.mv(tables.feedback[unit]).contiguous();
    input.feedback = feedback.const_data_ptr<float>();
  }
  const auto* emission = emissionOf(role, row, input);
  contract(tables.lambda.const_data_ptr<float>() + unit * rows_ * lambda_.seeds() * points(), emission, samples_,
           points(), block);
}

std::optional<at::Device> RecurrentSite::rowsDevice(int role) const {
  if (!by_rows_ || role == weight_hr) return std::nullopt;
  return tables_.points.device();
}

void RecurrentSite::addRows(int role, const RowsChange& rows, const at::Tensor& block) const {
  const auto device = tables_.points.device();
  const auto samples = block.size(1);
  std::vector<int64_t> sequence, begin{0};
  for (int64_t sample = 0; sample < samples; ++sample) {
    for (size_t row = 0; row < samples_.size(); ++row) {
      if (samples_[row] == sample) sequence.push_back(static_cast<int64_t>(row));
    }
    begin.push_back(std::ssize(sequence));
  }
  const auto indices = [&](const std::vector<int64_t>& list) { return at::tensor(list, at::kLong).to(device); };
  const auto sequences = indices(sequence), begins = indices(begin), carry_steps = indices(carry_steps_);
  kernels::ResponseRows task;
  task.kind = kind_;
  task.rows = rows.change.size(0);
  task.columns = rows.change.size(1);
  task.hidden = hidden_;
  task.sequences = rows_;
  task.steps = steps_;
  task.samples = samples;
  task.seeds = lambda_.seeds();
  task.row = rows.row.const_data_ptr<int64_t>();
  task.points = tables_.points.const_data_ptr<float>();
  if (options_.own) task.own = tables_.own.const_data_ptr<float>();
  task.hidden_side = role == weight_hh || role == bias_hh;
  if (role == weight_ih) task.read = tables_.read_input.const_data_ptr<float>();
  if (role == weight_hh) {
    task.read = tables_.read_hidden.const_data_ptr<float>();
    task.feedback = tables_.feedback.const_data_ptr<float>();
  }
  task.change = rows.change.const_data_ptr<float>();
  if (packed_) task.active = tables_.active.const_data_ptr<uint8_t>();
  task.carry_steps = carry_steps.const_data_ptr<int64_t>();
  task.carry_count = carry_steps.numel();
  task.lambda = lambda_.byPoints().const_data_ptr<float>();
  task.sequence = sequences.const_data_ptr<int64_t>();
  task.begin = begins.const_data_ptr<int64_t>();
  task.block = block.mutable_data_ptr<float>();
  const c10::DeviceGuard guard(device);
  kernels::responseRows(task, placeOf(device));
}

void RecurrentSite::addProjectionResponse(const RowChange& row, const ResponseBlock& block) const {
  auto* emission = threadScratch(ScratchSlot::emission, rows_ * steps_ * hidden_);
  const auto* hidden = hidden_values_.const_data_ptr<float>();
  for (int64_t i = 0; i < rows_ * steps_; ++i) {
    for (int64_t j = 0; j < hidden_; ++j) {
      emission[i * hidden_ + j] = hidden[i * hidden_ + j] * row.change[static_cast<size_t>(j)];
    }
  }
  contract(lambda_projection_.const_data_ptr<float>() + row.row * rows_ * lambda_.seeds() * steps_, emission, samples_,
           steps_, block);
}

}  // namespace heft
