#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "engine/cells/gate_math.hpp"
#include "engine/kernels/cpu/delta_step.hpp"
#include "engine/kernels/cpu/unit_response.hpp"
#include "unit/kernel_targets.hpp"

namespace heft::kernels {
namespace {

class GateKernels : public OnEachTarget {};

/// Pre-activations from deep inside a gate's flat parts to its middle, and changes of every size.
struct Draw {
  std::mt19937_64 random{7};

  double between(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); }
  double preActivation() { return between(-1, 1) * std::pow(10, between(-2, 1.3)); }
  double change() { return between(-1, 1) * std::pow(10, between(-12, 1.5)); }
};

double sigmoid(double a) { return 1 / (1 + std::exp(-a)); }

/// sigm(a + d) - sigm(a) in long double, where a difference of two keeps enough.
double sigmoidMoved(double a, double d) {
  const long double p = 1 / (1 + std::exp(-static_cast<long double>(a)));
  const long double n = 1 / (1 + std::exp(static_cast<long double>(a)));
  const auto gone = -std::expm1(-static_cast<long double>(d));
  return static_cast<double>(p * n * gone / (p + n * std::exp(-static_cast<long double>(d))));
}

constexpr double kRelative = 2e-6;

TEST(GateMath, OfDoublesIsTheDifferenceOfTheGates) {
  Draw draw;
  for (int i = 0; i < 20'000; ++i) {
    const double a = draw.preActivation(), d = draw.change();
    const double truth = sigmoidMoved(a, d);
    ASSERT_NEAR(sigmoidChange(sigmoid(a), sigmoid(-a), d), truth, 1e-12 * std::abs(truth)) << a << " " << d;
    ASSERT_NEAR(truth, sigmoid(a + d) - sigmoid(a), 4e-16) << a << " " << d;
    const double far = std::tanh(a + d) - std::tanh(a);
    ASSERT_NEAR(tanhChange(sigmoid(2 * a), sigmoid(-2 * a), d), far, 1e-15) << a << " " << d;
  }
}

TEST(GateMath, OfFloatsKeepsItsRelativeAccuracy) {
  Draw draw;
  for (int i = 0; i < 20'000; ++i) {
    const double a = draw.preActivation(), d = draw.change();
    const auto found =
        sigmoidChange(static_cast<float>(sigmoid(a)), static_cast<float>(sigmoid(-a)), static_cast<float>(d));
    const double truth = sigmoidMoved(a, static_cast<float>(d));
    ASSERT_NEAR(static_cast<double>(found), truth, kRelative * std::abs(truth)) << a << " " << d;
  }
}

TEST_P(GateKernels, TanhAndReluOfEverySizeKeepTheirRelativeAccuracy) {
  Draw draw;
  for (std::int64_t hidden = 1; hidden < 70; ++hidden) {
    const auto count = static_cast<std::size_t>(hidden);
    std::vector<float> points(2 * count), pre(count), emitted(count + 1, -7.0f);
    std::vector<double> truth(count);
    for (std::size_t u = 0; u < count; ++u) {
      const double a = draw.preActivation();
      points[u] = static_cast<float>(sigmoid(2 * a));
      points[count + u] = static_cast<float>(sigmoid(-2 * a));
      pre[u] = static_cast<float>(draw.change());
      truth[u] = 2 * sigmoidMoved(2 * a, 2 * static_cast<double>(pre[u]));
    }
    deltaStep({CellKind::rnn_tanh, hidden, points.data(), pre.data(), nullptr, emitted.data()});
    for (std::size_t u = 0; u < count; ++u)
      ASSERT_NEAR(static_cast<double>(emitted[u]), truth[u], kRelative * std::abs(truth[u])) << hidden << " " << u;
    deltaStep({CellKind::rnn_relu, hidden, points.data(), pre.data(), nullptr, emitted.data()});
    for (std::size_t u = 0; u < count; ++u) ASSERT_EQ(emitted[u], reluChange(points[u], pre[u]));
    EXPECT_EQ(emitted[count], -7.0f) << "written behind the end";
  }
}

/// A unit's points at random, as floats and as doubles.
template <class Point>
Point drawPoint(Draw& draw);

template <>
LstmPoint<double> drawPoint(Draw& draw) {
  const double i = draw.preActivation(), f = draw.preActivation(), g = draw.preActivation(), o = draw.preActivation();
  const double before = draw.between(-2, 2);
  const double carry = sigmoid(f) * before + sigmoid(i) * std::tanh(g);
  return {sigmoid(i), sigmoid(-i), sigmoid(f), sigmoid(-f),        sigmoid(2 * g),      sigmoid(-2 * g), std::tanh(g),
          sigmoid(o), sigmoid(-o), before,     sigmoid(2 * carry), sigmoid(-2 * carry), std::tanh(carry)};
}

template <>
GruPoint<double> drawPoint(Draw& draw) {
  const double r = draw.preActivation(), z = draw.preActivation(), x = draw.preActivation(), q = draw.preActivation();
  const double fresh = x + sigmoid(r) * q;
  return {sigmoid(r),          sigmoid(-r),      sigmoid(z), sigmoid(-z),        sigmoid(2 * fresh),
          sigmoid(-2 * fresh), std::tanh(fresh), q,          draw.between(-1, 1)};
}

/// What the terms of the change would be if none cancelled another: errors are held against it.
double withoutSigns(const LstmPoint<double>& at, const double* pre, double carry, double moved) {
  const double di = sigmoidChange(at.input_p, at.input_n, pre[0]), df = sigmoidChange(at.forget_p, at.forget_n, pre[1]);
  const double dg = tanhChange(at.cell_p, at.cell_n, pre[2]), d_o = sigmoidChange(at.output_p, at.output_n, pre[3]);
  const double carried = std::abs(df) * (std::abs(at.carry_before) + std::abs(carry)) + at.forget_p * std::abs(carry) +
                         std::abs(di) * (std::abs(at.cell) + std::abs(dg)) + at.input_p * std::abs(dg);
  return std::abs(d_o) * (std::abs(at.carry_tanh) + std::abs(moved)) + carried;
}

double withoutSigns(const GruPoint<double>& at, const double* pre, double carry, double /*moved*/) {
  const double dr = sigmoidChange(at.reset_p, at.reset_n, pre[0]), dz = sigmoidChange(at.update_p, at.update_n, pre[1]);
  const double inner =
      std::abs(pre[3]) + std::abs(dr) * (std::abs(at.hidden_term) + std::abs(pre[2])) + at.reset_p * std::abs(pre[2]);
  return inner + std::abs(dz) * (2 + std::abs(at.before) + std::abs(carry)) + std::abs(carry);
}

template <class Point>
void expectCells(CellKind kind) {
  Draw draw;
  const auto size = static_cast<std::size_t>(pointSize(kind));
  const auto columns = static_cast<std::size_t>(deltaColumns(kind));
  for (const std::int64_t hidden : {1, 3, 4, 8, 15, 16, 17, 31, 64, 65}) {
    const auto count = static_cast<std::size_t>(hidden);
    std::vector<float> points(size * count), pre(columns * count), carry(count), emitted(count);
    std::vector<Point> truths;
    for (std::size_t u = 0; u < count; ++u) {
      truths.push_back(drawPoint<Point>(draw));
      const auto* values = reinterpret_cast<const double*>(&truths.back());
      for (std::size_t k = 0; k < size; ++k) points[k * count + u] = static_cast<float>(values[k]);
      for (std::size_t k = 0; k < columns; ++k) pre[k * count + u] = static_cast<float>(draw.change());
      carry[u] = emitted[u] = static_cast<float>(1e-3 * draw.between(-1, 1));
    }
    const auto before = carry;
    deltaStep({kind, hidden, points.data(), pre.data(), carry.data(), emitted.data()});
    for (std::size_t u = 0; u < count; ++u) {
      double own[4], c = static_cast<double>(before[u]), e = 0;
      for (std::size_t k = 0; k < 4; ++k) own[k] = static_cast<double>(pre[k * count + u]);
      if constexpr (std::is_same_v<Point, LstmPoint<double>>) {
        e = lstmChange(truths[u], own[0], own[1], own[2], own[3], c);
        ASSERT_NEAR(static_cast<double>(carry[u]), c,
                    1e-6 * withoutSigns(truths[u], own, static_cast<double>(before[u]), e));
      } else {
        e = gruChange(truths[u], own[0], own[1], own[3], own[2], c);
      }
      ASSERT_NEAR(static_cast<double>(emitted[u]), e,
                  2e-6 * withoutSigns(truths[u], own, static_cast<double>(before[u]), e))
          << hidden << " " << u;
    }
  }
}

TEST_P(GateKernels, LstmEqualsDoubles) { expectCells<LstmPoint<double>>(CellKind::lstm); }
TEST_P(GateKernels, GruEqualsDoubles) { expectCells<GruPoint<double>>(CellKind::gru); }

TEST_P(GateKernels, ChangesThatWouldBeDenormalBecomeNothing) {
  const std::vector<float> points{0.5f, 0.5f, 0.5f, 0.5f}, pre{1e-33f, 1e-20f};
  std::vector<float> emitted(2);
  deltaStep({CellKind::rnn_tanh, 2, points.data(), pre.data(), nullptr, emitted.data()});
  EXPECT_EQ(emitted[0], 0);
  EXPECT_GT(emitted[1], 0.9e-20f);
}

/// Without a unit's own weights only one gate moves; that path must give what zeros in the general one give.
TEST_P(GateKernels, UnitResponseWithoutOwnWeightsIsThatOfZeros) {
  Draw draw;
  for (const auto kind : {CellKind::lstm, CellKind::gru, CellKind::rnn_tanh, CellKind::rnn_relu}) {
    const auto size = pointSize(kind);
    const std::int64_t gates = kind == CellKind::lstm ? 4 : kind == CellKind::gru ? 3 : 1;
    constexpr std::int64_t rows = 2, steps = 6, width = 37;
    std::vector<float> points, read(rows * steps * width), change(width), feedback(width);
    for (std::int64_t t = 0; t < rows * steps; ++t) {
      const auto append = [&](const auto& point) {
        const auto* values = reinterpret_cast<const double*>(&point);
        for (std::int64_t k = 0; k < size; ++k) points.push_back(static_cast<float>(values[k]));
      };
      if (kind == CellKind::gru)
        append(drawPoint<GruPoint<double>>(draw));
      else
        append(drawPoint<LstmPoint<double>>(draw));
    }
    for (auto& one : read) one = static_cast<float>(draw.between(-1, 1));
    for (auto& one : change) one = static_cast<float>(draw.change());
    for (auto& one : feedback) one = static_cast<float>(draw.between(-0.5, 0.5));
    for (std::int64_t gate = 0; gate < gates; ++gate) {
      for (const bool hidden_side : {false, true}) {
        UnitResponseTask task;
        task.kind = kind;
        task.rows = rows;
        task.steps = steps;
        task.columns = width;
        task.points = points.data();
        task.gate = gate;
        task.hidden_side = hidden_side;
        task.read = read.data();
        task.read_width = width;
        task.feedback = feedback.data();
        task.change = change.data();
        std::vector<float> alone(rows * steps * width), zeros(alone), scratch(2 * width);
        unitResponse(task, alone.data(), scratch.data());
        const std::vector<float> none(4, 0.0f);
        task.own = none.data();
        unitResponse(task, zeros.data(), scratch.data());
        // Both round as they go, and a change that has nearly gone again keeps less.
        std::vector<float> largest(width, 0);
        for (std::size_t i = 0; i < zeros.size(); ++i)
          largest[i % width] = std::max(largest[i % width], std::abs(zeros[i]));
        for (std::size_t i = 0; i < alone.size(); ++i)
          ASSERT_NEAR(alone[i], zeros[i], 1e-5f * std::abs(zeros[i]) + 1e-6f * largest[i % width] + 1e-29f)
              << gate << " " << i;
      }
    }
  }
}

/// Unit response's recurrence is the same mathematics with columns in the lanes: both must agree for a unit alone.
TEST_P(GateKernels, UnitResponseEqualsDeltaSteps) {
  Draw draw;
  for (const auto kind : {CellKind::lstm, CellKind::gru}) {
    const auto size = pointSize(kind);
    constexpr std::int64_t steps = 5, width = 37;
    std::vector<float> points(static_cast<std::size_t>(steps * size)), read(steps * width), change(width),
        feedback(width, 0.0f);
    for (std::int64_t t = 0; t < steps; ++t) {
      std::vector<double> values;
      if (kind == CellKind::lstm) {
        const auto point = drawPoint<LstmPoint<double>>(draw);
        values.assign(reinterpret_cast<const double*>(&point), reinterpret_cast<const double*>(&point) + size);
      } else {
        const auto point = drawPoint<GruPoint<double>>(draw);
        values.assign(reinterpret_cast<const double*>(&point), reinterpret_cast<const double*>(&point) + size);
      }
      for (std::int64_t k = 0; k < size; ++k)
        points[static_cast<std::size_t>(t * size + k)] = static_cast<float>(values[static_cast<std::size_t>(k)]);
    }
    for (auto& one : read) one = static_cast<float>(draw.between(-1, 1));
    for (auto& one : change) one = static_cast<float>(draw.change());
    const std::vector<float> own{0.2f, -0.3f, 0.1f, 0.25f};
    UnitResponseTask task;
    task.kind = kind;
    task.rows = 1;
    task.steps = steps;
    task.columns = width;
    task.points = points.data();
    task.own = own.data();
    task.gate = 1;
    task.read = read.data();
    task.read_width = width;
    task.feedback = feedback.data();
    task.change = change.data();
    std::vector<float> emission(steps * width), scratch(2 * width);
    unitResponse(task, emission.data(), scratch.data());
    for (std::int64_t j = 0; j < width; ++j) {
      float carry = 0, emitted = 0;
      for (std::int64_t t = 0; t < steps; ++t) {
        float pre[4] = {own[0] * emitted, own[1] * emitted, own[2] * emitted,
                        kind == CellKind::lstm ? own[3] * emitted : 0};
        pre[1] += change[static_cast<std::size_t>(j)] * read[static_cast<std::size_t>(t * width + j)];
        deltaStep({kind, 1, points.data() + t * size, pre, &carry, &emitted});
        const float found = emission[static_cast<std::size_t>(t * width + j)];
        ASSERT_NEAR(found, emitted, 3e-6f * std::abs(emitted) + 1e-29f) << j << " " << t;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, GateKernels, testing::ValuesIn(targets()), targetName);

}  // namespace
}  // namespace heft::kernels
