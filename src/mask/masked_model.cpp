#include "mask/masked_model.hpp"

#include <torch/script.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "data/atomic_file.hpp"
#include "data/memory.hpp"
#include "data/zip_edit.hpp"
#include "heft/error.hpp"
#include "model/archive.hpp"
#include "model/constants.hpp"

namespace heft {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

[[noreturn]] void refuse(const std::filesystem::path& model, const std::string& why) {
  throw Error(Fault::unsupported, model.string() + ": " + why + "; apply the mask in Python instead");
}

/// The parameters, and constants that are weights, by the names that heft gives them.
Tensors weightsOf(std::span<const std::byte> archive) {
  std::istringstream stream(std::string(reinterpret_cast<const char*>(archive.data()), archive.size()));
  const auto module = torch::jit::load(stream, c10::kCPU);
  Tensors tensors;
  for (const auto& named : module.named_parameters()) tensors.emplace(named.name, named.value.detach());
  for (const auto& constant : weightConstants(module)) tensors.emplace(constant.name, constant.value.detach());
  return tensors;
}

/// Whether an archive's member holds the values of a tensor: "model/data/3", "model/constants/0".
bool holdsValues(const std::string& name) {
  const auto folder = name.substr(0, name.rfind('/'));
  return folder.ends_with("/data") || folder.ends_with("/constants");
}

/// Puts a member's number, repeated, in the place of its content.
void fillWithNumber(std::span<std::byte> content, std::uint64_t number) {
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::byte>(number >> 8 * (i % 8));
}

/// The number that fillWithNumber left in the memory of a tensor, where it is one.
std::optional<std::size_t> numberIn(const at::Tensor& tensor, std::size_t members) {
  const auto bytes = tensor.storage().nbytes();
  const auto* first = static_cast<const unsigned char*>(tensor.storage().data());
  std::uint64_t number = 0;
  for (std::size_t i = std::min<std::size_t>(bytes, 8); i-- > 0;) number = number << 8 | first[i];
  // Two bytes, of one half, can't tell 65,536 members apart.
  if (bytes < 2 || number >= members || (bytes < 8 && members > 0xffff)) return std::nullopt;
  for (std::size_t i = 0; i < bytes; ++i) {
    if (first[i] != static_cast<unsigned char>(number >> 8 * (i % 8))) return std::nullopt;
  }
  return number;
}

/// Which member of the archive holds which weights. LibTorch's reader doesn't tell, so it is given an archive whose
/// members hold their own numbers: each tensor then says where it came from.
Tensors traced(const std::filesystem::path& model, const InputFile& file) {
  ZipEdit marked(file);
  for (std::size_t m = 0; m < marked.members().size(); ++m) {
    if (holdsValues(marked.members()[m].name)) fillWithNumber(marked.content(m), m);
  }
  try {
    return weightsOf(marked.bytes());
  } catch (const std::exception& failure) {
    if (saysOutOfMemory(failure.what())) throw;
    refuse(model, "it computes with its tensors while it is loaded (" + firstLine(failure.what()) +
                      "), so where its weights lie can't be told");
  }
}

/// Bytes from the beginning of the storage to the weight at `flat`, row-major.
std::size_t byteOf(const at::Tensor& tensor, std::size_t flat) {
  auto rest = static_cast<int64_t>(flat);
  int64_t element = tensor.storage_offset();
  for (int64_t d = tensor.dim(); d-- > 0;) {
    element += rest % tensor.size(d) * tensor.stride(d);
    rest /= tensor.size(d);
  }
  return static_cast<std::size_t>(element) * tensor.element_size();
}

/// Sets removed weights of one tensor to zero in the archive, and returns the member that was changed.
std::size_t zeroIn(ZipEdit& archive, const at::Tensor& where, const std::vector<std::uint8_t>& kept,
                   const std::function<void(const std::string&)>& refused) {
  const auto member = numberIn(where, archive.members().size());
  if (!member) refused("is compressed in the archive, or made anew while it is loaded");
  const auto content = archive.content(*member);
  if (where.storage().nbytes() != content.size() || static_cast<std::size_t>(where.numel()) != kept.size())
    refused("is stored in another form than it is used in");
  const auto size = where.element_size();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] == 0) std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(byteOf(where, i)), size, std::byte{0});
  }
  return *member;
}

/// Bit for bit.
bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

/// `tensor` with the weights that `kept` doesn't hold at zero, contiguous.
at::Tensor masked(const at::Tensor& tensor, const std::vector<std::uint8_t>& kept) {
  const auto holds = at::from_blob(const_cast<std::uint8_t*>(kept.data()), tensor.sizes(), at::kByte).to(at::kBool);
  return at::where(holds, tensor, at::zeros({}, tensor.options())).contiguous();
}

}  // namespace

void writeMaskedModel(const std::filesystem::path& model, const Structure& structure, const Mask& mask,
                      const std::filesystem::path& file) {
  const auto input = InputFile::open(model, Fault::model);
  const auto where = traced(model, input);
  ZipEdit archive(input);
  const auto before = weightsOf(archive.bytes());
  std::set<std::size_t> changed;
  for (std::size_t p = 0; p < mask.kept.size(); ++p) {
    const auto& info = structure.parameters[p];
    if (mask.removed(p) == 0) continue;
    const auto refused = [&](const std::string& why) { refuse(model, info.name + " " + why); };
    // Tied names may be written as tensors of their own that share the member.
    std::vector<std::string> names = info.tied;
    names.insert(names.begin(), info.name);
    for (const auto& name : names) {
      const auto found = where.find(name);
      if (found != where.end())
        changed.insert(zeroIn(archive, found->second, mask.kept[p], refused));
      else if (name == info.name)
        refused("is not found among the archive's tensors");
    }
  }
  for (const auto member : changed) archive.seal(member);

  const auto after = weightsOf(archive.bytes());
  for (std::size_t p = 0; p < mask.kept.size(); ++p) {
    const auto& name = structure.parameters[p].name;
    const auto old = before.find(name);
    if (old != before.end() && !same(masked(old->second, mask.kept[p]), after.at(name).contiguous()))
      refuse(model, name + " would not be what the mask says, as other tensors share its memory");
  }
  AtomicFile out(file);
  out.write(archive.bytes());
  out.commit();
}

}  // namespace heft
