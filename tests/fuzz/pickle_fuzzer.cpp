#include "data/pickle.hpp"
#include "end_or_refuse.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const heft::InputFile file = heft::InputFile::ofBytes("fuzz", {});
  heft::fuzz::endOrRefuse(heft::Fault::input, [&] {
    const auto object = heft::readPickle(file, std::as_bytes(std::span(data, size)));
    if (object->depth > 32 || object->reach > 10'000'000) std::abort();
  });
  return 0;
}
