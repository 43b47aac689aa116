#include "cli/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string_view>
#include <utility>

#include "heft/error.hpp"

namespace heft::cli {
namespace {

bool isSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

spdlog::color_mode colourMode() {
  const auto is = [](const char* variable, std::string_view value) {
    return isSet(variable) && std::getenv(variable) == value;
  };
  if (isSet("NO_COLOR")) return spdlog::color_mode::never;
  if (isSet("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0")) return spdlog::color_mode::always;
  return is("CLICOLOR", "0") ? spdlog::color_mode::never : spdlog::color_mode::automatic;
}

spdlog::level::level_enum parseLevel(std::string_view text) {
  if (text == "debug") return spdlog::level::debug;
  if (text == "info") return spdlog::level::info;
  if (text == "warning") return spdlog::level::warn;
  if (text == "error") return spdlog::level::err;
  throw Error(Fault::usage, "--log-level " + std::string(text) + ": debug, info, warning or error was expected");
}

/// Lines with the time (UTC) and the level, after those of earlier commands.
spdlog::sink_ptr fileSink(const std::string& file) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    sink->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%SZ %l %v", spdlog::pattern_time_type::utc));
    return sink;
  } catch (const spdlog::spdlog_ex&) {
    throw Error(Fault::output, "--log-file " + file + ": can't be written; name a file in a folder that can be");
  }
}

}  // namespace

void addLogOptions(CLI::App& program, LogOptions& options) {
  program.add_flag("-q,--quiet", options.quiet, "No log and no progress, errors only");
  program.add_option("--log-level", options.level, "What is logged at least: debug, info, warning or error")
      ->type_name("LEVEL")
      ->capture_default_str();
  program.add_option("--log-file", options.file, "Also append the log to this file, with times")->type_name("FILE");
  program
      .add_option("--progress", options.progress,
                  "auto (a line that is rewritten on a terminal, plain lines elsewhere), none, plain, or json lines")
      ->type_name("STYLE")
      ->capture_default_str();
}

void startLog() {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(colourMode());
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("heft", std::move(sink)));
  spdlog::set_pattern("%^%v%$");
  // A full disk is no reason to end: the results don't lie in the log.
  spdlog::set_error_handler([](const std::string& text) {
    static bool told = false;
    if (!std::exchange(told, true)) std::cerr << "note    the log is incomplete: " << text << '\n';
  });
}

void applyLog(const LogOptions& options) {
  const auto level = parseLevel(options.level);
  auto& logger = *spdlog::default_logger();
  logger.set_level(level);
  logger.sinks().front()->set_level(options.quiet ? spdlog::level::err : level);
  if (!options.file.empty()) logger.sinks().push_back(fileSink(options.file));
  logger.flush_on(level);
}

ProgressStyle progressStyle(const LogOptions& options) {
  const auto style = parseProgress(options.progress);
  return options.quiet && options.progress == "auto" ? ProgressStyle::none : style;
}

}  // namespace heft::cli
