#include "end_or_refuse.hpp"
#include "fuzz_folder.hpp"
#include "run/folder/run_folder.hpp"

// run.json as anybody may have written it; tensors are the other fuzzers'.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto& folder = heft::fuzz::scratch();
  heft::fuzz::put(folder / "run.json", data, size);
  heft::fuzz::endOrRefuse(heft::Fault::output, [&] { (void)heft::readRunFacts(folder); });
  return 0;
}
