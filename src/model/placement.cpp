#include "model/placement.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

namespace heft {
namespace {

/// Arguments that operators take on the CPU, wherever their other tensors lie.
const std::set<std::string> kOnCpu{"lengths", "batch_sizes", "tensor_indices_or_sections"};

bool isTensorKind(const c10::Argument& argument) {
  const auto kind = argument.type()->kind();
  if (kind == c10::TypeKind::OptionalType || kind == c10::TypeKind::ListType) {
    const auto inner = argument.type()->containedType(0);
    return inner->isSubtypeOf(*c10::OptionalType::ofTensor());
  }
  return kind == c10::TypeKind::TensorType;
}

/// TorchScript makes tensors of numbers (torch.tensor) in the host's memory, and reads others there (tolist); it asks for that
/// memory by these operators. Graphs that were traced say about pinned memory, too, when they ask for the CPU.
bool mayBeReadByHost(const c10::OperatorHandle& op, const torch::jit::Stack& stack, size_t first) {
  const auto& name = op.schema().name();
  if (name == "aten::to" || name == "aten::_to_copy" || name == "aten::cpu") return true;
  if (name != "aten::empty") return false;
  const auto pinned = op.schema().argumentIndexWithName("pin_memory");
  return !pinned || stack[first + static_cast<size_t>(*pinned)].isNone();
}

void placeDevice(const c10::OperatorHandle& op, torch::jit::Stack& stack, size_t first, size_t index,
                 c10::Device device) {
  auto& value = stack[first + index];
  if (value.isDevice()) {
    if (value.toDevice() == device || value.toDevice().is_meta()) return;
    if (!value.toDevice().is_cpu() || !mayBeReadByHost(op, stack, first)) value = device;
    return;
  }
  const auto& arguments = op.schema().arguments();
  if (!value.isNone() || device.is_cpu() || std::any_of(arguments.begin(), arguments.end(), isTensorKind)) return;
  value = device;  // nothing that is given says where the result is made
}

at::Tensor moved(const at::Tensor& tensor, c10::Device to) {
  return tensor.defined() && tensor.device() != to ? tensor.to(to) : tensor;
}

/// A tensor, or a list of tensors some of which may be missing, on a device.
c10::IValue moved(const c10::IValue& value, c10::Device to) {
  if (value.isTensor()) return moved(value.toTensor(), to);
  if (!value.isList()) return value;
  auto list = value.toList().copy();
  for (size_t i = 0; i < list.size(); ++i) {
    const c10::IValue element = list.get(i);
    if (element.isTensor()) list.set(i, moved(element.toTensor(), to));
  }
  return list;
}

bool anyOn(const c10::IValue& value, c10::DeviceType type) {
  if (value.isTensor()) return value.toTensor().defined() && value.toTensor().device().type() == type;
  if (!value.isTensorList() && !value.isOptionalTensorList()) return false;
  const auto elements = value.toListRef();
  return std::any_of(elements.begin(), elements.end(), [&](const c10::IValue& one) { return anyOn(one, type); });
}

bool isWritten(const c10::Argument& argument) {
  return argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

void placeTensors(const c10::OperatorHandle& op, torch::jit::Stack& stack, size_t first, c10::Device device) {
  const auto& arguments = op.schema().arguments();
  bool on_cpu = false, on_device = false, writes_on_cpu = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    auto& value = stack[first + i];
    if (kOnCpu.contains(arguments[i].name()) && anyOn(value, device.type())) value = moved(value, c10::kCPU);
    if (kOnCpu.contains(arguments[i].name())) continue;
    const bool cpu = anyOn(value, c10::kCPU);
    on_cpu |= cpu;
    on_device |= anyOn(value, device.type());
    writes_on_cpu |= cpu && isWritten(arguments[i]);
  }
  // LibTorch itself copies from one device to another.
  if (!on_cpu || !on_device || (writes_on_cpu && op.schema().name() == "aten::copy_")) return;
  const auto to = writes_on_cpu ? c10::Device(c10::kCPU) : device;
  for (size_t i = 0; i < arguments.size(); ++i) {
    auto& value = stack[first + i];
    if (!kOnCpu.contains(arguments[i].name()) && !isWritten(arguments[i])) value = moved(value, to);
  }
}

}  // namespace

void placeArguments(const c10::OperatorHandle& op, torch::jit::Stack& stack, c10::Device device) {
  const auto& arguments = op.schema().arguments();
  const auto first = stack.size() - arguments.size();
  for (size_t i = 0; i < arguments.size(); ++i) {
    // Most arguments are no devices: that is told faster than by their names.
    const auto& value = stack[first + i];
    if ((value.isDevice() || (value.isNone() && !device.is_cpu())) && arguments[i].name() == "device")
      placeDevice(op, stack, first, i, device);
  }
  if (!device.is_cpu()) placeTensors(op, stack, first, device);
}

}  // namespace heft
