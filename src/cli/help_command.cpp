#include <iostream>

#include "cli/command.hpp"
#include "cli/command_line.hpp"
#include "cli/completion.hpp"
#include "cli/man_page.hpp"
#include "cli/topics.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"

namespace heft::cli {
namespace {

struct Options {
  std::string topic;
  bool man = false;
};

constexpr auto kFooter = R"(Examples:
  heft help             the commands and topics
  heft help methods     how impacts are obtained
  heft help rank        as heft rank --help
  heft help --man | man -l -)";

std::string listOfTopics() {
  std::string text = "\nTopics (heft help TOPIC):\n";
  for (const auto& topic : topics()) {
    const std::string name(topic.name);
    text += "  " + name + std::string(name.size() < 28 ? 28 - name.size() : 1, ' ') +
            std::string(topic.text.substr(0, topic.text.find('\n'))) + "\n";
  }
  return text;
}

int help(const Options& options, const CLI::App& program) {
  if (options.man) {
    if (!options.topic.empty()) throw Error(Fault::usage, "--man is the whole manual page; leave out " + options.topic);
    std::cout << manPage(describeCommandLine(program));
    return 0;
  }
  if (options.topic.empty()) {
    // program.help() would be that of the command which is running, this one.
    std::cout << program.get_formatter()->make_help(&program, program.get_name(), CLI::AppFormatMode::Normal)
              << listOfTopics();
    return 0;
  }
  for (const auto& topic : topics()) {
    if (topic.name == options.topic) {
      std::cout << topic.text;
      return 0;
    }
  }
  const auto named = [&](const CLI::App* command) { return command->get_name() == options.topic; };
  for (const auto* command : program.get_subcommands(named)) {
    std::cout << command->help(program.get_name());
    return 0;
  }
  std::vector<std::string> known;
  for (const auto& topic : topics()) known.emplace_back(topic.name);
  throw Error(Fault::usage, "there is no help on '" + options.topic + "'; there is on: " + joined(known, ", ") +
                                ", and on every command (heft help)");
}

}  // namespace

Action addHelp(CLI::App& program) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("help", "Explain a topic or a command");
  command->footer(kFooter);
  command->add_option("TOPIC", options->topic, "A topic or a command; left out: what there is");
  command->add_flag("--man", options->man, "The whole manual page, for man");
  return [options, &program](const Context&) { return help(*options, program); };
}

}  // namespace heft::cli
