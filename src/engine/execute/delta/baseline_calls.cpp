#include "engine/execute/delta/baseline_calls.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <iterator>

#include "engine/cells/cell_layout.hpp"

namespace heft {
namespace {

at::Tensor copyOf(const at::Tensor& tensor) { return tensor.defined() ? tensor.detach().clone() : tensor; }

/// The same values, seen without looking where the memory is the same.
bool same(const at::Tensor& a, const at::Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type() || a.device() != b.device()) return false;
  return (a.data_ptr() == b.data_ptr() && a.strides() == b.strides()) || a.equal(b);
}

}  // namespace

bool BaselineCall::matches(const RecurrentCall& other, const std::function<bool(const at::Tensor&)>& moves) const {
  if (call.kind != other.kind || call.cell != other.cell || call.batch_first != other.batch_first ||
      call.bidirectional != other.bidirectional || call.layers != other.layers ||
      call.weights.size() != other.weights.size())
    return false;
  // What moves is seen without its variants here, so the sizes must be the same in any case.
  const auto agrees = [&](const at::Tensor& mine, const at::Tensor& theirs) {
    if (!theirs.defined() || !moves(theirs)) return same(mine, theirs);
    return mine.defined() && mine.sizes() == theirs.sizes();
  };
  if (!agrees(call.input, other.input) || !agrees(call.hidden, other.hidden) || !agrees(call.carry, other.carry) ||
      !same(call.batch_sizes, other.batch_sizes))
    return false;
  for (size_t i = 0; i < call.weights.size(); ++i) {
    const auto &mine = call.weights[i], &theirs = other.weights[i];
    if (!agrees(mine.input, theirs.input) || !agrees(mine.recurrent, theirs.recurrent) ||
        !agrees(mine.input_bias, theirs.input_bias) || !agrees(mine.recurrent_bias, theirs.recurrent_bias) ||
        !agrees(mine.projection, theirs.projection))
      return false;
  }
  return true;
}

double BaselineCall::readShare() const { return read.defined() ? read.to(at::kDouble).mean().item<double>() : 1; }

void BaselineCall::prepare(const DeltaForm& form) {
  if (!cells.empty()) return;
  cells.resize(call.weights.size());
  runCall(call, [&](size_t index, const LayerInput& /*input*/) {
    return recordBaseline(cells[index], call.kind, call.weights[index], form);
  });
  for (size_t i = 0; i < adjoints.size(); ++i) knowRounding(cells[i], call.weights[i], adjoints[i]);
  adjoints.clear();
}

int64_t BaselineCall::roundingColumns() const {
  int64_t columns = 0;
  for (const auto& cell : cells) {
    for (const auto* table : {&cell.rounding, &cell.recurrent_rounding, &cell.input_rounding})
      columns = std::max(columns, table->defined() ? table->columns() : 0);
  }
  return columns;
}

int64_t BaselineCall::bytes() const {
  const bool packed = call.batch_sizes.defined();
  const int64_t readings = call.cell || packed ? call.input.size(0) : call.input.size(0) * call.input.size(1);
  int64_t floats = 0;
  for (const auto& weights : call.weights) {
    const auto hidden = weights.recurrent.size(0) / static_cast<int64_t>(gateNames(call.kind).size());
    floats += readings * (kernels::pointSize(call.kind) * hidden + weights.input.size(1) + weights.recurrent.size(1)) +
              3 * (weights.input.numel() + weights.recurrent.numel());  // and split in two halves of floats
  }
  return floats * int64_t{sizeof(float)};
}

at::Tensor BaselineCall::bySample(const at::Tensor& rounding) const {
  auto all = at::zeros({rounding.size(0), samples, rounding.size(2)}, rounding.options());
  return all.index_add_(1, sample_of_row.to(rounding.device()), rounding);
}

BaselineCalls::BaselineCalls(Model& model, ProductForm products, bool as_device, bool spoils_unread)
    : PlainHandler(model, true), spoils_unread_(spoils_unread) {
  const bool on_device = !model.parameters.empty() && !model.parameters[0].value.device().is_cpu();
  form_.all_rows = as_device || on_device;
  if (pays(products)) form_.products = products;
}

bool BaselineCalls::pays(ProductForm products) const {
  return form_.all_rows || DeltaProduct::fastest(products) == DeltaProduct::By::tiles;
}

int64_t BaselineCalls::outputsWorthCorrecting(int64_t memory) const {
  // A row's products take 2 x gates x hidden operations a term, its correction 4 an output; columns that are filled up count.
  constexpr int64_t kHiddenPerOutput = 8;
  int64_t hidden = 0, floats = 1;
  for (const auto& call : calls_) {
    const auto readings = call.call.input.numel() / std::max<int64_t>(1, call.call.input.size(-1));
    for (const auto& weights : call.call.weights) {
      hidden = std::max(hidden, weights.recurrent.size(1));
      floats += readings * (weights.input.size(1) + 3 * weights.recurrent.size(1));
    }
  }
  return std::min(hidden / kHiddenPerOutput, memory / 4 / (floats * int64_t{sizeof(float)}));
}

void BaselineCalls::correctRounding(std::vector<EmissionAdjoints> adjoints, int64_t samples) {
  size_t cells = 0;
  for (const auto& call : calls_) cells += call.call.weights.size();
  if (form_.products != ProductForm::rounded || adjoints.size() != cells) return;
  form_.corrects = true;
  auto next = adjoints.begin();
  for (auto& call : calls_) {
    const auto own = static_cast<std::ptrdiff_t>(call.call.weights.size());
    call.adjoints.assign(std::make_move_iterator(next), std::make_move_iterator(next + own));
    call.sample_of_row = call.adjoints.at(0).samples;
    call.samples = samples;
    call.cells.clear();
    next += own;
  }
}

ProductForm BaselineCalls::multiplyMoreExactly() {
  const bool halves = form_.products == ProductForm::rounded && pays(ProductForm::halves);
  form_.products = halves ? ProductForm::halves : ProductForm::floats;
  form_.corrects = false;
  for (auto& call : calls_) {
    call.cells.clear();
    call.adjoints.clear();
  }
  return form_.products;
}

int64_t BaselineCalls::bytes() const {
  int64_t sum = 0;
  for (const auto& call : calls_) sum += call.bytes();
  return sum;
}

void BaselineCalls::finish(const std::vector<NamedOutput>& outputs) {
  for (const auto& output : outputs) reads_.mark(output.value);
  for (size_t i = 0; i < calls_.size(); ++i) {
    // A device writes whole steps, and packed sequences have none.
    if (!calls_[i].result.output.defined() || (form_.all_rows && calls_[i].call.batch_sizes.defined())) continue;
    const auto read = reads_.of(i).any(-1);
    if (!read.all().item<bool>()) calls_[i].read = read.contiguous();
  }
  reads_ = {};
}

bool BaselineCalls::answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto watched = reads_.watched(torch::jit::last(stack, op.schema().arguments().size()));
  auto call = parseRecurrentCall(op, stack);
  if (!call && watched.empty()) return false;
  const auto call_it = [&] {
    op.callBoxed(stack);
    reads_.see(op, watched, torch::jit::last(stack, op.schema().returns().size()));
  };
  if (!call) {
    call_it();
    if (!model_.native) model_.promoter.results(op, stack);
    return true;
  }
  call->input = copyOf(call->input);
  call->hidden = copyOf(call->hidden);
  call->carry = copyOf(call->carry);
  call->batch_sizes = copyOf(call->batch_sizes);
  call_it();
  const auto returned = torch::jit::last(stack, op.schema().returns().size());
  RecurrentResult result;
  size_t next = 0;
  const auto take = [&] { return copyOf(returned[next++].toTensor()); };
  if (!call->cell) result.output = take();
  result.hidden = call->cell ? take().unsqueeze(0) : take();
  if (call->kind == CellKind::lstm) result.carry = call->cell ? take().unsqueeze(0) : take();
  const bool sequence = !call->cell;
  BaselineCall kept;
  kept.call = std::move(*call);
  kept.result = std::move(result);
  kept.spoils_unread = spoils_unread_;
  calls_.push_back(std::move(kept));
  if (!model_.native) model_.promoter.results(op, stack);
  reads_.watch(sequence ? torch::jit::last(stack, op.schema().returns().size())[0].toTensor() : at::Tensor());
  return true;
}

}  // namespace heft
