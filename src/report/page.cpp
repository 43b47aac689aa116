#include "report/page.hpp"

#include <array>
#include <utility>

#include "heft/error.hpp"

namespace heft {
namespace {

using nlohmann::ordered_json;

void replaceAll(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

std::string escapedHtml(std::string text) {
  replaceAll(text, "&", "&amp;");
  replaceAll(text, "<", "&lt;");
  replaceAll(text, ">", "&gt;");
  replaceAll(text, "\"", "&quot;");
  return text;
}

}  // namespace

std::string scriptSafeJson(const ordered_json& data) {
  std::string text = data.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  replaceAll(text, "<", "\\u003c");
  replaceAll(text, "\xE2\x80\xA8", "\\u2028");  // line ends in JavaScript before 2019
  replaceAll(text, "\xE2\x80\xA9", "\\u2029");
  return text;
}

std::string pageText(const ordered_json& data) {
  const PageParts parts = pageParts();
  const std::string json = scriptSafeJson(data);
  const std::string title = escapedHtml(data.value("title", ""));
  const std::array<std::pair<std::string_view, std::string_view>, 5> places{{{"{{title}}", title},
                                                                             {"{{style}}", parts.style},
                                                                             {"{{plotly}}", parts.plotly},
                                                                             {"{{data}}", json},
                                                                             {"{{script}}", parts.script}}};
  // Places are looked for in the template alone, so that a name that looks like one stays a name.
  std::string text;
  text.reserve(parts.html.size() + parts.style.size() + parts.plotly.size() + parts.script.size() + json.size());
  std::string_view rest = parts.html;
  for (std::size_t at = rest.find("{{"); at != std::string_view::npos; at = rest.find("{{")) {
    text += rest.substr(0, at);
    rest.remove_prefix(at);
    bool found = false;
    for (const auto& [place, content] : places) {
      if (!rest.starts_with(place)) continue;
      text += content;
      rest.remove_prefix(place.size());
      found = true;
      break;
    }
    if (!found)
      throw Error(Fault::internal, "the page's template has an unknown place: " + std::string(rest.substr(0, 20)));
  }
  text += rest;
  return text;
}

}  // namespace heft
