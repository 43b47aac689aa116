#include "engine/forward/out_form.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/forward/operators.hpp"

namespace heft {
namespace {

bool isOut(const c10::Argument& argument) {
  return argument.is_out() && argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

/// The overload that returns what `op` writes into its last `outs` arguments.
std::optional<c10::OperatorHandle> findPlainForm(const c10::OperatorHandle& op, size_t outs) {
  const auto& wanted = op.schema().arguments();
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const auto& name : dispatcher.getAllOpNames()) {
    if (name.name != op.schema().name()) continue;
    const auto found = dispatcher.findSchema(name);
    if (!found || writesArguments(*found)) continue;
    const auto& schema = found->schema();
    const auto& arguments = schema.arguments();
    if (arguments.size() + outs != wanted.size() || schema.returns().size() != outs) continue;
    const bool same = std::equal(arguments.begin(), arguments.end(), wanted.begin(), [](const auto& a, const auto& b) {
      return a.name() == b.name() && *a.type() == *b.type();
    });
    if (same) return found;
  }
  return std::nullopt;
}

/// The same, looked up once.
std::optional<c10::OperatorHandle> plainForm(const c10::OperatorHandle& op, size_t outs) {
  static std::mutex lock;
  static std::map<std::string, std::optional<c10::OperatorHandle>> known;
  const std::lock_guard<std::mutex> guard(lock);
  const auto name = op.schema().name() + "." + op.schema().overload_name();
  const auto found = known.find(name);
  return found != known.end() ? found->second : known.emplace(name, findPlainForm(op, outs)).first->second;
}

void takeShape(const at::Tensor& out, const at::Tensor& value) {
  if (out.sizes() == value.sizes()) return;
  const at::NoGradGuard no_grad;
  if (out.requires_grad()) out.detach_();
  out.resize_(value.sizes());
}

}  // namespace

bool callPlainForm(const c10::OperatorHandle& op, torch::jit::Stack& stack,
                   const std::function<void(const c10::OperatorHandle& op, torch::jit::Stack& stack)>& call) {
  const auto& arguments = op.schema().arguments();
  if (arguments.empty() || !isOut(arguments.back())) return false;
  const auto count = arguments.size();
  const auto outs = static_cast<size_t>(std::count_if(arguments.begin(), arguments.end(), isOut));
  const auto given = torch::jit::last(stack, count).vec();
  const auto first = given.begin() + static_cast<std::ptrdiff_t>(count - outs);
  if (!std::all_of(first, given.end(), [](const c10::IValue& one) { return one.isTensor(); })) return false;
  const auto plain = plainForm(op, outs);
  if (!plain) return false;
  torch::jit::Stack results(given.begin(), first);
  call(*plain, results);
  static const auto copy = c10::Dispatcher::singleton().findSchemaOrThrow("aten::copy_", "");
  for (size_t i = 0; i < outs; ++i) {
    const auto& out = given[count - outs + i].toTensor();
    takeShape(out, results.at(i).toTensor());
    torch::jit::Stack written{out, results.at(i), false};
    call(copy, written);
  }
  torch::jit::drop(stack, count);
  for (size_t i = 0; i < outs; ++i) torch::jit::push(stack, given[count - outs + i]);
  return true;
}

}  // namespace heft
