#include <iostream>

#include "cli/command.hpp"
#include "cli/completion.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"

namespace heft::cli {
namespace {

constexpr auto kFooter = R"(Examples:
  source <(heft completion bash)                                           in this shell; in ~/.bashrc for all
  heft completion zsh > ~/.zfunc/_heft                                     a folder of $fpath
  heft completion fish > ~/.config/fish/completions/heft.fish
"cmake --install" puts all three where shells look for them.)";

int complete(const std::string& shell, const CLI::App& program) {
  const auto facts = describeCommandLine(program);
  if (shell == "bash")
    std::cout << bashCompletion(facts);
  else if (shell == "fish")
    std::cout << fishCompletion(facts);
  else if (shell == "zsh")
    std::cout << zshCompletion(facts);
  else
    throw Error(Fault::usage, "SHELL " + shell + ": " + joined(shells(), ", ") + " was expected");
  return 0;
}

}  // namespace

std::vector<std::string> shells() { return {"bash", "fish", "zsh"}; }

Action addCompletion(CLI::App& program) {
  auto shell = std::make_shared<std::string>();
  auto* command = program.add_subcommand("completion", "Print a script that lets a shell complete heft's command line");
  command->footer(kFooter);
  command->add_option("SHELL", *shell, "bash, fish or zsh")->required();
  return [shell, &program](const Context&) { return complete(*shell, program); };
}

}  // namespace heft::cli
