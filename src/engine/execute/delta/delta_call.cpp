#include "engine/execute/delta/delta_call.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <optional>

#include "engine/cells/packing.hpp"
#include "engine/execute/delta/delta_layer.hpp"
#include "engine/execute/delta/row_run.hpp"

namespace heft {
namespace {

/// Rows of a block's matrix products: enough that reading the weights costs little beside the product, few enough that a
/// block's states stay in the cache.
constexpr int64_t kMostRows = 256, kFewestRowsOfLayer = 32;
/// Blocks of a chunk, if those get enough rows: several for each thread of a usual machine.
constexpr int64_t kBlocks = 8;

/// Variants of a block: where they can, their rows fill whole blocks of a product, which are multiplied in any case.
int64_t variantsOfABlock(int64_t variants, int64_t samples) {
  const auto rows = std::clamp(variants * samples / kBlocks, kFewestRowsOfLayer, kMostRows);
  const auto block = std::max<int64_t>(1, rows / samples);
  const auto filling = DeltaProduct::roomFor(1) / std::gcd(DeltaProduct::roomFor(1), samples);
  return block > filling ? block - block % filling : block;
}

/// A place of an output [variants, place, emitted] that is written, and where it comes from.
struct OutputPlace {
  int64_t number, step, sample;
};

/// `wanted`: bool, by place; undefined: all.
std::vector<OutputPlace> placesOf(const RecurrentCall& call, const std::optional<Packing>& packing, int64_t steps,
                            int64_t samples, const at::Tensor& wanted) {
  auto number = at::arange(steps * samples, at::kLong).view({steps, samples, 1});
  if (packing)
    number = packing->pack(number);
  else if (call.batch_first)
    number = number.transpose(0, 1);
  const auto flat = number.contiguous();
  std::vector<OutputPlace> places;
  for (int64_t i = 0; i < flat.numel(); ++i) {
    if (wanted.defined() && !wanted.const_data_ptr<bool>()[i]) continue;
    const auto one = flat.const_data_ptr<int64_t>()[i];
    places.push_back({i, one / samples, one % samples});
  }
  return places;
}

class DeltaCall {
 public:
  DeltaCall(BaselineCall& baseline, const CallDeltas& deltas, int64_t variants, std::vector<Workspace>& workspaces);
  VariantResults run();

 private:
  void runBlock(int64_t first, int64_t count);
  [[nodiscard]] at::Tensor sequenceOf(int64_t first, int64_t count) const;
  [[nodiscard]] at::Tensor stateOf(const at::Tensor& states, const at::Tensor& base, int64_t index, int64_t first,
                                   int64_t count) const;
  void addSequence(const at::Tensor& deltas, int64_t first, int64_t count);
  void addRows(const at::Tensor& deltas);
  static void addState(at::Tensor& out, const at::Tensor& deltas, int64_t index, int64_t first, int64_t count);

  const BaselineCall& base_;
  const RecurrentCall& call_;
  const CallDeltas& deltas_;
  int64_t variants_, steps_, samples_;
  bool all_rows_;
  std::optional<Packing> packing_;
  at::Tensor base_output_;     ///< the baseline's, contiguous
  std::vector<OutputPlace> places_;  ///< of the output that are written
  /// By direction: steps of the last layer's sequence that are read, 0 or 1; empty: all.
  std::array<std::vector<uint8_t>, 2> kept_;
  std::vector<Workspace>& workspaces_;
  RecurrentResult result_;
  at::Tensor rounding_;  ///< [variants, rows, columns]
};

DeltaCall::DeltaCall(BaselineCall& baseline, const CallDeltas& deltas, int64_t variants,
                     std::vector<Workspace>& workspaces)
    : base_(baseline),
      call_(baseline.call),
      deltas_(deltas),
      variants_(variants),
      steps_(baseline.cells.at(0).steps),
      samples_(baseline.cells.at(0).rows),
      all_rows_(baseline.cells.at(0).products.defined()),
      workspaces_(workspaces) {
  if (call_.batch_sizes.defined()) packing_.emplace(call_.batch_sizes);
  if (!call_.cell && !all_rows_) {
    base_output_ = base_.result.output.contiguous();
    places_ = placesOf(call_, packing_, steps_, samples_, base_.read);
    for (auto& kept : kept_) kept.resize(static_cast<size_t>(steps_));
    for (const auto& place : places_) {
      kept_[0][static_cast<size_t>(place.step)] = 1;
      kept_[1][static_cast<size_t>(steps_ - 1 - place.step)] = 1;
    }
  }
  const auto spread = [&](size_t place, const at::Tensor& one) {
    auto shape = one.sizes().vec();
    shape.insert(shape.begin(), variants_);
    if (all_rows_) return at::empty(shape, one.options());  // LibTorch keeps a device's memory by itself
    return baseline.results.takeUnlessHeld(place, shape, one.scalar_type());
  };
  if (!call_.cell) result_.output = spread(0, base_.result.output);
  result_.hidden = spread(1, base_.result.hidden);
  if (call_.kind == CellKind::lstm) result_.carry = spread(2, base_.result.carry);
  if (const auto columns = base_.roundingColumns(); columns > 0) {
    const auto& points = base_.cells.at(0).points;
    rounding_ = at::zeros({variants_, samples_, columns}, points.options());
  }
}

VariantResults DeltaCall::run() {
  if (std::ssize(workspaces_) < at::get_num_threads()) workspaces_.resize(static_cast<size_t>(at::get_num_threads()));
  if (all_rows_) {
    runBlock(0, variants_);
    return {result_, rounding_};
  }
  const auto block = variantsOfABlock(variants_, samples_);
  const auto blocks = (variants_ + block - 1) / block;
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    const at::NoGradGuard no_grad;
    for (auto i = begin; i < end; ++i) runBlock(i * block, std::min(block, variants_ - i * block));
  });
  return {result_, rounding_};
}

/// What a block's input differs from the baseline's, float32 [steps, rows, inputs].
at::Tensor DeltaCall::sequenceOf(int64_t first, int64_t count) const {
  if (!deltas_.input.defined()) return {};
  auto moved = (deltas_.input.narrow(0, first, count) - call_.input).to(at::kFloat);
  if (packing_)
    moved = packing_->unpack(moved);
  else if (call_.cell)
    moved = moved.unsqueeze(1);
  else if (call_.batch_first)
    moved = moved.transpose(1, 2);
  return moved.transpose(0, 1).flatten(1, 2).contiguous();  // [variants, steps, samples, x] before
}

at::Tensor DeltaCall::stateOf(const at::Tensor& states, const at::Tensor& base, int64_t index, int64_t first,
                              int64_t count) const {
  if (!states.defined()) return {};
  const auto moved = states.narrow(0, first, count).select(1, index) - base[index];
  return moved.flatten(0, 1).to(at::kFloat).contiguous();
}

void DeltaCall::addSequence(const at::Tensor& deltas, int64_t first, int64_t count) {
  const auto width = base_.result.output.size(-1);
  const auto size = base_output_.numel();
  const auto* from = base_output_.const_data_ptr<double>();
  auto* out = result_.output.data_ptr<double>() + first * size;
  if (base_.spoils_unread) std::fill_n(out, count * size, std::numeric_limits<double>::quiet_NaN());
  const auto* moved = deltas.defined() ? deltas.const_data_ptr<float>() : nullptr;
  for (int64_t v = 0; v < count; ++v, out += size) {
    for (const auto& place : places_) {
      const auto* __restrict there = from + place.number * width;
      auto* __restrict to = out + place.number * width;
      if (moved == nullptr) {
        std::copy_n(there, width, to);
        continue;
      }
      const auto* __restrict change = moved + ((place.step * count + v) * samples_ + place.sample) * width;
      for (int64_t k = 0; k < width; ++k) to[k] = there[k] + static_cast<double>(change[k]);
    }
  }
}

/// The same for all variants at once, by LibTorch's operators.
void DeltaCall::addRows(const at::Tensor& deltas) {
  const auto base = base_.result.output.unsqueeze(0);
  if (base_.spoils_unread) result_.output.fill_(std::numeric_limits<double>::quiet_NaN());
  if (!deltas.defined()) {
    result_.output.copy_(base);
    return;
  }
  auto moved = deltas.view({steps_, variants_, samples_, -1}).transpose(0, 1);
  if (packing_) {
    at::add_out(result_.output, base, packing_->pack(moved));
    return;
  }
  if (call_.batch_first) moved = moved.transpose(1, 2);
  if (!base_.read.defined()) {
    at::add_out(result_.output, base, moved);
    return;
  }
  const int64_t time = call_.batch_first ? 2 : 1;  // of [variants, ...]
  const auto wanted = base_.read.any(2 - time);
  for (int64_t step = 0; step < steps_; ++step) {
    if (!wanted.const_data_ptr<bool>()[step]) continue;
    auto to = result_.output.select(time, step);
    at::add_out(to, base.select(time, step), moved.select(time, step));
  }
}

void DeltaCall::addState(at::Tensor& out, const at::Tensor& deltas, int64_t index, int64_t first, int64_t count) {
  auto there = out.narrow(0, first, count).select(1, index);
  there.add_(deltas.view(there.sizes()));
}

void DeltaCall::runBlock(int64_t first, int64_t count) {
  result_.hidden.narrow(0, first, count).copy_(base_.result.hidden.unsqueeze(0));
  if (result_.carry.defined()) result_.carry.narrow(0, first, count).copy_(base_.result.carry.unsqueeze(0));
  auto& workspace = workspaces_[static_cast<size_t>(at::get_thread_num())];
  auto sequence = sequenceOf(first, count);
  const auto directions = call_.directions();
  for (int64_t layer = 0; layer < call_.layers; ++layer) {
    std::vector<at::Tensor> outputs(static_cast<size_t>(directions));
    for (int64_t direction = 0; direction < directions; ++direction) {
      const auto index = layer * directions + direction;
      const auto& cell = base_.cells[static_cast<size_t>(index)];
      const auto changes = std::span(deltas_.changes[static_cast<size_t>(index)])
                               .subspan(static_cast<size_t>(first), static_cast<size_t>(count));
      LayerDeltas input{sequence,
                        stateOf(deltas_.hidden, call_.hidden, index, first, count),
                        stateOf(deltas_.carry, call_.carry, index, first, count),
                        {}};
      if (!input.any() && std::none_of(changes.begin(), changes.end(), [](const auto& one) { return one.any(); }))
        continue;
      if (direction == 1 && input.sequence.defined()) input.sequence = input.sequence.flip(0);
      const auto place = kDeltaPlaces + static_cast<size_t>(2 * (layer % 2) + direction);
      const auto kept = layer + 1 == call_.layers ? std::span<const uint8_t>(kept_.at(static_cast<size_t>(direction)))
                                                  : std::span<const uint8_t>();
      const auto found =
          all_rows_ ? runDeltaRows(cell, changes, input) : runDeltas(cell, changes, input, workspace, place, kept);
      outputs[static_cast<size_t>(direction)] = direction == 1 ? found.sequence.flip(0) : found.sequence;
      addState(result_.hidden, found.hidden, index, first, count);
      if (found.rounding.defined()) {
        auto there = rounding_.narrow(0, first, count);
        there.add_(found.rounding.view(there.sizes()));
      }
      if (found.carry.defined()) addState(result_.carry, found.carry, index, first, count);
    }
    if (directions == 2 && outputs[0].defined() != outputs[1].defined()) {
      auto& still = outputs[outputs[0].defined() ? 1 : 0];
      still = at::zeros_like(outputs[outputs[0].defined() ? 0 : 1]);
    }
    sequence = directions == 2 && outputs[0].defined() ? at::cat(outputs, 2) : outputs[0];
  }
  if (call_.cell) return;
  if (all_rows_)
    addRows(sequence);
  else
    addSequence(sequence, first, count);
}

}  // namespace

VariantResults runDeltaCall(BaselineCall& baseline, const CallDeltas& deltas, int64_t variants,
                            std::vector<Workspace>& workspaces) {
  return DeltaCall(baseline, deltas, variants, workspaces).run();
}

}  // namespace heft
