#include "cli/options.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "data/words.hpp"
#include "run/stored/metric.hpp"
#include "run/stored/perturbation.hpp"

namespace heft::cli {

void addModelOptions(CLI::App& command, ModelOptions& options, bool inputs_required) {
  addPath(command, "MODEL", options.model, "TorchScript file (torch.jit.script or torch.jit.trace, then .save)")
      ->required();
  auto* inputs = addPaths(
      command, "--inputs", options.inputs,
      "Inputs to run the model on: .pt, .safetensors, .npy or .npz; several fill forward's arguments in order");
  inputs->type_name("FILE...");
  if (inputs_required) inputs->required();
  addPath(command, "--targets", options.targets, "Targets for the metric loss: classes (integers) or values")
      ->type_name("FILE");
  command
      .add_option(
          "--output-target", options.output_target,
          "Part of the output to score: an element (1, logits), class:N, step:N (joined by commas), or module:NAME")
      ->type_name("TARGET");
  command
      .add_option(
          "--dims", options.dims,
          "What dimensions hold, where it can't be told: samples, steps, classes or - for each of an argument, an "
          "output or the targets, as in output=samples,steps,classes x=samples,steps,-; several")
      ->type_name("NAME=ROLES...");
  command.add_flag("--stream", options.stream,
                   "The first input is [steps, ...]: forward is called once a step, state goes on from call to call");
  command
      .add_option(
          "--carry", options.carry,
          "With --stream: an output that is an argument of the next call, as in 1=h0 or 1.0=state.0; several; none "
          "where nothing is")
      ->type_name("OUTPUT=ARGUMENT...")
      ->delimiter(',');
  command
      .add_option("--draws", options.draws,
                  "Where forward draws random numbers: of them, as many as are averaged over, each a further sample")
      ->capture_default_str();
  command.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str();
  command.add_option("--threads", options.threads, "Threads to compute with; 0: one a processor")
      ->capture_default_str();
}

void addMeasuringOptions(CLI::App& command, RankOptions& options) {
  command.add_option("--metric", options.metrics, alternatives(metricNames()) + "; several, the first one ranks")
      ->type_name("NAME...")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--perturb", options.perturbation, alternatives(perturbationNames()))
      ->type_name("HOW")
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Every random draw derives from it")
      ->check(checkSeed)
      ->capture_default_str();
}

CLI::Option* addPath(CLI::App& command, const std::string& name, std::filesystem::path& path, const std::string& help) {
  return command.add_option_function<std::string>(
      name, [&path](const std::string& text) { path = text; }, help);
}

CLI::Option* addPaths(CLI::App& command, const std::string& name, std::vector<std::filesystem::path>& paths,
                      const std::string& help) {
  return command.add_option_function<std::vector<std::string>>(
      name, [&paths](const std::vector<std::string>& texts) { paths.assign(texts.begin(), texts.end()); }, help);
}

std::string checkSeed(const std::string& text) {
  uint64_t seed = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (code == std::errc() && end == text.data() + text.size()) return {};
  return "a seed is a whole number from 0 to 18446744073709551615, not " + text;
}

std::vector<std::string> splitCommas(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const auto& value : values) {
    std::stringstream text(value);
    for (std::string part; std::getline(text, part, ',');) parts.push_back(part);
  }
  return parts;
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
