#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "measure/estimate/response.hpp"

namespace heft {

/// Memory for the values of some weights, a list a value of the seeds.
struct RowValues {
  std::vector<std::vector<double>> impact;
  std::vector<std::vector<float>> standard_error;

  RowValues() = default;
  RowValues(size_t values, int64_t weights)
      : impact(values, std::vector<double>(static_cast<size_t>(weights))),
        standard_error(values, std::vector<float>(static_cast<size_t>(weights))) {}
  [[nodiscard]] ColumnImpacts places() {
    ColumnImpacts all;
    for (auto& one : impact) all.impact.push_back(one.data());
    for (auto& one : standard_error) all.standard_error.push_back(one.data());
    return all;
  }
};

/// The same places, `first` weights on.
inline ColumnImpacts placesFrom(const ColumnImpacts& places, int64_t first) {
  auto all = places;
  for (auto& one : all.impact) one += first;
  for (auto& one : all.standard_error) one += first;
  return all;
}

/// Where a parameter's values stand in a result.
inline ColumnImpacts placesIn(ResponseResult& result, size_t parameter) {
  ColumnImpacts all;
  for (auto& one : result.impact) all.impact.push_back(one[parameter].data());
  for (auto& one : result.standard_error) all.standard_error.push_back(one[parameter].data());
  return all;
}

}  // namespace heft
