#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "measure/plan_jobs.hpp"
#include "measure/plan.hpp"

namespace heft::cli {

/// The plan for the terminal. `command`: what `heft rank` is to be called with, for its jobs.
std::string textOf(const Plan& plan, const PlannedJobs& jobs);

/// The same numbers for programs.
nlohmann::ordered_json jsonOf(const Plan& plan, const PlannedJobs& jobs);

}  // namespace heft::cli
