#include "measure/session/provenance.hpp"

#include <ATen/Parallel.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <thread>

#include "data/hash.hpp"
#include "engine/forward/libtorch_version.hpp"
#include "heft/version.hpp"

namespace heft {
namespace {

std::string processorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

std::string nowUtc() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

Provenance provenanceOf(const Session& session, int threads) {
  const auto& options = session.options();
  Provenance provenance;
  provenance.model = options.model.string();
  provenance.model_sha256 = session.modelHash();
  for (const auto& file : options.inputs) provenance.inputs.push_back(file.string());
  provenance.inputs_sha256 = session.inputsHash();
  if (!options.targets.empty()) {
    provenance.targets = options.targets.string();
    provenance.targets_sha256 = sha256File(options.targets);
  }
  provenance.heft_version = version();
  provenance.libtorch_version = libtorch_version();
  for (const auto& device : options.devices) provenance.device += (provenance.device.empty() ? "" : ",") + device.str();
  provenance.machine = processorName() + ", " + std::to_string(std::thread::hardware_concurrency()) + " processors";
  provenance.threads = threads > 0 ? threads : at::get_num_threads();
  provenance.started = nowUtc();
  return provenance;
}

}  // namespace heft
