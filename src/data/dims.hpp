#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heft {

/// What runs along a dimension of an input, an output or the targets.
enum class DimRole { other, samples, steps, classes };

/// "samples", "steps", "classes"; "-" for any other.
[[nodiscard]] std::string_view name(DimRole role) noexcept;

/// Throws Error(Fault::usage) for another word.
[[nodiscard]] DimRole parseDimRole(std::string_view text);

using DimRoles = std::vector<DimRole>;

/// "samples,steps,-", as the setting dims takes it.
[[nodiscard]] std::string text(const DimRoles& roles);

/// Where a role stands; -1: nowhere.
[[nodiscard]] std::int64_t placeOf(const DimRoles& roles, DimRole role);

/// What a person said of dimensions: NAME=ROLE,ROLE,… a tensor. NAME is an argument of forward ("x", "hidden.0"; "input.x"
/// too), "output" or a part of it ("output.logits", "output.1.0"), or "targets".
class GivenDims {
 public:
  GivenDims() = default;
  /// Throws Error(Fault::usage): what is no such text, twice the same name, twice the same role.
  static GivenDims parse(const std::vector<std::string>& texts);

  /// Roles of an argument's tensor, an output or the targets; nothing where nothing was said. Throws Error(Fault::usage) where
  /// there are not as many as the tensor has dimensions.
  [[nodiscard]] std::optional<DimRoles> ofInput(const std::string& name, const std::vector<std::int64_t>& shape) const;
  [[nodiscard]] std::optional<DimRoles> ofOutput(const std::string& path, const std::vector<std::int64_t>& shape) const;
  [[nodiscard]] std::optional<DimRoles> ofTargets(const std::vector<std::int64_t>& shape) const;

  /// Throws Error(Fault::usage) for a name that nothing has.
  void check(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) const;

 private:
  struct One {
    std::string name;
    DimRoles roles;
  };
  [[nodiscard]] std::optional<DimRoles> find(const std::vector<std::string>& names,
                                             const std::vector<std::int64_t>& shape) const;

  std::vector<One> all_;
};

/// What an output is called in --dims: "output", "output.logits".
[[nodiscard]] std::string outputName(const std::string& path);

/// What is known of an output's dimensions; -1: there is none, or which one it is can't be told.
struct OutputDims {
  std::int64_t samples = -1;  ///< along which the table of outputs is cut into samples
  std::int64_t steps = -1;
  std::int64_t classes = -1;
  std::vector<std::int64_t> maybe_steps, maybe_classes;  ///< where it is one of these, and which can't be told
  DimRoles roles;  ///< what each is for people: samples that influence each other have their name too
};

/// "dims output=samples,steps,classes or dims output=samples,classes,steps", called as settingName() has it: every reading in which one of `maybe` has
/// the role.
[[nodiscard]] std::string readings(const std::string& name, const std::vector<std::int64_t>& shape,
                                   const OutputDims& dims, DimRole role, const std::vector<std::int64_t>& maybe);

/// "[16 samples, 60 steps, 1 class]"
[[nodiscard]] std::string describeDims(const std::vector<std::int64_t>& shape, const DimRoles& roles);

}  // namespace heft
