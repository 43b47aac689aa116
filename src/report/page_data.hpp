#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "run/findings/findings.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// One of the three numbers behind the verdict.
struct KeyNumber {
  std::string value;    ///< "1 of 20"
  std::string label;    ///< what it is
  std::string meaning;  ///< what to hold it against
};

[[nodiscard]] std::vector<KeyNumber> keyNumbers(const Findings& findings);

/// Everything that the page shows. `comparison` is comparison.json's document, or null; `folder` is the run folder as
/// commands in the page name it. Sections that the run holds nothing for say in one line which command fills them.
[[nodiscard]] nlohmann::ordered_json pageData(const Run& run, const Findings& findings,
                                              const nlohmann::json& comparison, const std::string& folder);

}  // namespace heft
