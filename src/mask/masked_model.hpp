#pragma once

#include <filesystem>

#include "mask/mask.hpp"

namespace heft {

/// Writes `model` with the weights that the mask removes set to zero: the same archive, byte for byte, but for those weights
/// and their checksums, so code, types, devices, buffers and extra files stay. Weights of frozen models, which are
/// constants, are changed likewise. The new file is loaded and compared with the old one before it appears.
///
/// Throws Error(Fault::unsupported) where the archive holds a parameter in a form that can't be changed in place, and
/// Error(Fault::output) where the file can't be written.
void writeMaskedModel(const std::filesystem::path& model, const Structure& structure, const Mask& mask,
                      const std::filesystem::path& file);

}  // namespace heft
