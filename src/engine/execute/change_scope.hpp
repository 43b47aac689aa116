#pragma once

#include <vector>

#include "engine/execute/executor.hpp"

namespace heft {

/// While it lives, the weights that `variant` names hold its values; then exactly what they held before.
class ChangeScope {
 public:
  /// Throws Error(Fault::internal) for parameters or places that aren't there; nothing is changed then.
  ChangeScope(Model& model, const Variant& variant);
  ~ChangeScope();
  ChangeScope(const ChangeScope&) = delete;
  ChangeScope& operator=(const ChangeScope&) = delete;

 private:
  struct Written {
    at::Tensor memory;  ///< [elements between the parameter's first and last], shared with it
    at::Tensor places;  ///< int64 [changed]
    at::Tensor saved;   ///< [changed]
  };
  void restore();

  std::vector<Written> written_;
};

/// Throws Error(Fault::internal) where `change` names a parameter or a place that isn't there.
void checkChange(const Model& model, const Change& change);

/// The memory between a strided tensor's first element and its last, as one dimension.
at::Tensor memoryOf(const at::Tensor& tensor);

/// Where the elements at flat, row-major `index` of `tensor` lie in memoryOf(tensor).
std::vector<int64_t> placesInMemory(const at::Tensor& tensor, const std::vector<int64_t>& index);

}  // namespace heft
