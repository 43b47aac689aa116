#include "cli/choices.hpp"

#include <initializer_list>

#include "compare/measures/criteria.hpp"
#include "run/stored/settings.hpp"

namespace heft::cli {
namespace {

template <class Value>
std::vector<std::string> names(std::initializer_list<Value> values) {
  std::vector<std::string> all;
  for (const auto value : values) all.emplace_back(name(value));
  return all;
}

/// Those that take a number end with a colon.
std::vector<std::string> perturbations() {
  std::vector<std::string> all;
  for (const auto& one : kPerturbations) all.push_back(std::string(one.name) + (one.number.empty() ? "" : ":"));
  return all;
}

std::vector<std::string> criteria(bool with_impact) {
  std::vector<std::string> all;
  if (with_impact) all.emplace_back(kImpact);
  for (const auto one : allCriteria()) all.emplace_back(name(one));
  return all;
}

}  // namespace

std::vector<std::string> choicesOf(std::string_view option, std::string_view command) {
  if (option == "--method") return names({Method::automatic, Method::response, Method::exhaustive, Method::reference});
  if (option == "--metric") return metricNames();
  if (option == "--components")
    return names({Level::weight, Level::row, Level::column, Level::unit, Level::gate, Level::matrix, Level::layer});
  if (option == "--level")
    return names({Level::row, Level::column, Level::unit, Level::gate, Level::matrix, Level::layer});
  if (option == "--precision") return names({Precision::float32, Precision::bfloat16, Precision::as_model});
  if (option == "--perturb") return perturbations();
  if (option == "--criteria") return criteria(false);
  if (option == "--by" && command != "mask") return {"class", "step", "output", "target"};
  if (option == "--by") return criteria(true);
  if (option == "--path") return {"incoming", "outgoing", "recurrent", "all"};
  if (option == "--scope") return {"global", "matrix", "layer"};
  if (option == "--table") return {"weights", "components"};
  if (option == "--format") return {"csv", "npz", "safetensors"};
  if (option == "--device") return {"cpu", "cuda"};
  if (option == "--log-level") return {"debug", "info", "warning", "error"};
  if (option == "--progress") return {"auto", "none", "plain", "json"};
  return {};
}

}  // namespace heft::cli
