#include "engine/kernels/cpu/adjoint_step.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "unit/kernel_targets.hpp"

namespace heft::kernels {
namespace {

class AdjointSteps : public OnEachTarget {};

/// One unit's step by the chain rule, written out; `gates` as the kernel's.
void plainStep(CellKind kind, const std::vector<double>& p, double emitted, double& carry, double* gates) {
  if (kind == CellKind::lstm) {
    const double c = carry + emitted * p[0];
    gates[0] = c * p[1];
    gates[1] = c * p[2];
    gates[2] = c * p[3];
    gates[3] = emitted * p[4];
    carry = c * p[5];
  } else if (kind == CellKind::gru) {
    const double next = carry + emitted;
    gates[3] = next * p[1];
    gates[0] = gates[3] * p[2];
    gates[1] = next * p[0];
    gates[2] = gates[3] * p[3];
    carry = next * p[4];
  } else {
    gates[0] = emitted * p[0];
  }
}

TEST_P(AdjointSteps, FollowTheChainRuleForAnyNumberOfUnits) {
  std::mt19937_64 random(3);
  const auto draw = [&] {
    return std::uniform_real_distribution<double>(-1, 1)(random) *
           std::pow(10, std::uniform_real_distribution<double>(-6, 2)(random));
  };
  for (const auto kind : {CellKind::lstm, CellKind::gru, CellKind::rnn_tanh, CellKind::rnn_relu}) {
    const auto planes = static_cast<std::size_t>(adjointPlanes(kind));
    const auto columns = static_cast<std::size_t>(adjointColumns(kind));
    for (std::size_t hidden = 1; hidden < 40; ++hidden) {
      std::vector<float> plane(planes * hidden), own(columns * hidden), emitted(hidden), carry(hidden),
          gates(columns * hidden), seen(hidden + 1, -7.0f);
      for (auto* list : {&plane, &own, &emitted, &carry, &gates})
        std::generate(list->begin(), list->end(), [&] { return static_cast<float>(draw()); });
      // The kernel's GRU has nothing of its own on the new gate's input side.
      if (kind == CellKind::gru) std::fill_n(own.begin() + static_cast<std::ptrdiff_t>(3 * hidden), hidden, 0.0f);
      auto found_carry = carry, found = gates;
      adjointStep({kind, static_cast<std::int64_t>(hidden), plane.data(), own.data(), emitted.data(),
                   found_carry.data(), found.data(), seen.data()});
      EXPECT_EQ(seen.back(), -7.0f);
      for (std::size_t u = 0; u < hidden; ++u) {
        double through = 0, size = std::abs(emitted[u]), c = carry[u], want[4];
        std::vector<double> p;
        for (std::size_t k = 0; k < planes; ++k) p.push_back(plane[k * hidden + u]);
        for (std::size_t g = 0; g < columns; ++g) {
          through += static_cast<double>(own[g * hidden + u]) * gates[g * hidden + u];
          size += std::abs(static_cast<double>(own[g * hidden + u]) * gates[g * hidden + u]);
        }
        ASSERT_NEAR(seen[u], emitted[u] - through, 1e-6 * size);
        plainStep(kind, p, emitted[u], c, want);
        const double terms =
            std::abs(carry[u]) + std::abs(static_cast<double>(emitted[u]) * p[0]) + std::abs(emitted[u]);
        for (std::size_t g = 0; g < columns; ++g) {
          double scale = 1e-30;
          for (const double one : p) scale = std::max(scale, std::abs(one));
          ASSERT_NEAR(found[g * hidden + u], want[g], 1e-6 * terms * scale * std::max(1.0, scale)) << g;
        }
        if (kind == CellKind::lstm || kind == CellKind::gru) {
          ASSERT_NEAR(found_carry[u], c, 1e-6 * terms * std::abs(p.back()) + 1e-30);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, AdjointSteps, testing::ValuesIn(targets()), targetName);

}  // namespace
}  // namespace heft::kernels
