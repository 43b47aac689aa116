#include "cli/man_page.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "cli/completion.hpp"
#include "cli/topics.hpp"
#include "data/words.hpp"
#include "heft/version.hpp"

namespace heft::cli {
namespace {

/// Nothing of `text` is taken for troff's own.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

/// As it stands, line by line.
std::string verbatim(const std::string& text) {
  std::string out = ".nf\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    // A line that begins with a dot or an apostrophe would be a request.
    const bool request = !line.empty() && (line[0] == '.' || line[0] == '\'');
    out += (request ? "\\&" : "") + escaped(line) + "\n";
  }
  return out + ".fi\n";
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string optionText(const OptionFacts& option) {
  std::vector<std::string> names;
  for (const auto& name : option.names) names.push_back("\\fB" + escaped(name) + "\\fR");
  std::string head = joined(names, ", ");
  if (!option.value.empty())
    head += (head.empty() ? "" : " ") + ("\\fI" + escaped(option.value) + "\\fR") + (option.several ? " ..." : "");
  auto text = ".TP\n" + head + "\n" + "\\&" + escaped(option.description);
  if (!option.fallback.empty()) text += " [" + escaped(option.fallback) + "]";
  return text + "\n";
}

std::string commandText(const CommandFacts& command) {
  auto text = ".SS \"heft " + escaped(command.name) + "\"\n\\&" + escaped(command.description) + ".\n";
  for (const auto& option : command.options) {
    const bool is_help = std::find(option.names.begin(), option.names.end(), "--help") != option.names.end();
    if (!is_help) text += optionText(option);
  }
  if (!command.footer.empty()) text += ".PP\n" + verbatim(command.footer);
  return text;
}

}  // namespace

std::string manPage(const CommandLineFacts& facts) {
  auto text = ".\\\" Made by \"heft help --man\".\n.TH HEFT 1 \"\" \"heft " + std::string(version()) + "\"\n";
  text += ".SH NAME\nheft \\- measure which weights of a trained recurrent network matter\n";
  text += ".SH SYNOPSIS\n.B heft\n.I COMMAND\n[options]\n";
  text += ".SH DESCRIPTION\n\\&" + escaped(facts.program.description) + "\n.PP\n" + verbatim(facts.program.footer);
  text += ".SH COMMANDS\n";
  for (const auto& command : facts.commands) text += commandText(command);
  text += ".SH OPTIONS OF EVERY COMMAND\n";
  for (const auto& option : facts.program.options) text += optionText(option);
  text += ".SH ENVIRONMENT\n";
  text += ".TP\n\\fBNO_COLOR\\fR, \\fBCLICOLOR=0\\fR\nNo colours, even on a terminal.\n";
  text += ".TP\n\\fBCLICOLOR_FORCE\\fR\nColours even where there is no terminal; \\fBNO_COLOR\\fR wins.\n";
  for (const auto& topic : topics()) {
    const std::string body(topic.text);
    text += ".SH " + upper(escaped(std::string(topic.name))) + "\n" + verbatim(body);
  }
  return text;
}

}  // namespace heft::cli
