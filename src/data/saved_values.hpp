#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "data/input_file.hpp"
#include "data/tensor_file.hpp"

// What torch.save writes (a zip of one pickle and one member a storage), as far as it is tensors, numbers, texts, and
// tuples, lists and dicts of them. LibTorch's own unpickler is not used, since it trusts the file: sizes beyond a
// tensor's storage are read beyond it.
// Sources: torch/serialization.py and torch/_utils.py of PyTorch 2.

namespace heft {

struct SavedValue;
struct SavedTuple {
  std::vector<SavedValue> items;
};
struct SavedList {
  std::vector<SavedValue> items;
};
struct SavedDict {
  std::vector<SavedValue> keys, values;  ///< as many; keys are texts or numbers
};
/// A tensor is unnamed and may stand in several places.
struct SavedValue {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::shared_ptr<const StoredTensor>, SavedTuple,
               SavedList, SavedDict>
      value;
};

/// Throws the file's Error where it holds anything else, saying what, or is damaged.
[[nodiscard]] SavedValue readSaved(const InputFile& file);
[[nodiscard]] SavedValue readSaved(const std::filesystem::path& path, Fault fault = Fault::input);

}  // namespace heft
