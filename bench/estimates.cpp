// How well, and how fast, ways to estimate every weight's impact agree with executing weights: the default and what else was
// tried. docs/estimates.md has the table.
//
//   heft_bench_estimates [--quick] MODELS_FOLDER
//
// One JSON object a line on stdout, for each model and way; the worst matrix of each.
#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "parity/quality.hpp"
#include "saved_model.hpp"

namespace heft::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Way {
  std::string name;
  std::function<void(ResponseOptions&)> change;
  bool linear = false;  ///< a change of a thousandth, times a thousand
};

/// A change so small that the network is linear in it, relative to the weight.
constexpr double kSmall = 1.0 / 1024;

std::vector<Way> waysFor(bool many_outputs, bool embeds) {
  std::vector<Way> ways{
      {"unit response (default)", [](ResponseOptions&) {}},
      {"own recurrent weights left to the adjoint", [](ResponseOptions& options) { options.own = false; }},
      {"plain linear response", [](ResponseOptions&) {}, true},
  };
  if (embeds)
    ways.push_back(
        {"units behind the embedding by their slope", [](ResponseOptions& options) { options.bends = false; }});
  if (many_outputs) {
    for (const int64_t probes : {64, 256})
      ways.push_back({std::to_string(probes) + " probes",
                      [probes](ResponseOptions& options) { options.probes = options.most_probes = probes; }});
  }
  return ways;
}

ResponseResult estimate(Session& session, const Way& way) {
  ResponseOptions options;
  way.change(options);
  const auto factor = way.linear ? 1 - kSmall : 0.0;
  auto result = estimateAll(
      session, [factor](int64_t, int64_t, double weight) { return factor * weight; }, options,
      [](const std::string&, double) {});
  if (!way.linear) return result;
  for (auto& parameter : result.impact[0]) {
    for (auto& one : parameter) one /= kSmall;
  }
  return result;
}

void measure(const std::string& model, const SessionOptions& options, size_t random, bool many_outputs, bool embeds) {
  for (const auto& way : waysFor(many_outputs, embeds)) {
    Session session(options);
    const auto begin = Clock::now();
    const auto estimates = estimate(session, way);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    double spearman = 1, top = 1, median = 0;
    std::string worst;
    for (const auto& [name, quality] : test::qualityOf(session, estimates, random, 50, 100)) {
      spearman = std::min(spearman, quality.spearman);
      median = std::max(median, quality.median);
      if (quality.top_spearman < top) worst = name;
      top = std::min(top, quality.top_spearman);
    }
    std::cout << nlohmann::ordered_json{{"model", model},        {"way", way.name},        {"seconds", seconds},
                                        {"spearman", spearman},  {"median_error", median}, {"top_spearman", top},
                                        {"worst_matrix", worst}, {"random", random},       {"top", 50}}
                     .dump()
              << std::endl;
  }
}

void run(const std::filesystem::path& models, bool quick) {
  const auto shipped = [&](const std::string& name) {
    SessionOptions options;
    options.model = models / (name + ".pt");
    options.inputs = {models / (name + "-inputs.safetensors")};
    return options;
  };
  measure("digits-lstm", shipped("digits-lstm"), 300, false, false);
  measure("weather-gru", shipped("weather-gru"), 300, false, false);
  for (const auto kind : {CellKind::lstm, CellKind::gru}) {
    const Shape shape{kind, 16, 48, 2, 5, 8, 200};
    const SavedModel made(makeModule(shape), makeInputs(shape));
    measure(std::string(kind == CellKind::lstm ? "LSTM" : "GRU") + " 2 x 48, 200 steps", made.options(), 200, false,
            false);
  }
  if (!quick) measure("char-lstm", shipped("char-lstm"), 100, true, true);
}

}  // namespace
}  // namespace heft::bench

int main(int count, char** arguments) {
  const bool quick = count > 1 && std::string(arguments[1]) == "--quick";
  if (count != (quick ? 3 : 2)) {
    std::cerr << "usage: heft_bench_estimates [--quick] MODELS_FOLDER\n";
    return 2;
  }
  try {
    heft::bench::run(arguments[count - 1], quick);
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
  return 0;
}
