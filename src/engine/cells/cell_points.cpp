#include "engine/cells/cell_points.hpp"

#include <ATen/ATen.h>

namespace heft {

std::vector<at::Tensor> cellPoints(CellKind kind, const at::Tensor& input, const at::Tensor& recurrent,
                                   const at::Tensor& carry) {
  std::vector<at::Tensor> points;
  const auto both = [&](const at::Tensor& a, double scale) {
    points.push_back((a * scale).sigmoid());
    points.push_back((a * -scale).sigmoid());
  };
  if (kind == CellKind::lstm) {
    const auto a = (input + recurrent).chunk(4, -1);
    const auto next = a[1].sigmoid() * carry + a[0].sigmoid() * a[2].tanh();
    both(a[0], 1);
    both(a[1], 1);
    both(a[2], 2);
    points.push_back(a[2].tanh());
    both(a[3], 1);
    points.push_back(carry);
    both(next, 2);
    points.push_back(next.tanh());
  } else if (kind == CellKind::gru) {
    const auto x = input.chunk(3, -1);
    const auto h = recurrent.chunk(3, -1);
    const auto reset = x[0] + h[0];
    const auto fresh = x[2] + reset.sigmoid() * h[2];
    both(reset, 1);
    both(x[1] + h[1], 1);
    both(fresh, 2);
    points.push_back(fresh.tanh());
    points.push_back(h[2]);
    points.push_back(carry);
  } else if (kind == CellKind::rnn_tanh) {
    both(input + recurrent, 2);
  } else {
    points.push_back(input + recurrent);
  }
  return points;
}

}  // namespace heft
