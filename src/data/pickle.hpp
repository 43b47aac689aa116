#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/input_file.hpp"

// Python's pickles, protocols 2 to 5, as data: nothing that one names is looked up or called.
// Source: Python's Lib/pickletools.py, which says what every opcode means.

namespace heft {

/// One object of a pickle.
struct Pickled {
  enum class Kind { none, boolean, integer, number, text, tuple, list, dict, global, call, persistent };
  Kind kind = Kind::none;
  std::int64_t integer = 0;  ///< of an integer; 0 or 1 of a boolean
  double number = 0;
  std::string text;  ///< of a text; of a global, "MODULE.NAME"
  /// Of a tuple or list. Of a dict: keys and values in turn. Of a call: the function, its arguments (a tuple), then keys
  /// and values that were put into what it returned. Of a persistent object: what it is called.
  std::vector<std::shared_ptr<const Pickled>> items;

  std::uint32_t depth = 1;  ///< levels of items, this one included: at most 32
  std::uint64_t reach = 1;  ///< objects that a walk over it meets, this one included: at most 10 million
  bool shared = false;      ///< stands, or may stand, in a second place, so that it no longer changes
};

/// Reads one pickle. Throws the file's Error where it is damaged, holds more than Pickled's limits, or an opcode that
/// is for classes, sets or bytes, which no file of tensors needs.
[[nodiscard]] std::shared_ptr<const Pickled> readPickle(const InputFile& file, std::span<const std::byte> pickle);

}  // namespace heft
