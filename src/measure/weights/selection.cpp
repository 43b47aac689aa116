#include "measure/weights/selection.hpp"

#include <algorithm>

#include "data/printable.hpp"
#include "heft/error.hpp"
#include "measure/weights/block.hpp"
#include "measure/weights/near_names.hpp"

namespace heft {
namespace {

bool matches(std::string_view glob, const ParameterInfo& parameter) {
  if (matchesGlob(glob, parameter.name)) return true;
  return std::any_of(parameter.tied.begin(), parameter.tied.end(),
                     [&](const std::string& name) { return matchesGlob(glob, name); });
}

}  // namespace

bool Selection::contains(std::int64_t parameter, std::int64_t flat) const {
  const auto& of = mask[static_cast<std::size_t>(parameter)];
  return !of.empty() && of[static_cast<std::size_t>(flat)] != 0;
}

std::int64_t Selection::weights(std::int64_t parameter) const {
  const auto& of = mask[static_cast<std::size_t>(parameter)];
  return std::count(of.begin(), of.end(), std::uint8_t{1});
}

std::int64_t Selection::weights() const {
  std::int64_t sum = 0;
  for (std::size_t p = 0; p < mask.size(); ++p) sum += weights(static_cast<std::int64_t>(p));
  return sum;
}

Selection select(const Structure& structure, std::span<const std::string> patterns) {
  Selection selection;
  selection.mask.resize(structure.parameters.size());
  if (patterns.empty()) {
    for (std::size_t p = 0; p < selection.mask.size(); ++p)
      selection.mask[p].assign(static_cast<std::size_t>(structure.parameters[p].weights()), 1);
    return selection;
  }
  for (const std::string& pattern : patterns) {
    const auto [glob, places] = splitPlaces(pattern);
    bool found = false;
    for (std::size_t p = 0; p < selection.mask.size(); ++p) {
      const ParameterInfo& parameter = structure.parameters[p];
      if (!matches(glob, parameter)) continue;
      found = true;
      auto& mask = selection.mask[p];
      mask.resize(static_cast<std::size_t>(parameter.weights()));
      if (!places) {
        std::fill(mask.begin(), mask.end(), std::uint8_t{1});
        continue;
      }
      for (const std::int64_t flat : parseBlock(*places, parameter).places()) mask[static_cast<std::size_t>(flat)] = 1;
    }
    if (found) continue;
    throw Error(Fault::usage,
                "no parameter matches '" + printable(glob) + "'; " + nearNames(glob, parameterNames(structure)));
  }
  return selection;
}

std::vector<std::string> parameterNames(const Structure& structure) {
  std::vector<std::string> names;
  for (const ParameterInfo& parameter : structure.parameters) {
    names.push_back(parameter.name);
    names.insert(names.end(), parameter.tied.begin(), parameter.tied.end());
  }
  return names;
}

}  // namespace heft
