#include "data/saved_values.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "data/pickle.hpp"
#include "data/printable.hpp"
#include "data/zip.hpp"

namespace heft {
namespace {

using Kind = Pickled::Kind;
using Bytes = std::vector<std::byte>;

constexpr std::string_view wanted = "; save a tensor, a tuple, a list or a dict of tensors with torch.save";
/// Of all tensors of a file that are expanded (repeat what their storage holds once).
constexpr std::uint64_t mostExpandedBytes = std::uint64_t{1} << 30U;

std::optional<Scalar> scalarOf(std::string_view storage) {
  constexpr std::array<std::pair<std::string_view, Scalar>, 12> types = {
      {{"torch.BoolStorage", Scalar::boolean},
       {"torch.ByteStorage", Scalar::u8},
       {"torch.CharStorage", Scalar::i8},
       {"torch.ShortStorage", Scalar::i16},
       {"torch.IntStorage", Scalar::i32},
       {"torch.LongStorage", Scalar::i64},
       {"torch.HalfStorage", Scalar::f16},
       {"torch.BFloat16Storage", Scalar::bf16},
       {"torch.FloatStorage", Scalar::f32},
       {"torch.DoubleStorage", Scalar::f64},
       {"torch.ComplexFloatStorage", Scalar::c64},
       {"torch.ComplexDoubleStorage", Scalar::c128}}};
  for (const auto& [name, scalar] : types) {
    if (name == storage) return scalar;
  }
  return std::nullopt;
}

/// What a tensor's elements lie in.
struct Storage {
  Scalar scalar;
  std::uint64_t elements;
  std::shared_ptr<const Bytes> bytes;  // at least so many elements
};

class SavedReader {
 public:
  explicit SavedReader(const InputFile& file) : file_(file) {}

  SavedValue read() {
    for (const ZipMember& member : listZip(file_)) {
      if (!members_.emplace(member.name, member).second) file_.fail("holds '" + printable(member.name) + "' twice");
    }
    const ZipMember& pickle = findPickle();
    root_ = pickle.name.substr(0, pickle.name.size() - std::string_view("data.pkl").size());
    if (members_.contains(root_ + "constants.pkl"))
      file_.fail("is a TorchScript model; expected tensors" + std::string(wanted));
    if (const auto order = members_.find(root_ + "byteorder"); order != members_.end()) {
      const Bytes text = readZipMember(file_, order->second);
      if (text != Bytes{std::byte{'l'}, std::byte{'i'}, std::byte{'t'}, std::byte{'t'}, std::byte{'l'}, std::byte{'e'}})
        file_.fail("was saved by a big-endian machine; save it again on a little-endian one");
    }
    const Bytes bytes = readZipMember(file_, pickle);
    return valueOf(*readPickle(file_, bytes));
  }

 private:
  const ZipMember& findPickle() const {
    const ZipMember* found = nullptr;
    for (const auto& [name, member] : members_) {
      const bool fits = name == "data.pkl" || (name.ends_with("/data.pkl") && std::ranges::count(name, '/') == 1);
      if (fits && found != nullptr) file_.fail("holds two pickles" + std::string(wanted));
      if (fits) found = &member;
    }
    if (found == nullptr) file_.fail("is a zip archive without a data.pkl" + std::string(wanted));
    return *found;
  }

  [[noreturn]] void refuse(const std::string& what) const { file_.fail("holds " + what + std::string(wanted)); }

  SavedValue valueOf(const Pickled& object) {
    switch (object.kind) {
      case Kind::none:
        return {};
      case Kind::boolean:
        return {object.integer != 0};
      case Kind::integer:
        return {object.integer};
      case Kind::number:
        return {object.number};
      case Kind::text:
        return {object.text};
      case Kind::tuple:
        return {SavedTuple{valuesOf(object)}};
      case Kind::list:
        return {SavedList{valuesOf(object)}};
      case Kind::dict:
        return {dictOf(object, 0)};
      case Kind::global:
        refuse("'" + printable(object.text) + "'");
      case Kind::persistent:
        refuse("a storage without its tensor");
      case Kind::call:
        return resultOf(object);
    }
    refuse("what is unknown");
  }

  std::vector<SavedValue> valuesOf(const Pickled& object) {
    std::vector<SavedValue> values;
    values.reserve(object.items.size());
    for (const auto& item : object.items) values.push_back(valueOf(*item));
    return values;
  }

  SavedDict dictOf(const Pickled& object, std::size_t start) {
    SavedDict dict;
    for (std::size_t i = start; i + 1 < object.items.size(); i += 2) {
      const Kind key = object.items[i]->kind;
      if (key != Kind::text && key != Kind::integer && key != Kind::number && key != Kind::boolean)
        refuse("a dict whose keys are not names");
      dict.keys.push_back(valueOf(*object.items[i]));
      dict.values.push_back(valueOf(*object.items[i + 1]));
    }
    return dict;
  }

  /// What the few functions give that tensors are saved by.
  SavedValue resultOf(const Pickled& call) {
    const std::string& function = call.items[0]->text;
    const auto& arguments = call.items[1]->items;
    if (function == "collections.OrderedDict" && arguments.empty()) return {dictOf(call, 2)};
    if (call.items.size() > 2) refuse("'" + printable(function) + "' with items");
    if (function == "torch._utils._rebuild_tensor" || function == "torch._utils._rebuild_tensor_v2")
      return {tensorOf(call, arguments)};
    const bool first = function == "torch._utils._rebuild_parameter" ||  // (tensor, requires_grad, hooks)
                       function == "torch.Size" ||
                       // LibTorch's C++ writer: a list, and what type its elements have
                       function == "torch.jit._pickle.restore_type_tag" ||
                       (function.starts_with("torch.jit._pickle.build_") && function.ends_with("list"));
    if (first && !arguments.empty()) return valueOf(*arguments[0]);
    refuse("'" + printable(function) + "'");
  }

  static std::optional<std::vector<std::int64_t>> integersOf(const Pickled& tuple) {
    std::vector<std::int64_t> numbers;
    for (const auto& item : tuple.items) {
      if (item->kind != Kind::integer || item->integer < 0) return std::nullopt;
      numbers.push_back(item->integer);
    }
    if (tuple.kind != Kind::tuple) return std::nullopt;
    return numbers;
  }

  /// (storage, offset, sizes, strides, requires_grad, hooks[, metadata]); the same call gives the same tensor.
  std::shared_ptr<const StoredTensor> tensorOf(const Pickled& call,
                                               const std::vector<std::shared_ptr<const Pickled>>& arguments) {
    if (const auto known = tensors_.find(&call); known != tensors_.end()) return known->second;
    if (arguments.size() < 4 || arguments[0]->kind != Kind::persistent || arguments[1]->kind != Kind::integer)
      file_.fail("holds a tensor without storage, offset, sizes and strides; save it again");
    if (arguments.size() > 6 && !arguments[6]->items.empty()) refuse("a tensor with conjugate or negative bits");
    const Storage storage = storageOf(*arguments[0]);
    const auto sizes = integersOf(*arguments[2]), strides = integersOf(*arguments[3]);
    const std::int64_t offset = arguments[1]->integer;
    if (!sizes || !strides || sizes->size() != strides->size() || sizes->size() > 64 || offset < 0)
      file_.fail("holds a tensor whose sizes and strides make no sense; save it again");
    auto tensor = std::make_shared<const StoredTensor>(contiguous(storage, offset, *sizes, *strides));
    tensors_.emplace(&call, tensor);
    return tensor;
  }

  StoredTensor contiguous(const Storage& storage, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                          const std::vector<std::int64_t>& strides) {
    const std::size_t width = scalarBytes(storage.scalar);
    const auto needed = byteCount(width, sizes);
    if (!needed) file_.fail("holds a tensor of sizes " + shapeText(sizes) + ", which no memory has room for");
    StoredTensor tensor{"", storage.scalar, sizes, {}};
    if (*needed == 0) return tensor;

    std::uint64_t last = static_cast<std::uint64_t>(offset);  // element
    const auto beyond = [&] {
      file_.fail("holds a tensor of sizes " + shapeText(sizes) + " and strides " + shapeText(strides) +
                 " that reaches beyond the " + std::to_string(storage.elements) +
                 " elements of its storage; copy or save it again");
    };
    if (last >= storage.elements) beyond();
    for (std::size_t d = 0; d < sizes.size(); ++d) {
      const auto steps = static_cast<std::uint64_t>(sizes[d] - 1), stride = static_cast<std::uint64_t>(strides[d]);
      if (steps != 0 && stride > (storage.elements - 1 - last) / steps) beyond();
      last += steps * stride;
    }
    if (*needed / width > storage.elements && (expanded_ += *needed) > mostExpandedBytes) {
      file_.fail("holds expanded tensors of more than 1 GiB; save contiguous ones, or fewer samples");
    }

    tensor.bytes = allocateBytes(*needed, file_.name() + ": a tensor");
    copyStrided(*storage.bytes, width, static_cast<std::uint64_t>(offset), sizes, strides, tensor.bytes);
    if (tensor.scalar == Scalar::boolean) normaliseBooleans(tensor.bytes);
    return tensor;
  }

  /// Row by row of the last dimension, at once where its elements lie side by side.
  static void copyStrided(const Bytes& from, std::size_t width, std::uint64_t offset,
                          const std::vector<std::int64_t>& sizes, const std::vector<std::int64_t>& strides, Bytes& to) {
    const std::size_t dims = sizes.size();
    const auto columns = dims == 0 ? std::uint64_t{1} : static_cast<std::uint64_t>(sizes[dims - 1]);
    const auto step = dims == 0 ? std::uint64_t{1} : static_cast<std::uint64_t>(strides[dims - 1]);
    std::vector<std::int64_t> index(dims, 0);
    for (std::size_t done = 0; done < to.size();) {
      if (step == 1) {
        std::memcpy(to.data() + done, from.data() + offset * width, columns * width);
      } else {
        for (std::uint64_t i = 0; i < columns; ++i)
          std::memcpy(to.data() + done + i * width, from.data() + (offset + i * step) * width, width);
      }
      done += columns * width;
      for (std::size_t d = dims < 2 ? 0 : dims - 1; d-- > 0;) {
        offset += static_cast<std::uint64_t>(strides[d]);
        if (++index[d] < sizes[d]) break;
        offset -= static_cast<std::uint64_t>(sizes[d]) * static_cast<std::uint64_t>(strides[d]);
        index[d] = 0;
      }
    }
  }

  /// ("storage", type, key, device, elements)
  Storage storageOf(const Pickled& persistent) {
    const auto& id = persistent.items[0]->items;
    const bool fits = persistent.items[0]->kind == Kind::tuple && id.size() == 5 && id[0]->text == "storage" &&
                      id[1]->kind == Kind::global && id[2]->kind == Kind::text && id[4]->kind == Kind::integer &&
                      id[4]->integer >= 0;
    if (!fits) file_.fail("holds a tensor whose storage is unknown; save it again");
    const auto scalar = scalarOf(id[1]->text);
    if (!scalar) refuse("a tensor of '" + printable(id[1]->text) + "', which Heft can't use");
    const auto elements = static_cast<std::uint64_t>(id[4]->integer);
    auto& bytes = storages_[id[2]->text];
    if (!bytes) {
      const auto member = members_.find(root_ + "data/" + id[2]->text);
      if (member == members_.end())
        file_.fail("cut short: the data '" + printable(id[2]->text) +
                   "' of a tensor is missing; copy or save it again");
      bytes = std::make_shared<const Bytes>(readZipMember(file_, member->second));
    }
    if (bytes->size() / scalarBytes(*scalar) < elements) {
      file_.fail("cut short: a tensor needs " + std::to_string(elements) + " elements of " +
                 std::string(scalarName(*scalar)) + ", but there are " + std::to_string(bytes->size()) +
                 " bytes; copy or save it again");
    }
    return {*scalar, elements, bytes};
  }

  const InputFile& file_;
  std::map<std::string, ZipMember> members_;
  std::string root_;  // "NAME/", in front of all members' names
  std::map<std::string, std::shared_ptr<const Bytes>> storages_;
  std::map<const Pickled*, std::shared_ptr<const StoredTensor>> tensors_;
  std::uint64_t expanded_ = 0;  // bytes
};

}  // namespace

SavedValue readSaved(const InputFile& file) {
  if (const std::string kind = looksLike(file); kind != "a zip archive (.npz or .pt)")
    file.fail("is " + kind + "; expected what torch.save writes (a zip archive)" + std::string(wanted));
  return SavedReader(file).read();
}

SavedValue readSaved(const std::filesystem::path& path, Fault fault) { return readSaved(InputFile::open(path, fault)); }

}  // namespace heft
