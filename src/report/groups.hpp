#pragma once

#include <string>
#include <vector>

#include "analysis/impact_sums.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// Some weights of the model and their own impacts, added up.
struct Group {
  std::string name;  ///< as `heft ablate --component` takes it
  Level level = Level::matrix;
  SignedSums sums;
};

/// The neurons of one recurrent layer in one direction, each with its incoming weights: its row in every gate of weight_ih,
/// weight_hh and both biases.
struct LayerUnits {
  std::string layer;
  std::vector<SignedSums> units;  ///< [units]
};

/// A run's impacts added up at every level, once for all sections of the page.
struct Groups {
  SignedSums model;
  std::vector<Group> layers;    ///< recurrent layers and, outside of them, modules, in the model's order
  std::vector<Group> gates;     ///< of layers that have more than one
  std::vector<Group> matrices;  ///< as structure.parameters
  std::vector<LayerUnits> units;
  std::vector<std::vector<SignedSums>> rows;  ///< [parameters][rows]
};

[[nodiscard]] Groups groupsOf(const Run& run);

/// The name of a parameter's layer: its recurrent layer's, or the module that it belongs to; "" for a parameter of the
/// model itself.
[[nodiscard]] std::string layerNameOf(const Structure& structure, std::size_t parameter);

/// Root of the sum of squares for lengths (rms, max), the sum for all others.
[[nodiscard]] Aggregate aggregateOf(Metric metric) noexcept;

}  // namespace heft
