#include "run/stored/perturbation.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "data/printable.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw Error(Fault::usage, "perturbation '" + printable(text) + "' " + std::string(why));
}

}  // namespace

const PerturbationFacts& facts(Perturbation::Kind kind) noexcept {
  return *std::find_if(kPerturbations.begin(), kPerturbations.end(),
                       [&](const PerturbationFacts& one) { return one.kind == kind; });
}

std::vector<std::string> perturbationNames() {
  std::vector<std::string> names;
  for (const PerturbationFacts& one : kPerturbations)
    names.push_back(std::string(one.name) + (one.number.empty() ? "" : ":" + std::string(one.number)));
  return names;
}

Perturbation Perturbation::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto* known = std::find_if(kPerturbations.begin(), kPerturbations.end(),
                                   [&](const PerturbationFacts& one) { return one.name == text.substr(0, colon); });
  if (known == kPerturbations.end()) refuse(text, "is unknown; there are: " + joined(perturbationNames(), ", "));
  Perturbation perturbation{known->kind, 0};
  if (known->number.empty()) {
    if (colon != std::string_view::npos)
      refuse(text, "takes no number; there are: " + joined(perturbationNames(), ", "));
    return perturbation;
  }
  const std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  double& amount = perturbation.amount;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), amount);
  const bool is_number = fault == std::errc() && end == digits.data() + digits.size() && std::isfinite(amount);
  if (!is_number || amount < known->least || amount > known->most || (known->whole && amount != std::floor(amount)))
    refuse(text, known->wants);
  return perturbation;
}

std::string Perturbation::text() const {
  const PerturbationFacts& own = facts(kind);
  std::string text(own.name);
  if (own.number.empty()) return text;
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), amount);
  return text + ":" + std::string(digits.data(), written.ptr);
}

}  // namespace heft
