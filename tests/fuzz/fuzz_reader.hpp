#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/input_file.hpp"
#include "data/tensor_file.hpp"
#include "end_or_refuse.hpp"

namespace heft::fuzz {

/// A reader must give complete tensors or one Error of one line for its fault; all else is a finding.
template <typename Read>
int readOrRefuse(const std::uint8_t* data, std::size_t size, Read read) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const InputFile file = InputFile::ofBytes("fuzz", {bytes.begin(), bytes.end()});
  endOrRefuse(Fault::input, [&] {
    for (const StoredTensor& tensor : read(file)) {
      checkComplete(viewOf(tensor));
      (void)asDoubles(tensor);
    }
  });
  return 0;
}

}  // namespace heft::fuzz
