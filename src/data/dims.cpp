#include "data/dims.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "data/setting_name.hpp"
#include "data/tensor_file.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr std::array<std::string_view, 4> kNames{"-", "samples", "steps", "classes"};
constexpr auto kExpected =
    "NAME=ROLE,ROLE,… was expected, a role for each dimension of an argument, of output or of targets: samples, steps, "
    "classes or -, as in output=samples,steps,classes";

[[noreturn]] void refuse(const std::string& text) { throw Error(Fault::usage, text); }

DimRoles parseRoles(const std::string& list, const std::string& whole) {
  DimRoles roles;
  std::stringstream parts(list);
  for (std::string part; std::getline(parts, part, ',');) {
    if (std::find(kNames.begin(), kNames.end(), part) == kNames.end())
      refuse(settingName("dims") + " " + whole + ": '" + part + "' is no role; " + kExpected);
    const auto role = parseDimRole(part);
    if (role != DimRole::other && placeOf(roles, role) >= 0)
      refuse(settingName("dims") + " " + whole + ": names two dimensions of " + part + "; one was expected");
    roles.push_back(role);
  }
  return roles;
}

/// "16 samples", "1 class"
std::string counted(std::int64_t size, DimRole role) {
  if (role == DimRole::other) return std::to_string(size);
  auto word = std::string(name(role));
  if (size == 1) word = role == DimRole::classes ? "class" : word.substr(0, word.size() - 1);
  return std::to_string(size) + " " + word;
}

/// `role` at dimension `at`; the one dimension of several entries that has no role then is what the output still lacks, where it
/// may be that.
DimRoles readingOf(const std::vector<std::int64_t>& shape, const OutputDims& dims, DimRole role, std::int64_t at) {
  DimRoles roles(shape.size(), DimRole::other);
  const auto set = [&](std::int64_t dim, DimRole value) {
    if (dim >= 0) roles[static_cast<std::size_t>(dim)] = value;
  };
  set(placeOf(dims.roles, DimRole::samples), DimRole::samples);
  set(dims.classes, DimRole::classes);
  set(dims.steps, DimRole::steps);
  set(at, role);
  std::vector<std::size_t> open;
  for (std::size_t dim = 0; dim < shape.size(); ++dim) {
    if (roles[dim] == DimRole::other && shape[dim] > 1) open.push_back(dim);
  }
  const auto lacking = role == DimRole::steps ? DimRole::classes : DimRole::steps;
  const auto& maybe = lacking == DimRole::classes ? dims.maybe_classes : dims.maybe_steps;
  const bool may =
      open.size() == 1 && std::find(maybe.begin(), maybe.end(), static_cast<std::int64_t>(open[0])) != maybe.end();
  if (may && placeOf(roles, lacking) < 0) roles[open[0]] = lacking;
  return roles;
}

}  // namespace

std::string_view name(DimRole role) noexcept { return kNames[static_cast<std::size_t>(role)]; }

DimRole parseDimRole(std::string_view text) {
  const auto* const found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end())
    refuse("'" + std::string(text) + "' is no role of a dimension; samples, steps, classes or - was expected");
  return static_cast<DimRole>(found - kNames.begin());
}

std::string text(const DimRoles& roles) {
  std::string all;
  for (const auto role : roles) all += (all.empty() ? "" : ",") + std::string(name(role));
  return all;
}

std::int64_t placeOf(const DimRoles& roles, DimRole role) {
  const auto found = std::find(roles.begin(), roles.end(), role);
  return found == roles.end() ? -1 : found - roles.begin();
}

GivenDims GivenDims::parse(const std::vector<std::string>& texts) {
  GivenDims given;
  std::set<std::string> names;
  for (const auto& one : texts) {
    const auto equals = one.rfind('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == one.size())
      refuse(settingName("dims") + " " + one + ": " + kExpected);
    const auto name = one.substr(0, equals);
    if (!names.insert(name).second)
      refuse(settingName("dims") + " names the dimensions of " + name + " twice; once was expected");
    given.all_.push_back({name, parseRoles(one.substr(equals + 1), one)});
  }
  return given;
}

std::optional<DimRoles> GivenDims::find(const std::vector<std::string>& names,
                                        const std::vector<std::int64_t>& shape) const {
  for (const auto& one : all_) {
    if (std::find(names.begin(), names.end(), one.name) == names.end()) continue;
    if (one.roles.size() != shape.size())
      refuse(settingName("dims") + " " + one.name + "=" + text(one.roles) + ": names " +
             std::to_string(one.roles.size()) + " dimensions, but " + one.name + " is " + shapeText(shape) +
             " and has " + std::to_string(shape.size()));
    return one.roles;
  }
  return std::nullopt;
}

std::optional<DimRoles> GivenDims::ofInput(const std::string& name, const std::vector<std::int64_t>& shape) const {
  const bool taken = name == "output" || name.starts_with("output.") || name == "targets";
  return find(taken ? std::vector<std::string>{"input." + name} : std::vector<std::string>{name, "input." + name},
              shape);
}

std::optional<DimRoles> GivenDims::ofOutput(const std::string& path, const std::vector<std::int64_t>& shape) const {
  return find({outputName(path)}, shape);
}

std::optional<DimRoles> GivenDims::ofTargets(const std::vector<std::int64_t>& shape) const {
  return find({"targets"}, shape);
}

void GivenDims::check(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) const {
  std::set<std::string> known{"targets"};
  std::string listed;
  for (const auto& one : inputs) {
    known.insert({one, "input." + one});
    listed += one + ", ";
  }
  for (const auto& one : outputs) {
    known.insert(outputName(one));
    listed += outputName(one) + ", ";
  }
  for (const auto& one : all_) {
    if (known.count(one.name) == 0)
      refuse(settingName("dims") + " " + one.name + "=" + text(one.roles) + ": nothing is called " + one.name +
             "; there are: " + listed + "targets");
  }
}

std::string outputName(const std::string& path) { return path.empty() ? "output" : "output." + path; }

std::string readings(const std::string& name, const std::vector<std::int64_t>& shape, const OutputDims& dims,
                     DimRole role, const std::vector<std::int64_t>& maybe) {
  std::string all;
  for (const auto dim : maybe)
    all += (all.empty() ? settingName("dims") + " " : " or " + settingName("dims") + " ") + name + "=" +
           text(readingOf(shape, dims, role, dim));
  return all;
}

std::string describeDims(const std::vector<std::int64_t>& shape, const DimRoles& roles) {
  std::string all;
  for (std::size_t dim = 0; dim < shape.size(); ++dim)
    all += (dim == 0 ? "" : ", ") + counted(shape[dim], dim < roles.size() ? roles[dim] : DimRole::other);
  return "[" + all + "]";
}

}  // namespace heft
