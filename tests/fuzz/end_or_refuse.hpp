#pragma once

#include <cstdlib>
#include <string_view>

#include "heft/error.hpp"

namespace heft::fuzz {

/// `work` must end, or refuse with one Error of one line for this fault; all else is a finding.
template <typename Work>
void endOrRefuse(Fault fault, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (error.fault() != fault || text.find('\n') != std::string_view::npos || text.size() > 2000) std::abort();
  }
}

}  // namespace heft::fuzz
