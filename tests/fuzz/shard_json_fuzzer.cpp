#include "end_or_refuse.hpp"
#include "fuzz_folder.hpp"
#include "run/stored/shard.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto& folder = heft::fuzz::scratch();
  heft::fuzz::put(folder / heft::shardFile, data, size);
  heft::fuzz::endOrRefuse(heft::Fault::output, [&] { (void)heft::readShard(folder); });
  return 0;
}
