#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "measure/weights/component.hpp"

namespace heft {

/// Gathers places of several parameters, in any order, overlaps allowed.
class WeightSets {
 public:
  explicit WeightSets(const Structure& structure) : structure_(structure) {}
  /// A parameter of -1 adds nothing.
  void addAll(std::int64_t parameter);
  void addRows(std::int64_t parameter, std::int64_t first, std::int64_t count);
  void addColumn(std::int64_t parameter, std::int64_t column);
  [[nodiscard]] std::vector<WeightSet> take();

 private:
  std::vector<std::int64_t>& of(std::int64_t parameter);
  const Structure& structure_;
  std::vector<WeightSet> sets_;
};

// The components of a recurrent layer; numbers must be in range.
[[nodiscard]] Component layerComponent(const Structure& structure, const RecurrentLayerInfo& layer);
[[nodiscard]] Component gateComponent(const Structure& structure, const RecurrentLayerInfo& layer, std::size_t gate);
/// Without sets where the unit has no weights on that path.
[[nodiscard]] Component unitComponent(const Structure& structure, const RecurrentLayerInfo& layer, std::int64_t unit,
                                      UnitPath path);

/// Outside recurrent layers: what a module owns directly, by the module's name, in the structure's order.
/// Parameters without a module, and modules with the name of a recurrent layer or a parameter, are left out.
[[nodiscard]] std::vector<std::pair<std::string, std::vector<std::int64_t>>> plainModules(const Structure& structure);
[[nodiscard]] Component moduleComponent(const Structure& structure, const std::string& module,
                                        const std::vector<std::int64_t>& parameters);

/// "fc" of "fc.weight"; "" where the name has no dot.
[[nodiscard]] std::string_view moduleOf(std::string_view parameter) noexcept;

}  // namespace heft
