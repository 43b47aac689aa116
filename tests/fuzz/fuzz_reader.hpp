#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "data/input_file.hpp"
#include "data/tensor_file.hpp"

namespace heft::fuzz {

/// A reader must give complete tensors or one Error of one line for its fault; all else is a finding.
template <typename Read>
int readOrRefuse(const std::uint8_t* data, std::size_t size, Read read) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const InputFile file = InputFile::ofBytes("fuzz", {bytes.begin(), bytes.end()});
  try {
    for (const StoredTensor& tensor : read(file)) {
      checkComplete(viewOf(tensor));
      (void)asDoubles(tensor);
    }
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (error.fault() != Fault::input || text.find('\n') != std::string_view::npos || text.size() > 2000) std::abort();
  }
  return 0;
}

}  // namespace heft::fuzz
