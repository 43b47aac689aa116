#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "measure/plan/plan.hpp"
#include "measure/plan/plan_jobs.hpp"

namespace heft::cli {

/// The plan for the terminal.
std::string textOf(const Plan& plan, const PlannedJobs& jobs);

/// The same numbers for programs.
nlohmann::ordered_json jsonOf(const Plan& plan, const PlannedJobs& jobs);

}  // namespace heft::cli
