#include "made_model.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

namespace heft::bench {
namespace {

int64_t gatesOf(CellKind kind) { return kind == CellKind::lstm ? 4 : kind == CellKind::gru ? 3 : 1; }

std::string forwardOf(const Shape& shape) {
  std::string weights;
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    const auto l = std::to_string(layer);
    weights += (layer > 0 ? ", " : "") + std::string("self.weight_ih_l") + l + ", self.weight_hh_l" + l +
               ", self.bias_ih_l" + l + ", self.bias_hh_l" + l;
  }
  const auto tail = "[" + weights + "], True, " + std::to_string(shape.layers) + ", 0.0, False, False, True)\n";
  std::string text = "def forward(self, x: Tensor) -> Tensor:\n";
  text += "  s = torch.zeros([" + std::to_string(shape.layers) + ", x.size(0), " + std::to_string(shape.hidden) +
          "], dtype=x.dtype)\n";
  if (shape.kind == CellKind::lstm)
    text += "  y, h, c = torch.lstm(x, [s, s], " + tail;
  else if (shape.kind == CellKind::gru)
    text += "  y, h = torch.gru(x, s, " + tail;
  else
    text +=
        std::string("  y, h = torch.rnn_") + (shape.kind == CellKind::rnn_tanh ? "tanh" : "relu") + "(x, s, " + tail;
  return text + "  return torch.linear(y[:, -1], self.head, self.head_bias)\n";
}

}  // namespace

torch::jit::Module makeModule(const Shape& shape) {
  torch::jit::Module module("__torch__.Made");
  auto random = at::detail::createCPUGenerator(1);
  const double bound = 1 / std::sqrt(static_cast<double>(shape.hidden));
  const auto add = [&](const std::string& name, at::IntArrayRef sizes) {
    module.register_parameter(name, at::empty(sizes).uniform_(-bound, bound, random).set_requires_grad(false), false);
  };
  const auto rows = gatesOf(shape.kind) * shape.hidden;
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    const auto l = std::to_string(layer);
    add("weight_ih_l" + l, {rows, layer == 0 ? shape.inputs : shape.hidden});
    add("weight_hh_l" + l, {rows, shape.hidden});
    add("bias_ih_l" + l, {rows});
    add("bias_hh_l" + l, {rows});
  }
  add("head", {shape.outputs, shape.hidden});
  add("head_bias", {shape.outputs});
  module.define(forwardOf(shape));
  module.eval();
  return module;
}

at::Tensor makeInputs(const Shape& shape) {
  auto random = at::detail::createCPUGenerator(2);
  return at::empty({shape.batch, shape.steps, shape.inputs}).normal_(0, 1, random);
}

}  // namespace heft::bench
