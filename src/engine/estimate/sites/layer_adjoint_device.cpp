#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "data/stop.hpp"
#include "engine/cells/cell_layout.hpp"
#include "engine/estimate/sites/layer_adjoint.hpp"
#include "engine/kernels/cuda/adjoint_rows.hpp"
#include "engine/kernels/device_kernels.hpp"

namespace heft {
namespace {

at::Tensor floatsOf(const at::Tensor& one) { return one.to(at::kFloat).contiguous(); }

/// What comes in at step `t` of `values`, [seeds, time, rows, width] or undefined.
kernels::AdjointSource sourceOf(const at::Tensor& values, int64_t t) {
  if (!values.defined()) return {};
  const bool wide = values.scalar_type() == at::kDouble;
  const auto step = values.select(1, t);
  const void* data = wide ? static_cast<const void*>(step.const_data_ptr<double>()) : step.const_data_ptr<float>();
  return {data, wide, step.stride(0), step.stride(1), step.stride(2)};
}

}  // namespace

/// In float32, where the layer's weights lie.
struct LayerAdjoint::DeviceFloats {
  at::Tensor planes;     ///< [time, rows, planes, hidden]
  at::Tensor own;        ///< [columns, hidden], zero for a GRU's last
  at::Tensor active;     ///< uint8 [time, rows], or undefined
  at::Tensor recurrent;  ///< [gates x hidden, hidden]
  at::Tensor input;      ///< [gates x hidden, inputs]
};

const LayerAdjoint::DeviceFloats& LayerAdjoint::deviceFloats() const {
  std::call_once(once_, [&] {
    auto all = std::make_shared<DeviceFloats>();
    all->planes = floatsOf(planes_);
    all->own = at::zeros({kernels::adjointColumns(kind_), hidden_}, all->planes.options());
    all->own.narrow(0, 0, own_.size(0)).copy_(own_);
    if (active_.defined()) all->active = active_.to(at::kByte).view({steps_, rows_}).contiguous();
    all->recurrent = floatsOf(weights_.recurrent);
    all->input = floatsOf(weights_.input);
    device_floats_ = std::move(all);
  });
  return *device_floats_;
}

LayerAdjoint::Found LayerAdjoint::onDevice(const LayerAdjoints& after, bool wants_input) const {
  const at::NoGradGuard no_grad;
  const c10::DeviceGuard guard(planes_.device());
  const auto& own = deviceFloats();
  const auto options = own.planes.options();
  const auto place = placeOf(planes_.device());
  const auto seeds = seedsOf(after), all = seeds * rows_;
  const auto inputs = weights_.input.size(1), columns = kernels::adjointColumns(kind_);
  const auto rowsOf = [&](const at::Tensor& given) {
    auto rows = at::zeros({all, hidden_}, options);
    if (given.defined()) rows.view({seeds, rows_, hidden_}).copy_(given);
    return rows;
  };
  const bool known = !after.sequence.defined() || after.sequence.scalar_type() == at::kDouble ||
                     after.sequence.scalar_type() == at::kFloat;
  const auto sequence = known ? after.sequence : after.sequence.to(at::kFloat);
  auto emitted = rowsOf(after.hidden), carry = rowsOf(after.carry);
  auto gates = at::zeros({all, columns * hidden_}, options);
  // Steps first: what one step writes lies together.
  auto emission = at::empty({steps_, seeds, rows_, hidden_}, options);
  auto before = wants_input ? at::empty({steps_, all, inputs}, options) : at::Tensor();
  const auto recurrent_gates = gates.narrow(1, 0, own.recurrent.size(0));
  for (auto t = steps_ - 1; t >= 0; --t) {
    stopIfAsked();
    kernels::AdjointRows step;
    step.kind = kind_;
    step.seeds = seeds;
    step.rows = rows_;
    step.hidden = hidden_;
    step.planes = own.planes.const_data_ptr<float>() + t * rows_ * kernels::adjointPlanes(kind_) * hidden_;
    step.own = own.own.const_data_ptr<float>();
    if (own.active.defined()) step.active = own.active.const_data_ptr<uint8_t>() + t * rows_;
    step.sequence = sourceOf(sequence, t);
    step.emitted = emitted.mutable_data_ptr<float>();
    step.carry = carry.mutable_data_ptr<float>();
    step.gates = gates.mutable_data_ptr<float>();
    step.seen = emission.mutable_data_ptr<float>() + t * all * hidden_;
    kernels::adjointRows(step, place);
    emitted.addmm_(recurrent_gates, own.recurrent);
    if (!wants_input) continue;
    auto read = before.select(0, t);
    if (kind_ == CellKind::gru) {
      at::mm_out(read, gates.narrow(1, 0, 2 * hidden_), own.input.narrow(0, 0, 2 * hidden_));
      read.addmm_(gates.narrow(1, 3 * hidden_, hidden_), own.input.narrow(0, 2 * hidden_, hidden_));
    } else {
      at::mm_out(read, gates, own.input);
    }
  }
  if (kind_ == CellKind::gru) emitted.add_(carry);
  const auto states = [&](const at::Tensor& rows) { return rows.view({seeds, rows_, hidden_}); };
  Found found;
  if (wants_input) found.before.sequence = before.view({steps_, seeds, rows_, inputs}).transpose(0, 1);
  found.before.hidden = states(emitted);
  if (kind_ == CellKind::lstm) found.before.carry = states(carry);
  found.emission = emission.transpose(0, 1);
  return found;
}

}  // namespace heft
