#include "data/npy.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "data/npy_header.hpp"
#include "data/printable.hpp"
#include "data/zip.hpp"

namespace heft {
namespace {

constexpr std::string_view extension = ".npy";

void swapByteOrder(std::span<std::byte> bytes, std::size_t elementBytes) {
  for (std::size_t at = 0; at < bytes.size(); at += elementBytes) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + elementBytes));
  }
}

/// Column-major (first index fastest) to row-major (last index fastest).
std::vector<std::byte> toRowMajor(std::span<const std::byte> columnMajor, std::size_t elementBytes,
                                  const std::vector<std::int64_t>& shape, const std::string& what) {
  std::vector<std::byte> out = allocateBytes(columnMajor.size(), what);
  std::vector<std::size_t> strides(shape.size());
  std::size_t stride = elementBytes;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    strides[axis] = stride;
    stride *= static_cast<std::size_t>(shape[axis]);
  }
  std::vector<std::int64_t> index(shape.size(), 0);
  std::size_t source = 0;
  for (std::size_t at = 0; at < out.size(); at += elementBytes) {
    std::memcpy(out.data() + at, columnMajor.data() + source, elementBytes);
    // Count up like an odometer, last axis first.
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      source += strides[axis];
      if (++index[axis] < shape[axis]) break;
      source -= strides[axis] * static_cast<std::size_t>(shape[axis]);
      index[axis] = 0;
    }
  }
  return out;
}

}  // namespace

StoredTensor readNpy(const InputFile& file) {
  NpyHeader header = readNpyHeader(file);
  const std::optional<std::uint64_t> needed = byteCount(header.elementBytes, header.shape);
  // Widened elements take more; a shape with a 0 may pass the one check and not the other.
  if (!needed || !byteCount(scalarBytes(header.scalar), header.shape))
    file.fail("the .npy array has the impossible shape " + shapeText(header.shape) + "; the file is damaged");
  const std::string what = "the .npy array of shape " + shapeText(header.shape);

  StoredTensor tensor{"", header.scalar, std::move(header.shape), {}};
  tensor.bytes = file.read(header.dataOffset, *needed, what);
  const std::uint64_t surplus = file.size() - header.dataOffset - *needed;
  if (surplus != 0) {
    file.fail("has " + std::to_string(surplus) + " bytes behind " + what + "; save one array a file, or a .npz");
  }
  const bool complex = header.scalar == Scalar::c64 || header.scalar == Scalar::c128;
  if (header.bigEndian) swapByteOrder(tensor.bytes, header.elementBytes / (complex ? 2 : 1));
  if (header.columnMajor && tensor.shape.size() > 1) {
    tensor.bytes = toRowMajor(tensor.bytes, header.elementBytes, tensor.shape, file.name());
  }
  if (header.scalar == Scalar::boolean) normaliseBooleans(tensor.bytes);
  if (header.widened) {
    std::optional<std::vector<std::byte>> wide = widenUnsigned(tensor.bytes, header.elementBytes);
    if (!wide) file.fail("the .npy array holds an unsigned number above 2^63 - 1; save it as int64");
    tensor.bytes = std::move(*wide);
  }
  return tensor;
}

StoredTensor readNpy(const std::filesystem::path& path, Fault fault) { return readNpy(InputFile::open(path, fault)); }

std::vector<StoredTensor> readNpz(const InputFile& file) {
  std::vector<StoredTensor> tensors;
  std::set<std::string> seen;
  for (const ZipMember& member : listZip(file)) {
    if (!member.name.ends_with(extension)) {
      file.fail("holds '" + printable(member.name) +
                "', which is no .npy array; expected a .npz as np.savez writes it");
    }
    std::string name = member.name.substr(0, member.name.size() - extension.size());
    if (!seen.insert(name).second) file.fail("holds '" + printable(name) + "' twice");
    const std::string label = file.name() + ": array '" + printable(name) + "'";
    StoredTensor tensor = readNpy(InputFile::ofBytes(label, readZipMember(file, member), file.fault()));
    tensor.name = std::move(name);
    tensors.push_back(std::move(tensor));
  }
  if (tensors.empty()) file.fail("is a .npz without arrays");
  return tensors;
}

std::vector<StoredTensor> readNpz(const std::filesystem::path& path, Fault fault) {
  return readNpz(InputFile::open(path, fault));
}

}  // namespace heft
