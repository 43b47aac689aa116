#include "engine/forward/operators.hpp"

#include <unordered_set>

namespace heft {
namespace {

using Names = std::unordered_set<std::string>;

/// Linear in all tensors together; dropout in evaluation mode is its argument.
const Names kAdditive{"add",      "sub", "rsub",     "subtract", "neg",        "negative",
                      "positive", "to",  "_to_copy", "type_as",  "batch_norm", "dropout"};

/// Linear in each tensor alone; the first of a division only.
const Names kProducts{"mul", "multiply"};

const Names kBending{"sigmoid",     "tanh",        "relu",       "relu6",       "elu",         "selu",
                     "celu",        "gelu",        "silu",       "mish",        "softplus",    "hardtanh",
                     "hardsigmoid", "hardswish",   "leaky_relu", "threshold",   "clamp",       "clamp_min",
                     "clamp_max",   "clip",        "exp",        "exp2",        "expm1",       "log",
                     "log1p",       "log2",        "sqrt",       "rsqrt",       "square",      "pow",
                     "abs",         "absolute",    "sin",        "cos",         "atan",        "sinh",
                     "cosh",        "asinh",       "reciprocal", "log_sigmoid", "erf",         "sign",
                     "sgn",         "div",         "divide",     "true_divide", "maximum",     "minimum",
                     "lerp",        "addcmul",     "addcdiv",    "where",       "masked_fill", "softsign",
                     "tanhshrink",  "hardshrink",  "softshrink", "logit",       "prelu",       "round",
                     "floor",       "ceil",        "hypot",      "atan2",       "gt",          "ge",
                     "lt",          "le",          "eq",         "ne",          "greater",     "less",
                     "logical_not", "logical_and", "logical_or", "bitwise_not", "bitwise_and", "bitwise_or"};

const Names kPositional{"view",
                        "reshape",
                        "_unsafe_view",
                        "_reshape_alias",
                        "flatten",
                        "unflatten",
                        "squeeze",
                        "unsqueeze",
                        "transpose",
                        "t",
                        "permute",
                        "movedim",
                        "moveaxis",
                        "swapaxes",
                        "swapdims",
                        "select",
                        "slice",
                        "narrow",
                        "chunk",
                        "unsafe_chunk",
                        "split",
                        "unsafe_split",
                        "split_with_sizes",
                        "unsafe_split_with_sizes",
                        "tensor_split",
                        "hsplit",
                        "vsplit",
                        "unbind",
                        "expand",
                        "expand_as",
                        "view_as",
                        "reshape_as",
                        "contiguous",
                        "clone",
                        "alias",
                        "detach",
                        "numpy_T",
                        "mT",
                        "cat",
                        "concat",
                        "concatenate",
                        "stack",
                        "flip",
                        "hstack",
                        "vstack",
                        "broadcast_to",
                        "index_select",
                        "atleast_1d",
                        "atleast_2d"};

const Names kShapesAlone{"size",       "sym_size",   "dim",       "numel",     "sym_numel",     "stride",
                         "sym_stride", "is_complex", "is_signed", "new_zeros", "is_same_size",  "is_floating_point",
                         "zeros_like", "ones_like",  "rand_like", "new_ones",  "is_contiguous", "new_empty_strided",
                         "empty_like", "randn_like", "new_empty"};

}  // namespace

std::string plainName(const c10::OperatorHandle& op) {
  auto name = op.schema().name();
  const auto colons = name.rfind("::");
  if (colons != std::string::npos) name = name.substr(colons + 2);
  if (name.size() > 1 && name.back() == '_' && !name.ends_with("__")) name.pop_back();
  return name;
}

Reach reachOf(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  if (!op.schema().name().starts_with("aten::")) return Reach::mixing;
  const auto name = plainName(op);
  if (name == "batch_norm") {
    const auto arguments = torch::jit::last(stack, op.schema().arguments().size());
    return arguments[5].isBool() && !arguments[5].toBool() ? Reach::pointwise : Reach::mixing;
  }
  if (kAdditive.contains(name) || kProducts.contains(name) || kBending.contains(name)) return Reach::pointwise;
  return kPositional.contains(name) ? Reach::positional : Reach::mixing;
}

bool isLinearInEach(const std::string& plain_name) {
  return kAdditive.contains(plain_name) || kProducts.contains(plain_name);
}

bool isAdditive(const std::string& plain_name) { return kAdditive.contains(plain_name); }

bool writesArgument(const c10::OperatorHandle& op, size_t index) {
  const auto* alias = op.schema().arguments().at(index).alias_info();
  return alias != nullptr && alias->isWrite();
}

bool writesArguments(const c10::OperatorHandle& op) {
  for (size_t i = 0; i < op.schema().arguments().size(); ++i) {
    if (writesArgument(op, i)) return true;
  }
  return false;
}

bool readsShapesAlone(const c10::OperatorHandle& op) {
  return op.schema().name().starts_with("aten::") && kShapesAlone.contains(plainName(op)) && !writesArguments(op);
}

void eachTensor(const c10::IValue& value, const std::function<void(const at::Tensor&)>& use) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) use(value.toTensor());
  } else if (value.isList()) {  // of tensors, or of tensors some of which are missing
    for (const auto& element : value.toListRef()) eachTensor(element, use);
  }
}

std::vector<std::pair<ArgumentPlace, at::Tensor>> placedTensors(const std::vector<c10::IValue>& values) {
  std::vector<std::pair<ArgumentPlace, at::Tensor>> tensors;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto& value = values[i];
    if (value.isTensor() && value.toTensor().defined()) {
      tensors.push_back({{static_cast<int64_t>(i), -1}, value.toTensor()});
    } else if (value.isTensorList()) {
      const auto list = value.toTensorVector();
      for (size_t j = 0; j < list.size(); ++j)
        tensors.push_back({{static_cast<int64_t>(i), static_cast<int64_t>(j)}, list[j]});
    } else if (value.isList()) {
      const auto list = value.toListRef();
      for (size_t j = 0; j < list.size(); ++j) {
        if (list[j].isTensor() && list[j].toTensor().defined())
          tensors.push_back({{static_cast<int64_t>(i), static_cast<int64_t>(j)}, list[j].toTensor()});
      }
    }
  }
  return tensors;
}

void replaceTensor(c10::IValue& argument, int64_t element, const std::function<at::Tensor(const at::Tensor&)>& change) {
  if (element < 0) {
    argument = change(argument.toTensor());
    return;
  }
  auto list = argument.toTensorVector();
  auto& one = list.at(static_cast<size_t>(element));
  one = change(one);
  argument = c10::IValue(list);
}

}  // namespace heft
