#include "data/npy.hpp"
#include "fuzz_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return heft::fuzz::readOrRefuse(data, size, [](const heft::InputFile& file) { return heft::readNpz(file); });
}
