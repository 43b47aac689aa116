#include "engine/execute/variants/batch_handler.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "data/memory.hpp"
#include "engine/execute/change_scope.hpp"
#include "engine/forward/operators.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

bool anyTensor(const c10::IValue& value, const std::function<bool(const at::Tensor&)>& test) {
  bool any = false;
  eachTensor(value, [&](const at::Tensor& tensor) { any = any || test(tensor); });
  return any;
}

}  // namespace

BatchHandler::BatchHandler(Model& model, std::span<const Variant> variants, const VmapLevel& level, int64_t memory,
                           BaselineCalls* baseline)
    : PlainHandler(model, true), variants_(variants), level_(level), memory_(memory), baseline_(baseline) {
  const BelowVmap plain;
  std::set<int64_t> changed;
  for (const auto& variant : variants) {
    for (const auto& change : variant.changes) {
      if (!changed.insert(change.parameter).second) continue;
      const auto value = model.weights(change.parameter).value.detach();
      shadows_.push_back({value, value.storage_offset(), memoryOf(value).numel(), change.parameter, {}});
    }
  }
}

bool BatchHandler::answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  std::vector<at::Tensor> unwritten;
  if (!partial_.empty() && !readsShapesAlone(op)) {
    const BelowVmap plain;
    unwritten = partial_.unwritten(torch::jit::last(stack, op.schema().arguments().size()));
  }
  if (unwritten.empty())
    answerAny(op, stack);
  else
    answerUnwritten(op, stack, unwritten);
  if (!model_.native) model_.promoter.results(op, stack);
  return true;
}

void BatchHandler::restarted() {
  // What forward wrote to is what was loaded again.
  std::erase_if(shadows_, [](const Shadow& shadow) { return shadow.parameter < 0; });
}

void BatchHandler::wantAll(const std::vector<at::Tensor>& unwritten) {
  partial_.wantAll(unwritten);
  read_more_ = true;
  throw Error(Fault::unsupported, "some variant reads more of a recurrent output than the model does");
}

void BatchHandler::answerUnwritten(const c10::OperatorHandle& op, torch::jit::Stack& stack,
                                   const std::vector<at::Tensor>& unwritten) {
  if (writesArguments(op)) wantAll(unwritten);
  try {
    answerAny(op, stack);
  } catch (const std::exception& error) {
    if (saysOutOfMemory(error.what())) throw;
    wantAll(unwritten);  // whatever it was, it may be for what it read
  }
  if (!givesViewsAlone(op, unwritten, torch::jit::last(stack, op.schema().returns().size()))) wantAll(unwritten);
}

void BatchHandler::answerAny(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto count = op.schema().arguments().size();
  const auto arguments = torch::jit::last(stack, count);
  if (std::none_of(arguments.begin(), arguments.end(), [&](const c10::IValue& value) { return moves(value); })) {
    if (!answerKept(op, stack)) {
      const BelowVmap plain;
      op.callBoxed(stack);
    }
  } else {
    shadowWrittenArguments(op, stack);
    if (!answerRandom(op, stack) && !answerRecurrent(op, stack) && !answerLinear(op, stack) &&
        !answerEmbedding(op, stack) && !answerPacking(op, stack) && !answerNumber(op, stack)) {
      answerOther(op, stack);
    }
  }
}

const WeightDelta& BatchHandler::deltaFor(int64_t parameter) {
  const auto found = deltas_.find(parameter);
  if (found != deltas_.end()) return found->second;
  return deltas_.emplace(parameter, WeightDelta(model_, variants_, parameter)).first->second;
}

const BatchHandler::Shadow* BatchHandler::shadowOf(const at::Tensor& tensor) const {
  if (!tensor.defined() || isBatched(tensor) || !tensor.has_storage() || tensor.numel() == 0) return nullptr;
  const void* storage = tensor.storage().data();
  const auto offset = tensor.storage_offset();
  for (const auto& shadow : shadows_) {
    if (shadow.original.storage().data() == storage && offset >= shadow.first && offset < shadow.first + shadow.size) {
      return &shadow;
    }
  }
  return nullptr;
}

bool BatchHandler::moves(const c10::IValue& value) const {
  return anyTensor(value, [&](const at::Tensor& tensor) { return isBatched(tensor) || shadowOf(tensor) != nullptr; });
}

int64_t BatchHandler::changedParameter(const at::Tensor& tensor) const {
  const auto* shadow = shadowOf(tensor);
  return shadow == nullptr ? -1 : shadow->parameter;
}

bool BatchHandler::isWhole(const at::Tensor& tensor, int64_t parameter) const {
  const auto& value = model_.weights(parameter).value;
  return tensor.storage_offset() == value.storage_offset() && tensor.sizes() == value.sizes() &&
         tensor.strides() == value.strides();
}

void BatchHandler::makeCopies(Shadow& shadow) {
  if (shadow.values.defined()) return;
  const auto variants = level_.variants();
  const auto memory = memoryOf(shadow.original);
  if (shadow.parameter >= 0 && variants * memory.numel() * static_cast<int64_t>(memory.element_size()) > memory_) {
    needed_copies_ = true;
    throw Error(Fault::memory, "copies of " + model_.weights(shadow.parameter).name + " for " +
                                   std::to_string(variants) + " variants need more memory than allowed");
  }
  shadow.values = memory.unsqueeze(0).repeat({variants, 1});
  if (shadow.parameter < 0) return;
  for (int64_t v = 0; v < variants; ++v) {
    for (const auto& change : variants_[static_cast<size_t>(v)].changes) {
      if (change.parameter != shadow.parameter) continue;
      const auto places = at::tensor(placesInMemory(shadow.original, change.index), at::kLong).to(memory.device());
      shadow.values[v].index_copy_(0, places, at::tensor(change.value, at::kDouble).to(memory.options()));
    }
  }
}

at::Tensor BatchHandler::spread(const at::Tensor& tensor) {
  if (isBatched(tensor)) return unwrap(tensor);
  const auto* found = shadowOf(tensor);
  if (found == nullptr) return tensor;
  auto& shadow = shadows_[static_cast<size_t>(found - shadows_.data())];
  makeCopies(shadow);
  auto sizes = tensor.sizes().vec();
  auto strides = tensor.strides().vec();
  sizes.insert(sizes.begin(), level_.variants());
  strides.insert(strides.begin(), shadow.size);
  return shadow.values.as_strided(sizes, strides, tensor.storage_offset() - shadow.first);
}

at::Tensor BatchHandler::valuesOf(const at::Tensor& output) {
  const BelowVmap plain;
  if (const auto unwritten = partial_.unwritten({output}); !unwritten.empty()) wantAll(unwritten);
  if (moves(output)) return spread(output);
  auto sizes = output.sizes().vec();
  sizes.insert(sizes.begin(), level_.variants());
  return output.unsqueeze(0).expand(sizes);
}

c10::IValue BatchHandler::substituted(const c10::IValue& value, bool parameters_too) {
  const auto replace = [&](const at::Tensor& tensor) {
    const auto* shadow = shadowOf(tensor);
    if (shadow == nullptr || (shadow->parameter >= 0 && !parameters_too)) return tensor;
    const BelowVmap plain;
    return level_.wrap(spread(tensor));
  };
  if (!anyTensor(value, [&](const at::Tensor& tensor) { return shadowOf(tensor) != nullptr; })) return value;
  if (value.isTensor()) return replace(value.toTensor());
  if (value.isTensorList()) {
    auto list = value.toTensorVector();
    for (auto& tensor : list) tensor = replace(tensor);
    return c10::IValue(list);
  }
  auto list = value.toList().copy();
  for (size_t i = 0; i < list.size(); ++i) {
    const c10::IValue element = list.get(i);
    if (element.isTensor()) list.set(i, replace(element.toTensor()));
  }
  return list;
}

void BatchHandler::shadowWrittenArguments(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto& arguments = op.schema().arguments();
  const auto first = stack.size() - arguments.size();
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!writesArgument(op, i) || !stack[first + i].isTensor()) continue;
    const auto& tensor = stack[first + i].toTensor();
    if (!tensor.defined() || isBatched(tensor) || shadowOf(tensor) != nullptr || !tensor.has_storage()) continue;
    // Writing what differs from variant to variant into a plain tensor: from now on every view of it differs.
    const BelowVmap plain;
    const auto elements = static_cast<int64_t>(tensor.storage().nbytes() / tensor.element_size());
    const auto whole = tensor.detach().as_strided({elements}, {1}, 0);
    shadows_.push_back({whole, 0, elements, -1, {}});
    makeCopies(shadows_.back());
  }
  // Parameters stay plain here: products with them have a cheaper way than copies.
  for (size_t i = first; i < stack.size(); ++i) stack[i] = substituted(stack[i], false);
}

void BatchHandler::answerOther(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto count = op.schema().arguments().size();
  const auto first = stack.size() - count;
  const auto batched = [](const c10::IValue& value) { return anyTensor(value, isBatched); };
  const auto& returns = op.schema().returns();
  const bool may_be_view =
      !returns.empty() && returns[0].alias_info() != nullptr && !returns[0].alias_info()->isWrite();
  if (may_be_view && std::none_of(stack.begin() + static_cast<int64_t>(first), stack.end(), batched)) {
    // A view of a changed parameter is still the parameter; whoever reads it will be asked again.
    auto trial = torch::jit::last(stack, count).vec();
    const BelowVmap plain;
    op.callBoxed(trial);
    const auto moved = [&](const at::Tensor& tensor) { return shadowOf(tensor) == nullptr; };
    if (std::none_of(trial.begin(), trial.end(), [&](const c10::IValue& value) { return anyTensor(value, moved); })) {
      torch::jit::drop(stack, count);
      for (auto& value : trial) torch::jit::push(stack, std::move(value));
      return;
    }
  }
  for (size_t i = first; i < stack.size(); ++i) stack[i] = substituted(stack[i], true);
  op.callBoxed(stack);
}

bool BatchHandler::answerNumber(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto& name = op.schema().name();
  if (name != "aten::item" && name != "aten::_local_scalar_dense" && name != "aten::is_nonzero") return false;
  const BelowVmap plain;
  const auto values = spread(torch::jit::peek(stack, 0, 1).toTensor());
  if (!values.eq(values[0]).all().item<bool>()) {
    throw Error(Fault::unsupported, "forward takes another way for some variants than for others");
  }
  torch::jit::drop(stack, 1);
  torch::jit::push(stack, values[0]);
  op.callBoxed(stack);
  return true;
}

bool BatchHandler::answerPacking(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto& name = op.schema().name();
  if (name != "aten::_pack_padded_sequence" && name != "aten::_pad_packed_sequence") return false;
  const auto count = op.schema().arguments().size();
  const auto first = stack.size() - count;
  if (moves(stack[first + 1])) return false;  // lengths that differ from variant to variant
  const BelowVmap plain;
  // Packing touches time and batch alone, so the variants ride as one more dimension behind the features.
  stack[first] = spread(stack[first].toTensor()).movedim(0, -1);
  op.callBoxed(stack);
  auto& result = stack[stack.size() - 2];
  result = level_.wrap(result.toTensor().movedim(-1, 0));
  return true;
}

}  // namespace heft
