#include "cli/options.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

#include "data/hash.hpp"
#include "engine/libtorch_version.hpp"
#include "heft/error.hpp"
#include "heft/version.hpp"

namespace heft::cli {
namespace {

c10::Device readDevice(const std::string& text) {
  if (text == "cpu") return c10::kCPU;
  int number = 0;  // cuda is the first one
  bool known = text == "cuda";
  if (text.starts_with("cuda:")) {
    const auto* end = text.data() + text.size();
    const auto [last, code] = std::from_chars(text.data() + 5, end, number);
    known = code == std::errc() && last == end && number >= 0;
  }
  if (!known) throw Error(Fault::usage, "--device " + text + ": cpu, cuda or cuda:N was expected");
  if (!at::hasCUDA()) {
    throw Error(
        Fault::usage,
        "--device " + text + ": this build or machine has no usable CUDA device; leave --device out to run on the CPU");
  }
  const int count = at::detail::getCUDAHooks().deviceCount();
  if (number >= count) {
    throw Error(Fault::usage, "--device " + text + ": this machine has " + std::to_string(count) +
                                  (count == 1 ? " usable CUDA device, cuda:0"
                                              : " usable CUDA devices, cuda:0 to cuda:" + std::to_string(count - 1)));
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(number)};
}

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

void addModelOptions(CLI::App& command, ModelOptions& options, bool inputs_required) {
  command.add_option("MODEL", options.model, "TorchScript file (torch.jit.script or torch.jit.trace, then .save)")
      ->required();
  auto* inputs = command.add_option(
      "--inputs", options.inputs,
      "Inputs to run the model on: .pt, .safetensors, .npy or .npz; several fill forward's arguments in order");
  inputs->type_name("FILE...");
  if (inputs_required) inputs->required();
  command.add_option("--targets", options.targets, "Targets for the metric loss: classes (integers) or values")
      ->type_name("FILE");
  command
      .add_option(
          "--output-target", options.output_target,
          "Part of the output to score: an element (1, logits), class:N, step:N (joined by commas), or module:NAME")
      ->type_name("TARGET");
  command.add_flag("--stream", options.stream,
                   "The first input is [steps, ...]: forward is called once a step, state goes on from call to call");
  command.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str();
  command.add_option("--threads", options.threads, "Threads to compute with; 0: one a processor")
      ->capture_default_str();
}

SessionOptions sessionOptions(const ModelOptions& options) {
  SessionOptions session;
  session.model = options.model;
  session.inputs.assign(options.inputs.begin(), options.inputs.end());
  session.targets = options.targets;
  session.output_target = options.output_target;
  session.stream = options.stream;
  session.device = readDevice(options.device);
  if (options.threads < 0 || options.threads > 4096) {
    throw Error(Fault::usage,
                "--threads " + std::to_string(options.threads) + ": a number from 0 to 4096 was expected");
  }
  // Said even where it changes nothing: from then on MKL keeps to that number, whatever else the machine does, and with it to
  // the order of its sums.
  at::set_num_threads(options.threads > 0 ? options.threads : at::get_num_threads());
  return session;
}

void addMeasuringOptions(CLI::App& command, MeasuringOptions& options) {
  command.add_option("--metric", options.metrics, "rms, max, kl, loss or flips; several, the first one ranks")
      ->type_name("NAME...")
      ->capture_default_str();
  command.add_option("--perturb", options.perturb, "zero, mean, permute, noise:S, scale:F, flip or round:BITS")
      ->type_name("HOW")
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Every random draw derives from it")
      ->check(checkSeed)
      ->capture_default_str();
}

std::string checkSeed(const std::string& text) {
  uint64_t seed = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (code == std::errc() && end == text.data() + text.size()) return {};
  return "a seed is a whole number from 0 to 18446744073709551615, not " + text;
}

void readMeasuring(const MeasuringOptions& options, RankSettings& settings) {
  settings.metrics.clear();
  for (const auto& one : splitCommas(options.metrics)) {
    const auto metric = parseMetric(one);
    if (std::find(settings.metrics.begin(), settings.metrics.end(), metric) == settings.metrics.end())
      settings.metrics.push_back(metric);
  }
  settings.perturbation = Perturbation::parse(options.perturb);
  settings.seed = options.seed;
}

std::vector<std::string> splitCommas(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const auto& value : values) {
    std::stringstream text(value);
    for (std::string part; std::getline(text, part, ',');) parts.push_back(part);
  }
  return parts;
}

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
  provenance.device = options.device.str();
  provenance.machine = processorName() + ", " + std::to_string(std::thread::hardware_concurrency()) + " processors";
  provenance.threads = threads > 0 ? threads : at::get_num_threads();
  provenance.started = nowUtc();
  return provenance;
}

std::string describeModel(const Structure& structure) {
  std::vector<std::pair<std::string, int64_t>> parts;
  const auto count = [&](const std::string& what) {
    for (auto& [known, number] : parts) {
      if (known == what) return static_cast<void>(++number);
    }
    parts.emplace_back(what, 1);
  };
  for (const auto& info : structure.parameters) {
    if (info.layer < 0 && info.role == "weight")
      count(info.site);
    else if (info.role == "weight_ih")
      count(info.site);
    else if (info.method == "gradient")
      count("other");
  }
  std::string text;
  for (const auto& [what, number] : parts) {
    text += (text.empty() ? "" : ", ") + (number > 1 ? std::to_string(number) + " x " : std::string()) + what;
  }
  return text;
}

}  // namespace heft::cli
