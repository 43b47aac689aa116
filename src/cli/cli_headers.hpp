// What the command line reads, compiled once for all. Files still include what they use.
#pragma once

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
