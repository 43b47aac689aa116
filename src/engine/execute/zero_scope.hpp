#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "model/model.hpp"

namespace heft {

/// While it lives, weights are zero; then all hold exactly what they held before. For many weights at once: ChangeScope keeps a
/// place and a value of each, this a copy of each parameter that it touches.
class ZeroScope {
 public:
  explicit ZeroScope(Model& model) : model_(model) {}
  /// `masks`: one a parameter, bool [weights], row-major, true where a weight goes; undefined where none does.
  ZeroScope(Model& model, const std::vector<at::Tensor>& masks);
  ~ZeroScope() { putBack(); }
  ZeroScope(const ZeroScope&) = delete;
  ZeroScope& operator=(const ZeroScope&) = delete;

  /// Further weights of one parameter go, by their flat, row-major places.
  void zero(size_t parameter, std::span<const uint32_t> places);
  /// All weights are back; more may go again, without another copy.
  void putBack();

 private:
  struct Saved {
    size_t parameter;
    at::Tensor memory, values;
  };
  /// The parameter, once there is a copy of it.
  at::Tensor keep(size_t parameter);

  Model& model_;
  std::vector<Saved> saved_;
};

}  // namespace heft
