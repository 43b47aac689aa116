#include "engine/kernels/cuda/response_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "engine/kernels/cpu/unit_response.hpp"

namespace heft::kernels {
namespace {

struct Shape {
  std::int64_t hidden, columns, sequences, steps, samples, seeds;
  bool own, packed, carries, feeds_back;
};

class ResponseOfRows : public testing::TestWithParam<std::tuple<CellKind, Shape>> {};

std::int64_t gatesOf(CellKind kind) { return kind == CellKind::lstm ? 4 : kind == CellKind::gru ? 3 : 1; }

struct Draw {
  std::mt19937_64 random{5};

  std::vector<float> floats(std::int64_t count, double low, double high) {
    std::vector<float> all(static_cast<std::size_t>(count));
    for (auto& one : all) one = static_cast<float>(std::uniform_real_distribution<double>(low, high)(random));
    return all;
  }
};

/// What one thread on a device does, run on the host, against the kernel of the host's vectors and a product in float64.
TEST_P(ResponseOfRows, IsThatOfTheHostsKernelTimesLambda) {
  const auto [kind, shape] = GetParam();
  const auto gates = gatesOf(kind), size = pointSize(kind), padded = paddedSeeds(shape.seeds);
  Draw draw;
  const std::vector<std::int64_t> carry_steps =
      shape.carries ? std::vector<std::int64_t>{1, shape.steps - 1} : std::vector<std::int64_t>();
  const auto carry_count = std::ssize(carry_steps), outputs = shape.steps + carry_count;
  const auto points = draw.floats(shape.hidden * shape.sequences * shape.steps * size, 0.05, 0.95);
  const auto own = draw.floats(shape.hidden * gates, -1, 1);
  const auto read = draw.floats(shape.sequences * shape.steps * shape.columns, -2, 2);
  const auto feedback = draw.floats(shape.hidden * shape.columns, -1, 1);
  const auto lambda = draw.floats(shape.hidden * shape.sequences * outputs * padded, -1, 1);
  std::vector<std::uint8_t> active(static_cast<std::size_t>(shape.sequences * shape.steps), 1);
  for (std::int64_t s = 0; shape.packed && s < shape.sequences; ++s) {
    for (std::int64_t t = shape.steps - s % shape.steps; t < shape.steps; ++t)
      active[static_cast<std::size_t>(s * shape.steps + t)] = 0;
  }
  // The last sequence moves nothing where there are enough; the others belong to the samples in turn.
  const bool lost = shape.sequences > shape.samples;
  std::vector<std::int64_t> sample_of, sequence, begin{0}, rows;
  for (std::int64_t s = 0; s < shape.sequences; ++s)
    sample_of.push_back(lost && s == shape.sequences - 1 ? -1 : s % shape.samples);
  for (std::int64_t sample = 0; sample < shape.samples; ++sample) {
    for (std::int64_t s = 0; s < shape.sequences; ++s) {
      if (sample_of[static_cast<std::size_t>(s)] == sample) sequence.push_back(s);
    }
    begin.push_back(std::ssize(sequence));
  }
  for (std::int64_t row = 0; row < gates * shape.hidden; row += 2) rows.push_back(row);
  const auto change = draw.floats(std::ssize(rows) * shape.columns, -1, 1);

  for (const bool hidden_side : {false, true}) {
    for (const bool bias : {false, true}) {
      ResponseRows task;
      task.kind = kind;
      task.rows = std::ssize(rows);
      task.columns = shape.columns;
      task.hidden = shape.hidden;
      task.sequences = shape.sequences;
      task.steps = shape.steps;
      task.samples = shape.samples;
      task.seeds = shape.seeds;
      task.row = rows.data();
      task.points = points.data();
      if (shape.own) task.own = own.data();
      task.hidden_side = hidden_side;
      if (!bias) task.read = read.data();
      if (shape.feeds_back) task.feedback = feedback.data();
      task.change = change.data();
      if (shape.packed) task.active = active.data();
      task.carry_steps = carry_steps.data();
      task.carry_count = carry_count;
      task.lambda = lambda.data();
      task.sequence = sequence.data();
      task.begin = begin.data();
      const auto count = task.rows * shape.samples * shape.seeds * shape.columns;
      std::vector<float> block(static_cast<std::size_t>(count) + 1, 1.0f);
      block.back() = -7.0f;
      task.block = block.data();
      responseRows(task, {});
      EXPECT_EQ(block.back(), -7.0f) << "written behind the end";

      std::vector<float> emission(static_cast<std::size_t>(shape.sequences * outputs * shape.columns));
      std::vector<float> scratch(static_cast<std::size_t>(2 * shape.columns));
      double difference = 0, whole = 0;
      for (std::int64_t r = 0; r < task.rows; ++r) {
        const auto unit = rows[static_cast<std::size_t>(r)] % shape.hidden;
        UnitResponseTask one;
        one.kind = kind;
        one.rows = shape.sequences;
        one.steps = shape.steps;
        one.columns = shape.columns;
        one.points = points.data() + unit * shape.sequences * shape.steps * size;
        if (shape.own) one.own = own.data() + unit * gates;
        one.gate = rows[static_cast<std::size_t>(r)] / shape.hidden;
        one.hidden_side = hidden_side;
        one.read = task.read;
        one.read_width = shape.columns;
        if (shape.feeds_back) one.feedback = feedback.data() + unit * shape.columns;
        one.change = change.data() + r * shape.columns;
        one.active = task.active;
        one.carry_steps = carry_steps.data();
        one.carry_count = carry_count;
        unitResponse(one, emission.data(), scratch.data());
        std::vector<double> want(static_cast<std::size_t>(shape.samples * shape.seeds * shape.columns), 1.0);
        for (std::int64_t s = 0; s < shape.sequences; ++s) {
          const auto sample = sample_of[static_cast<std::size_t>(s)];
          if (sample < 0) continue;
          for (std::int64_t p = 0; p < outputs; ++p) {
            const float* from = lambda.data() + ((unit * shape.sequences + s) * outputs + p) * padded;
            const float* emitted = emission.data() + (s * outputs + p) * shape.columns;
            for (std::int64_t k = 0; k < shape.seeds; ++k) {
              double* to = want.data() + (sample * shape.seeds + k) * shape.columns;
              for (std::int64_t j = 0; j < shape.columns; ++j)
                to[j] += static_cast<double>(from[k]) * static_cast<double>(emitted[j]);
            }
          }
        }
        for (std::size_t i = 0; i < want.size(); ++i) {
          const auto found = static_cast<double>(block[static_cast<std::size_t>(r) * want.size() + i]);
          difference += (found - want[i]) * (found - want[i]);
          whole += (want[i] - 1) * (want[i] - 1);
        }
      }
      EXPECT_GT(whole, 0);
      EXPECT_LE(std::sqrt(difference), 2e-6 * std::sqrt(whole)) << "hidden side " << hidden_side << " bias " << bias;
    }
  }
}

std::string nameOf(const testing::TestParamInfo<std::tuple<CellKind, Shape>>& info) {
  const auto& [kind, shape] = info.param;
  constexpr const char* kNames[] = {"lstm", "gru", "tanh", "relu"};
  return std::string(kNames[static_cast<int>(kind)]) + "_columns_" + std::to_string(shape.columns) + "_seeds_" +
         std::to_string(shape.seeds) + (shape.own ? "" : "_linear") + (shape.packed ? "_packed" : "") +
         (shape.carries ? "_carries" : "");
}

// Every size of tile and what is left behind a whole one, columns that fill no pair, samples of several sequences.
INSTANTIATE_TEST_SUITE_P(Shapes, ResponseOfRows,
                         testing::Combine(testing::Values(CellKind::lstm, CellKind::gru, CellKind::rnn_tanh,
                                                          CellKind::rnn_relu),
                                          testing::Values(Shape{3, 5, 2, 4, 2, 1, true, false, false, true},
                                                          Shape{2, 1, 3, 6, 1, 9, true, true, true, false},
                                                          Shape{4, 8, 4, 5, 3, 30, false, true, true, true},
                                                          Shape{3, 6, 3, 7, 3, 64, false, false, false, false},
                                                          Shape{2, 7, 5, 6, 4, 85, true, true, false, true})),
                         nameOf);

TEST(SeedSquares, AreSummedInFloat64OverTheSeedsThatAreAskedFor) {
  // Squares that float32 has no room for.
  const std::vector<float> block{1e-30f, 2e-30f, 3e-30f, 4e-30f, 5e-30f, 6e-30f, 1, 2, 3, 4, 5, 6};
  std::vector<double> sums(4);
  seedSquares({2, 3, 2, 1, 2, block.data(), sums.data()}, {});
  const std::vector<double> want{9e-60 + 25e-60, 16e-60 + 36e-60, 9 + 25, 16 + 36};
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(sums[i], want[i], 1e-6 * want[i]) << i;
}

}  // namespace
}  // namespace heft::kernels
