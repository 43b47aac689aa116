#include "data/safetensors.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <string_view>

#include "data/atomic_file.hpp"
#include "data/little_endian.hpp"
#include "data/printable.hpp"

namespace heft {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::uint64_t lengthBytes = 8;
constexpr std::uint64_t longestHeader = 100'000'000;  // the reference implementation's limit
constexpr int deepestHeader = 3;                      // file > tensor > shape
constexpr std::size_t mostDimensions = 64;

struct Type {
  std::string_view name;
  Scalar readAs;
  std::size_t bytes;
  bool widened = false;
};

constexpr std::array<Type, 14> types{{{"F32", Scalar::f32, 4},
                                      {"F64", Scalar::f64, 8},
                                      {"F16", Scalar::f16, 2},
                                      {"BF16", Scalar::bf16, 2},
                                      {"I64", Scalar::i64, 8},
                                      {"I32", Scalar::i32, 4},
                                      {"I16", Scalar::i16, 2},
                                      {"I8", Scalar::i8, 1},
                                      {"U8", Scalar::u8, 1},
                                      {"BOOL", Scalar::boolean, 1},
                                      {"U16", Scalar::i64, 2, true},
                                      {"U32", Scalar::i64, 4, true},
                                      {"U64", Scalar::i64, 8, true},
                                      {"C64", Scalar::c64, 8}}};

/// Where one tensor lies; offsets count from the start of the data.
struct Entry {
  std::string name;
  Type type;
  std::vector<std::int64_t> shape;
  std::uint64_t begin;
  std::uint64_t end;
};

[[noreturn]] void failTensor(const InputFile& file, const std::string& name, const std::string& text) {
  file.fail("safetensors tensor '" + printable(name) + "' " + text);
}

struct Header {
  json values;
  std::vector<std::string> names;  // in the order written, which `values` loses
};

Header parseHeader(const InputFile& file, std::uint64_t length) {
  const std::vector<std::byte> bytes = file.read(lengthBytes, length, "the safetensors header");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Header header;
  std::set<std::string> seenNames;
  std::set<std::string> seenFields;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth >= deepestHeader) file.fail("the safetensors header is nested deeper than the format allows");
    if (event != json::parse_event_t::key) return true;
    const auto& key = parsed.get_ref<const std::string&>();
    if (depth == 1) {
      if (!seenNames.insert(key).second) file.fail("safetensors name '" + printable(key) + "' stands there twice");
      header.names.push_back(key);
      seenFields.clear();
    } else if (!seenFields.insert(key).second) {
      failTensor(file, header.names.back(), "has '" + printable(key) + "' twice");
    }
    return true;
  };
  try {
    header.values = json::parse(text, watch);
  } catch (const json::parse_error& error) {
    file.fail("the safetensors header is not valid JSON at its byte " + std::to_string(error.byte) +
              "; the file is damaged");
  } catch (const json::exception&) {
    file.fail("the safetensors header holds a number out of range; the file is damaged");
  }
  if (!header.values.is_object()) file.fail("the safetensors header is not a JSON object; the file is damaged");
  return header;
}

std::map<std::string, std::string> readMetadata(const InputFile& file, const json& values) {
  if (!values.is_object()) file.fail("safetensors '__metadata__' is not a JSON object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : values.items()) {
    if (!value.is_string()) file.fail("safetensors metadata '" + printable(key) + "' is not a text");
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

Type findType(const InputFile& file, const std::string& name, const json& tensor) {
  const auto field = tensor.find("dtype");
  if (field == tensor.end() || !field->is_string()) failTensor(file, name, "has no 'dtype' text");
  const auto& text = field->get_ref<const std::string&>();
  const auto* const found = std::find_if(types.begin(), types.end(), [&](const Type& t) { return t.name == text; });
  if (found == types.end()) {
    failTensor(
        file, name,
        "is of type " + printable(text) + ", which Heft can't use; save it as F32, F64, F16, BF16, an integer or BOOL");
  }
  return *found;
}

const json& findList(const InputFile& file, const std::string& name, const json& tensor, const char* key) {
  const auto field = tensor.find(key);
  const bool good = field != tensor.end() && field->is_array() &&
                    std::all_of(field->begin(), field->end(), [](const json& n) { return n.is_number_unsigned(); });
  if (!good) failTensor(file, name, "has no '" + std::string(key) + "' list of whole numbers");
  return *field;
}

Entry parseEntry(const InputFile& file, const std::string& name, const json& tensor) {
  if (!tensor.is_object()) failTensor(file, name, "is not described by a JSON object");
  Entry entry{name, findType(file, name, tensor), {}, 0, 0};

  const json& shape = findList(file, name, tensor, "shape");
  if (shape.size() > mostDimensions) failTensor(file, name, "has " + std::to_string(shape.size()) + " dimensions");
  for (const json& size : shape) {
    const auto value = size.get<std::uint64_t>();
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      failTensor(file, name, "has a size of " + std::to_string(value) + "; the file is damaged");
    }
    entry.shape.push_back(static_cast<std::int64_t>(value));
  }

  const json& offsets = findList(file, name, tensor, "data_offsets");
  if (offsets.size() != 2) failTensor(file, name, "has 'data_offsets' that are not a begin and an end");
  entry.begin = offsets[0].get<std::uint64_t>();
  entry.end = offsets[1].get<std::uint64_t>();

  const std::optional<std::uint64_t> needed = byteCount(entry.type.bytes, entry.shape);
  // Widened elements take more; a shape with a 0 may pass the one check and not the other.
  if (!needed || !byteCount(scalarBytes(entry.type.readAs), entry.shape))
    failTensor(file, name, "has the impossible shape " + shapeText(entry.shape));
  if (entry.end < entry.begin || entry.end - entry.begin != *needed) {
    failTensor(file, name,
               "of shape " + shapeText(entry.shape) + " needs " + std::to_string(*needed) +
                   " bytes, but its data go from byte " + std::to_string(entry.begin) + " to " +
                   std::to_string(entry.end));
  }
  return entry;
}

/// The format wants the tensors to cover the data exactly: no overlap, no gap, nothing behind.
void checkLayout(const InputFile& file, const std::vector<Entry>& entries, std::uint64_t dataBytes) {
  std::vector<const Entry*> sorted;
  for (const Entry& entry : entries) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(),
            [](const Entry* a, const Entry* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
  std::uint64_t covered = 0;
  for (const Entry* entry : sorted) {
    if (entry->begin != covered) {
      failTensor(file, entry->name,
                 std::string(entry->begin < covered ? "overlaps the one before it" : "leaves a gap before it") +
                     ": it begins at byte " + std::to_string(entry->begin) + ", expected " + std::to_string(covered));
    }
    covered = entry->end;
  }
  if (covered > dataBytes) {
    file.fail("cut short: its safetensors header promises " + std::to_string(covered) +
              " bytes of data, the file has " + std::to_string(dataBytes) + "; copy or save it again");
  }
  if (covered < dataBytes) {
    file.fail("has " + std::to_string(dataBytes - covered) +
              " bytes behind the last safetensors tensor; the file is damaged");
  }
}

StoredTensor loadTensor(const InputFile& file, std::uint64_t dataStart, Entry&& entry) {
  StoredTensor tensor{std::move(entry.name), entry.type.readAs, std::move(entry.shape), {}};
  tensor.bytes = file.read(dataStart + entry.begin, entry.end - entry.begin, "tensor '" + printable(tensor.name) + "'");
  if (entry.type.readAs == Scalar::boolean) normaliseBooleans(tensor.bytes);
  if (entry.type.widened) {
    std::optional<std::vector<std::byte>> wide = widenUnsigned(tensor.bytes, entry.type.bytes);
    if (!wide) failTensor(file, tensor.name, "holds an unsigned number above 2^63 - 1; save it as I64");
    tensor.bytes = std::move(*wide);
  }
  return tensor;
}

std::string_view typeName(Scalar scalar) {
  const auto* const found =
      std::find_if(types.begin(), types.end(), [&](const Type& t) { return t.readAs == scalar && !t.widened; });
  return found->name;
}

/// Indices in the order of their data: widest elements first.
std::vector<std::size_t> dataOrder(std::span<const TensorView> tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return scalarBytes(tensors[a].scalar) > scalarBytes(tensors[b].scalar);
  });
  return order;
}

std::string makeHeader(std::span<const TensorView> tensors, const std::vector<std::size_t>& order,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<std::uint64_t> begins(tensors.size());
  std::uint64_t offset = 0;
  for (const std::size_t index : order) {
    begins[index] = offset;
    offset += tensors[index].bytes.size();
  }
  // Written piece by piece: ordered_json looks each key up among all before it, and a model may have many.
  std::string text = "{";
  if (!metadata.empty()) text += R"("__metadata__":)" + json(metadata).dump();
  std::set<std::string_view> seen{"__metadata__"};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& tensor = tensors[i];
    checkComplete(tensor);
    if (!seen.insert(tensor.name).second) {
      throw Error(Fault::internal, "safetensors name '" + tensor.name + "' is given twice or reserved");
    }
    const ordered_json fields = {{"dtype", typeName(tensor.scalar)},
                                 {"shape", tensor.shape},
                                 {"data_offsets", {begins[i], begins[i] + tensor.bytes.size()}}};
    if (text.size() > 1) text += ',';
    text += json(tensor.name).dump() + ":" + fields.dump();
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

SafetensorsFile readSafetensors(const InputFile& file) {
  std::array<std::byte, lengthBytes + 1> start{};
  file.readInto(0, std::span(start).first(lengthBytes), "the safetensors header length");
  const auto length = loadLittle<std::uint64_t>(start);
  // Nearly every other kind of file shows itself here, as an absurd length or no opening brace.
  const bool plausible = length >= 2 && length <= longestHeader;
  if (plausible && file.size() > lengthBytes) file.readInto(0, start, "the safetensors header");
  if (!plausible || (file.size() > lengthBytes && start[lengthBytes] != std::byte{'{'})) {
    file.fail("is no safetensors file (its header length reads " + std::to_string(length) + "); it looks like " +
              looksLike(file));
  }

  Header header = parseHeader(file, length);
  SafetensorsFile result;
  std::vector<Entry> entries;
  for (const std::string& name : header.names) {
    if (name == "__metadata__") {
      result.metadata = readMetadata(file, header.values[name]);
    } else {
      entries.push_back(parseEntry(file, name, header.values[name]));
    }
  }
  const std::uint64_t dataStart = lengthBytes + length;
  checkLayout(file, entries, file.size() - dataStart);
  for (Entry& entry : entries) result.tensors.push_back(loadTensor(file, dataStart, std::move(entry)));
  return result;
}

SafetensorsFile readSafetensors(const std::filesystem::path& path, Fault fault) {
  return readSafetensors(InputFile::open(path, fault));
}

void writeSafetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                      const std::map<std::string, std::string>& metadata) {
  const std::vector<std::size_t> order = dataOrder(tensors);
  const std::string header = makeHeader(tensors, order, metadata);
  std::string length;
  appendLittle<std::uint64_t>(length, header.size());

  AtomicFile file(path);
  file.write(length);
  file.write(header);
  for (const std::size_t index : order) file.write(tensors[index].bytes);
  file.commit();
}

}  // namespace heft
