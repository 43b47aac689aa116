#include "data/input_file.hpp"
#include "data/safetensors.hpp"
#include "end_or_refuse.hpp"
#include "fuzz_folder.hpp"
#include "run/stored/checkpoint.hpp"
#include "run/stored/checkpoint_part.hpp"

namespace {

constexpr std::size_t kColumns = 2;

/// The identity that parts of a checkpoint carry, from one that was written.
std::string identityIn(const std::filesystem::path& folder) {
  const double row[kColumns] = {1, 2};
  heft::Checkpoint checkpoint(folder, {{"model", "1"}}, kColumns);
  checkpoint.add(1, row);
  checkpoint.flush();
  for (const auto& entry : std::filesystem::directory_iterator(folder / heft::Checkpoint::folderName)) {
    if (entry.path().extension() != ".safetensors") continue;
    return heft::readSafetensors(heft::InputFile::open(entry.path(), heft::Fault::output)).metadata.at("identity");
  }
  std::abort();
}

void open(const std::filesystem::path& folder) {
  heft::fuzz::endOrRefuse(heft::Fault::output, [&] {
    const heft::Checkpoint checkpoint(folder, {{"model", "1"}}, kColumns);
    for (std::uint64_t weight = 0; weight < 64; ++weight) {
      if (checkpoint.has(weight) && checkpoint.row(weight).size() != kColumns) std::abort();
    }
    (void)checkpoint.list("x");
  });
}

}  // namespace

// A part of a checkpoint: first as it is, which its SHA-256 refuses, then its tensors with a SHA-256 that is right, as somebody might
// make it who knows how.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string identity = identityIn(heft::fuzz::scratch());
  const auto part = heft::fuzz::scratch() / heft::Checkpoint::folderName / "part-000002.safetensors";
  heft::fuzz::put(part, data, size);
  open(heft::fuzz::scratch());
  heft::fuzz::endOrRefuse(heft::Fault::output, [&] {
    const auto tensors = heft::readSafetensors(heft::InputFile::open(part, heft::Fault::output)).tensors;
    heft::writeCheckpointPart(part, heft::viewsOf(tensors), identity);
    open(heft::fuzz::scratch());
  });
  return 0;
}
