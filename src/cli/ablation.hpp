#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "measure/rank/what_if.hpp"

namespace heft::cli {

/// What `heft ablate` measured; with `together`, the last variant is all components at once.
struct Ablation {
  std::string model, output, perturbation;
  std::uint64_t seed = 0;
  std::int64_t all_weights = 0;
  WhatIfReport report;
  bool together = false;
  std::vector<std::string> notes;
};

std::string ablationText(const Ablation& ablation);
nlohmann::ordered_json ablationJson(const Ablation& ablation);

/// "logits[3,7]", "[7]", of an element of the report's pieces.
std::string elementName(const WhatIfReport& report, std::size_t element);

}  // namespace heft::cli
