#pragma once

#include <cstdint>

#include "engine/cells/cell_layout.hpp"
#include "engine/kernels/cuda/place.hpp"

namespace heft::kernels {

/// Most seeds that one thread adds up at once.
constexpr std::int64_t kMostTogether = 64;

/// Seeds that a thread adds up at once where `left` are still to be taken: 8, 16, 32 or 64.
constexpr std::int64_t seedsTogether(std::int64_t left) {
  std::int64_t tile = 8;
  while (tile < kMostTogether && tile < left) tile *= 2;
  return tile;
}

/// Seeds that ResponseRows::lambda has room for, so that the last of seedsTogether() may be read whole.
constexpr std::int64_t paddedSeeds(std::int64_t seeds) {
  const auto whole = seeds / kMostTogether * kMostTogether;
  return whole == seeds ? seeds : whole + seedsTogether(seeds - whole);
}

/// Changes of the outputs for each weight of several rows of one parameter, each weight changed alone: unitResponse() and its
/// product with the adjoints in one. What a unit emits meets lambda at once and is never written to memory.
struct ResponseRows {
  CellKind kind = CellKind::lstm;
  std::int64_t rows = 0, columns = 0;  ///< of weights
  std::int64_t hidden = 0, sequences = 0, steps = 0, samples = 0, seeds = 0;
  const std::int64_t* row = nullptr;  ///< [rows]: gate x hidden + unit
  const float* points = nullptr;      ///< [hidden, sequences, steps, pointSize(kind)]
  const float* own = nullptr;   ///< [hidden, gates]: weights from a unit's emission to its own gates; null: left out
  bool hidden_side = false;     ///< GRU: the rows belong to weight_hh or bias_hh
  const float* read = nullptr;  ///< [sequences, steps, columns]: what the columns read; null: ones (a bias)
  const float* feedback =
      nullptr;                    ///< [hidden, columns]: how a column's reading follows a unit's emission; null: zeros
  const float* change = nullptr;  ///< [rows, columns]: of each weight
  const std::uint8_t* active = nullptr;  ///< [sequences, steps], as UnitResponseTask's; null: all
  const std::int64_t* carry_steps =
      nullptr;  ///< [carry_count], rising: steps after which the carry moves the outputs too
  std::int64_t carry_count = 0;
  const float* lambda = nullptr;  ///< [hidden, sequences, steps + carry_count, paddedSeeds(seeds)], 16-byte aligned
  const std::int64_t* sequence = nullptr;  ///< sequences in the order of the samples that they belong to
  const std::int64_t* begin = nullptr;     ///< [samples + 1]: where each sample's begin in `sequence`
  float* block = nullptr;                  ///< [rows, samples, seeds, columns]: added to
};

void responseRows(const ResponseRows& task, Place place);

/// Sums of squares over some of the seeds.
struct SeedSquares {
  std::int64_t lines = 0, seeds = 0, columns = 0;
  std::int64_t first = 0, count = 0;  ///< seeds that are summed
  const float* block = nullptr;       ///< [lines, seeds, columns]
  double* sums = nullptr;             ///< [lines, columns]: written
};

void seedSquares(const SeedSquares& task, Place place);

}  // namespace heft::kernels
