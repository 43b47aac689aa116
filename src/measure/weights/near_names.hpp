#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace heft {

/// Does the whole of `name` match? `*` stands for any text, dots included, `?` for one character; all else
/// for itself.
[[nodiscard]] bool matchesGlob(std::string_view glob, std::string_view name) noexcept;

/// The fewest letters to insert, delete or replace (Levenshtein) for the glob to match the name.
[[nodiscard]] std::size_t globDistance(std::string_view glob, std::string_view name);

/// The end of a message about an unknown name: "did you mean rnn.weight_hh_l0?", or, where no name is near,
/// all of them: "there are: a, b, c".
[[nodiscard]] std::string nearNames(std::string_view glob, std::span<const std::string> names);

}  // namespace heft
