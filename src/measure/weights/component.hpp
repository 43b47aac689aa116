#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measure/weights/selection.hpp"
#include "model/structure.hpp"
#include "run/stored/settings.hpp"

namespace heft {

/// Some weights of one parameter.
struct WeightSet {
  std::int64_t parameter = 0;       ///< index into Structure::parameters
  std::vector<std::int64_t> index;  ///< flat, row-major, ascending, each once
};

/// Weights that are changed together.
struct Component {
  std::string name;             ///< in its one form, see `parseComponent`
  Level level = Level::matrix;  ///< matrix also for parts of one that are no weight, row or column
  std::string path;             ///< of a unit: "incoming", "outgoing", "recurrent", "all"; else ""
  std::vector<WeightSet> sets;  ///< one a parameter, by ascending parameter; none is empty

  [[nodiscard]] std::int64_t weights() const;
};

/// Which weights of a unit (a neuron of a recurrent layer) are meant.
///
///   incoming   its row in every gate of weight_ih, weight_hh, bias_ih and bias_hh
///   outgoing   its column in weight_hh and in every matrix that reads it (later layers, heads). Where the layer projects, its
///              column in weight_hr, its only reader: weight_hh's columns then are projected values
///   recurrent  its rows in every gate of weight_hh, and its column there (the rows alone where the layer projects)
///   all        all of them
enum class UnitPath { incoming, outgoing, recurrent, all };

inline constexpr std::array kUnitPaths{UnitPath::incoming, UnitPath::outgoing, UnitPath::recurrent, UnitPath::all};
[[nodiscard]] std::string_view name(UnitPath path) noexcept;
/// Throws Error(Fault::usage) with the names there are.
[[nodiscard]] UnitPath parseUnitPath(std::string_view text);

/// Reads a component's name, as `heft ablate --component` takes it:
///
///   lstm.weight_hh_l0[12,7]            a weight
///   lstm.weight_hh_l0[12,:]            a row; negative numbers and ranges as in `parseBlock`
///   lstm.weight_hh_l0[:,7]             a column
///   lstm.weight_hh_l0[0:16,4:8]        part of a matrix
///   lstm.weight_hh_l0                  a matrix: any parameter, biases too
///   lstm.weight_hh_l0:gate=forget      that gate's rows of one parameter
///   lstm.l0:gate=forget                a gate of a layer: its rows in weight_ih, weight_hh and both biases
///   lstm.l0:unit=12                    a unit of a layer by all its paths
///   lstm.l0:unit=12:path=incoming      … by one of them
///   lstm.l0                            a layer in one direction: all its parameters
///   fc                                 outside recurrent layers: a module's own parameters
///
/// A tied parameter goes by each of its names; the component has its first one. Throws Error(Fault::usage)
/// that says what there is: names, gates, units, sizes.
[[nodiscard]] Component parseComponent(const Structure& structure, std::string_view text);

/// Every component of the levels, by level, in the structure's order. Left out are components that don't lie
/// within the selection wholly, Level::weight (weights are handled on their own), rows and columns of
/// vectors, and gates of layers that have only one. Units come once for each of the paths.
///
/// Throws Error(Fault::usage) where a level has no component in the model, or none within the selection.
[[nodiscard]] std::vector<Component> enumerateComponents(const Structure& structure, std::span<const Level> levels,
                                                         const Selection& selection,
                                                         std::span<const UnitPath> paths = {&kUnitPaths.back(), 1});

/// The components of these levels, level by level, of the whole model; a level that the model doesn't have gives none.
std::vector<Component> groupsAt(const Structure& structure, std::initializer_list<Level> levels);

}  // namespace heft
