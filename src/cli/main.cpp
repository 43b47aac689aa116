#include <spdlog/spdlog.h>
#include <unistd.h>

#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <new>
#include <system_error>

#include "cli/build_facts.hpp"
#include "cli/command.hpp"
#include "cli/last_words.hpp"
#include "cli/log.hpp"
#include "cli/safe_output.hpp"
#include "cli/signals.hpp"
#include "cli/sleeping_threads.hpp"
#include "data/memory.hpp"
#include "data/printable.hpp"
#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "model/archive.hpp"

namespace {

/// In front of all libraries: LibTorch takes a hundred megabytes while it is being loaded, before main.
void prepare(int count, char** arguments, char** environment) {
  heft::cli::letThreadsSleep(count, arguments, environment);
  heft::cli::prepareLastWords();
}

[[gnu::used, gnu::section(".preinit_array")]] void (*const before_all)(int, char**, char**) = prepare;

using heft::Fault;
using heft::saysOutOfMemory;

constexpr auto kFooter =
    R"(Exit status: 0 done; 1 a check did not pass (verify); 2 an argument; 3 the model file; 4 inputs or targets;
5 the model can't be measured; 6 the run folder; 7 memory; 70 a defect of heft; 130 stopped, what was measured is kept.

Start with: heft rank model.pt --inputs inputs.pt)";

/// How messages of the library call what is an option here.
std::string optionOf(std::string_view setting) { return setting == "output" ? "-o" : "--" + std::string(setting); }

int fail(Fault fault, const std::string& text) {
  heft::cli::ignoreSignals();  // this is the end already
  spdlog::error(heft::printable(text, std::string::npos));
  return static_cast<int>(fault);
}

/// Whatever goes wrong ends as one line and an exit status.
int perform(const std::function<int()>& work) {
  try {
    return work();
  } catch (const heft::Error& error) {
    return fail(error.fault(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(Fault::memory, "out of memory: this model and these inputs need more than the " +
                                   heft::bytesInWords(heft::takenMemory()) +
                                   " that heft had taken; give fewer or shorter inputs, or a machine with more");
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again)
      return fail(Fault::internal, "a defect of heft, please report it: " + heft::firstLine(error.what()));
    return fail(Fault::memory,
                "no further thread can be started: there is no memory for its stack, or too many run (ulimit -u)");
  } catch (const std::exception& error) {
    const std::string text = error.what();
    if (saysOutOfMemory(text)) {
      return fail(Fault::memory, "out of memory after taking " + heft::bytesInWords(heft::takenMemory()) + " (" +
                                     heft::firstLine(text) + "); give fewer or shorter inputs, or a machine with more");
    }
    return fail(Fault::internal, "a defect of heft, please report it: " + heft::firstLine(text));
  }
}

}  // namespace

int main(int count, char** values) {
  heft::cli::startLog();
  heft::nameSettings(optionOf);

  CLI::App program("Heft weighs the weights: it measures which weights of a trained recurrent network matter.", "heft");
  program.footer(kFooter);
  program.require_subcommand(1);
  program.fallthrough();
  heft::cli::Context context;
  heft::cli::LogOptions log;
  program.set_version_flag("--version", heft::cli::versionText());
  heft::cli::addLogOptions(program, log);
  program.add_flag("--json", context.json, "Results as JSON on standard output");
  std::map<std::string, heft::cli::Action> actions;
  actions["ablate"] = heft::cli::addAblate(program);
  actions["compare"] = heft::cli::addCompare(program);
  actions["completion"] = heft::cli::addCompletion(program);
  actions["export"] = heft::cli::addExport(program);
  actions["help"] = heft::cli::addHelp(program);
  actions["inspect"] = heft::cli::addInspect(program);
  actions["mask"] = heft::cli::addMask(program);
  actions["merge"] = heft::cli::addMerge(program);
  actions["plan"] = heft::cli::addPlan(program);
  actions["rank"] = heft::cli::addRank(program);
  actions["report"] = heft::cli::addReport(program);
  actions["status"] = heft::cli::addStatus(program);
  actions["verify"] = heft::cli::addVerify(program);

  if (count > 1 && values[1][0] != '-' && !actions.contains(values[1])) {
    std::string known;
    for (const auto& [command, action] : actions) known += (known.empty() ? "" : ", ") + command;
    return fail(Fault::usage,
                std::string("there is no command '") + values[1] + "'; there are: " + known + " (heft --help)");
  }
  try {
    program.parse(count, values);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return program.exit(error);  // help, version
    return fail(Fault::usage, std::string(error.what()) + " (heft --help, heft COMMAND --help)");
  }
  context.arguments.assign(values, values + count);
  constexpr auto kWhole = std::string::npos;
  context.log = [](const std::string& text) { spdlog::info(heft::printable(text, kWhole)); };
  context.warn = [](const std::string& text) { spdlog::warn("note    " + heft::printable(text, kWhole)); };
  const heft::cli::SafeOutput safe(std::cout, context.json);
  heft::shortenNames(isatty(STDOUT_FILENO) == 1);  // who reads a file has room for whole names
  heft::cli::catchSignals();
  const auto& action = actions.at(program.get_subcommands().front()->get_name());
  return perform([&] {
    heft::cli::applyLog(log);
    context.progress = heft::cli::progressStyle(log);
    const int status = action(context);
    if (!std::cout.flush()) throw heft::Error(Fault::output, "standard output can't be written; is the disk full?");
    heft::cli::ignoreSignals();
    return status;
  });
}
