#pragma once

#include <filesystem>
#include <vector>

#include "data/input_file.hpp"
#include "data/tensor_file.hpp"

namespace heft {

/// One NumPy array; the tensor's name is empty. Big-endian and Fortran-ordered files come back little endian
/// and row-major, unsigned integers wider than a byte as i64. Throws Error(file's fault) for anything else
/// than one whole array of plain numbers.
[[nodiscard]] StoredTensor readNpy(const InputFile& file);
[[nodiscard]] StoredTensor readNpy(const std::filesystem::path& path, Fault fault = Fault::input);

/// The arrays of a .npz (np.savez, np.savez_compressed), named by their keys, in the order of the archive.
[[nodiscard]] std::vector<StoredTensor> readNpz(const InputFile& file);
[[nodiscard]] std::vector<StoredTensor> readNpz(const std::filesystem::path& path, Fault fault = Fault::input);

}  // namespace heft
