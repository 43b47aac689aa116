#include "measure/metrics/target_dims.hpp"

#include <algorithm>
#include <functional>

#include "data/tensor_file.hpp"

namespace heft {
namespace {

/// Whether the dimensions that targets have are enough, and not more than a sample's or all of them.
bool covers(const std::vector<bool>& covered, const std::vector<TargetDim>& dims, TargetKind kind) {
  bool all = true, samples_alone = true;
  for (std::size_t d = 0; d < dims.size(); ++d) {
    const bool needed = dims[d].size > 1 && !dims[d].narrowed;
    if (dims[d].role == DimRole::classes) {
      if (kind == TargetKind::labels && covered[d]) return false;
      if (kind != TargetKind::labels && needed && !covered[d]) return false;
      continue;
    }
    if (!needed) continue;
    all &= covered[d];
    samples_alone &= covered[d] == (dims[d].role == DimRole::samples);
  }
  return all || (kind != TargetKind::values && samples_alone);
}

}  // namespace

std::vector<TargetMatch> matchTargets(const std::vector<std::int64_t>& shape, const std::vector<TargetDim>& dims,
                                      TargetKind kind, const std::optional<DimRoles>& given) {
  std::vector<TargetMatch> all;
  TargetMatch match;
  std::vector<bool> covered(dims.size(), false);
  const std::function<void(std::int64_t)> go = [&](std::int64_t last_other) {
    const auto at = match.size();
    if (at == shape.size()) {
      if (covers(covered, dims, kind)) all.push_back(match);
      return;
    }
    const bool said = given.has_value();
    const auto role = said ? (*given)[at] : DimRole::other;
    if (shape[at] == 1 && role == DimRole::other) {
      match.push_back(-1);
      go(last_other);
      match.pop_back();
      return;
    }
    for (std::size_t d = 0; d < dims.size(); ++d) {
      const bool other = dims[d].role == DimRole::other;
      const auto place = static_cast<std::int64_t>(d);
      if (covered[d] || dims[d].size != shape[at] || (said && role != dims[d].role) || (other && place < last_other))
        continue;
      covered[d] = true;
      match.push_back(place);
      go(other ? place : last_other);
      match.pop_back();
      covered[d] = false;
    }
  };
  if (!given || given->size() == shape.size()) go(-1);
  return all;
}

std::string matchText(const TargetMatch& match, const std::vector<TargetDim>& dims) {
  DimRoles roles;
  for (const auto d : match) roles.push_back(d < 0 ? DimRole::other : dims[static_cast<std::size_t>(d)].role);
  return text(roles);
}

std::string wantedShapes(const std::vector<TargetDim>& dims, TargetKind kind) {
  std::vector<std::int64_t> samples, whole;
  std::string places;
  for (const auto& dim : dims) {
    if (dim.narrowed || (dim.role == DimRole::classes && kind == TargetKind::labels)) continue;
    if (kind == TargetKind::labels && dim.size < 2 && dim.role != DimRole::samples) continue;
    if (dim.role == DimRole::samples) samples.push_back(dim.size);
    whole.push_back(dim.size);
    if (dim.size < 2 || dim.role == DimRole::classes) continue;
    places += places.empty() ? "" : " and ";
    places += dim.role == DimRole::samples ? "sample" : dim.role == DimRole::steps ? "step" : "position";
  }
  if (kind == TargetKind::values) return "as many as output elements, " + shapeText(whole) + ", were expected";
  if (samples == whole || whole.empty()) return "one class a sample, " + shapeText(samples) + ", was expected";
  const auto one = samples.empty() ? std::string() : "one class a sample, " + shapeText(samples) + ", or ";
  return one + "one a " + (places.empty() ? "position" : places) + ", " + shapeText(whole) + ", was expected";
}

}  // namespace heft
