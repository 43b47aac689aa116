#include "run/stored/tensor_digest.hpp"

#include "data/hash.hpp"

namespace heft {

std::string tensorDigest(std::string_view what, std::span<const TensorView> tensors) {
  Sha256 hash;
  hash.update(what);
  for (const TensorView& tensor : tensors) {
    // Names come from anywhere, so their lengths go in too.
    hash.update("\n" + std::to_string(tensor.name.size()) + " " + tensor.name + " " +
                std::string(scalarName(tensor.scalar)) + " " + shapeText(tensor.shape) + "\n");
    hash.update(tensor.bytes);
  }
  return hash.hex();
}

}  // namespace heft
