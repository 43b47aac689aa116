#pragma once

#include <span>
#include <string_view>

namespace heft::cli {

/// What `heft help NAME` says.
struct Topic {
  std::string_view name;
  std::string_view text;  ///< the first line is a heading; lines end in \n
};

/// In the order in which they are worth reading.
[[nodiscard]] std::span<const Topic> topics() noexcept;

}  // namespace heft::cli
