#include "data/saved_values.hpp"
#include "fuzz_reader.hpp"
#include "unit/stored_zip.hpp"

namespace {

/// All tensors of a value.
void collect(const heft::SavedValue& saved, std::vector<heft::StoredTensor>& into) {
  using Tensor = std::shared_ptr<const heft::StoredTensor>;
  if (const auto* tensor = std::get_if<Tensor>(&saved.value)) into.push_back(**tensor);
  if (const auto* tuple = std::get_if<heft::SavedTuple>(&saved.value))
    for (const auto& item : tuple->items) collect(item, into);
  if (const auto* list = std::get_if<heft::SavedList>(&saved.value))
    for (const auto& item : list->items) collect(item, into);
  if (const auto* dict = std::get_if<heft::SavedDict>(&saved.value))
    for (const auto& item : dict->values) collect(item, into);
}

}  // namespace

// The pickle of an archive that is whole: checksums would hide it from what changes bytes. The zip itself is npz_fuzzer's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string pickle(reinterpret_cast<const char*>(data), size);
  const std::string archive =
      heft::test::storedZip({{"a/data.pkl", pickle}, {"a/data/0", std::string(48, '\x01')}, {"a/data/1", ""}});
  return heft::fuzz::readOrRefuse(reinterpret_cast<const std::uint8_t*>(archive.data()), archive.size(),
                                  [](const heft::InputFile& file) {
                                    std::vector<heft::StoredTensor> tensors;
                                    collect(heft::readSaved(file), tensors);
                                    return tensors;
                                  });
}
