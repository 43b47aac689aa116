#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "run/stored/settings.hpp"

namespace heft {

/// What every section of the page begins with.
struct Answer {
  std::string number;    ///< large: "54 %"
  std::string what;      ///< what the number is, a few words
  std::string sentence;  ///< the answer in one plain sentence
  std::string sure;      ///< how sure it is
};

/// A section as the page reads it: the answer's fields and whatever the caller adds.
[[nodiscard]] nlohmann::ordered_json answerJson(const Answer& answer);

/// A section that this run holds nothing for: `why` in one line, and the command that fills it.
[[nodiscard]] nlohmann::ordered_json missingJson(const std::string& why, const std::string& command);

/// Five significant digits, which is what a picture can show; null where undefined or infinite.
[[nodiscard]] nlohmann::ordered_json rounded(double value);

/// "54 %", "0.3 %", "<0.1 %": for shares, which are never shown as exactly nothing or everything where they aren't.
[[nodiscard]] std::string percentText(double share);

/// "rms change of the output": what an impact is by this metric.
[[nodiscard]] std::string metricWords(Metric metric);
/// "removing" where weights are set to zero, else "changing".
[[nodiscard]] std::string changing(const Perturbation& perturbation);

}  // namespace heft
