#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "model/model.hpp"

namespace heft {

/// While it lives, the masked weights are zero; then all hold exactly what they held before. For many weights at once:
/// ChangeScope keeps a place and a value of each, this a copy of each parameter.
class ZeroScope {
 public:
  /// `masks`: one a parameter, bool [weights], row-major, true where a weight goes; undefined where none does.
  ZeroScope(Model& model, const std::vector<at::Tensor>& masks);
  ~ZeroScope() { restore(); }
  ZeroScope(const ZeroScope&) = delete;
  ZeroScope& operator=(const ZeroScope&) = delete;

 private:
  struct Saved {
    at::Tensor memory, values;
  };
  void restore();

  std::vector<Saved> saved_;
};

}  // namespace heft
