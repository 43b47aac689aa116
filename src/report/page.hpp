#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace heft {

/// The files of src/report/page and Plotly's JavaScript as they were when the program was built.
struct PageParts {
  std::string_view html, style, script, plotly;
};
[[nodiscard]] PageParts pageParts() noexcept;

/// The JSON as text that can stand in a <script> element: it holds no '<' and is JavaScript too, whatever the names in it.
[[nodiscard]] std::string scriptSafeJson(const nlohmann::ordered_json& data);

/// One HTML document that needs nothing else: the template with style, scripts, data and title in their places.
[[nodiscard]] std::string pageText(const nlohmann::ordered_json& data);

}  // namespace heft
