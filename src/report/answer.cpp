#include "report/answer.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "data/words.hpp"

namespace heft {

using nlohmann::ordered_json;

ordered_json answerJson(const Answer& answer) {
  return {{"number", answer.number}, {"what", answer.what}, {"sentence", answer.sentence}, {"sure", answer.sure}};
}

ordered_json missingJson(const std::string& why, const std::string& command) {
  return {{"missing", why}, {"command", command}};
}

ordered_json rounded(double value) {
  if (!std::isfinite(value)) return {};
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%.5g", value);
  return std::strtod(digits, nullptr);
}

std::string percentText(double share) {
  const double percent = 100 * share;
  if (!std::isfinite(percent)) return "–";
  if (percent > 0 && percent < 0.1) return "<0.1 %";
  if (percent < 100 && percent > 99.9) return ">99.9 %";
  char text[32];
  std::snprintf(text, sizeof(text), percent < 10 || percent > 99 ? "%.1f" : "%.0f", percent);
  std::string result = text;
  if (result.ends_with(".0")) result.erase(result.size() - 2);
  return result + " %";
}

std::string metricWords(Metric metric) { return std::string(facts(metric).words); }

std::string changing(const Perturbation& perturbation) {
  return perturbation.kind == Perturbation::Kind::zero ? "removing" : "changing";
}

}  // namespace heft
