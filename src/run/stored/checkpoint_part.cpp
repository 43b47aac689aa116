#include "run/stored/checkpoint_part.hpp"

#include "data/safetensors.hpp"
#include "heft/error.hpp"
#include "run/stored/tensor_digest.hpp"

namespace heft {
namespace {

// Of the file's metadata.
constexpr const char* identityKey = "identity";
constexpr const char* digestKey = "sha256";

std::string digest(std::span<const TensorView> tensors, const std::string& identity) {
  return tensorDigest("heft checkpoint 1 " + identity, tensors);
}

std::string valueOf(const SafetensorsFile& file, const char* key) {
  const auto found = file.metadata.find(key);
  return found == file.metadata.end() ? "" : found->second;
}

}  // namespace

void writeCheckpointPart(const std::filesystem::path& file, std::span<const TensorView> tensors,
                         const std::string& identity) {
  writeSafetensors(file, tensors, {{identityKey, identity}, {digestKey, digest(tensors, identity)}});
}

std::vector<StoredTensor> readCheckpointPart(const std::filesystem::path& file, const std::string& identity) {
  const InputFile input = InputFile::open(file, Fault::output);
  SafetensorsFile content = readSafetensors(input);
  if (valueOf(content, identityKey) != identity) input.fail("belongs to another run");
  const std::vector<TensorView> views = viewsOf(content.tensors);
  if (valueOf(content, digestKey) != digest(views, identity)) input.fail("does not match its SHA-256; it is damaged");
  return std::move(content.tensors);
}

}  // namespace heft
