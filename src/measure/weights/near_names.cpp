#include "measure/weights/near_names.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace heft {

bool matchesGlob(std::string_view glob, std::string_view name) noexcept {
  std::size_t g = 0, n = 0;
  std::size_t star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = n;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == name[n])) {
      ++g;
      ++n;
    } else if (star != std::string_view::npos) {
      g = star + 1;  // the last star takes one more letter
      n = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

std::size_t globDistance(std::string_view glob, std::string_view name) {
  // row[n]: distance of the glob's letters so far to the first n letters of the name.
  std::vector<std::size_t> row(name.size() + 1);
  for (std::size_t n = 0; n <= name.size(); ++n) row[n] = n;
  for (const char letter : glob) {
    std::size_t diagonal = row[0];
    if (letter != '*') ++row[0];
    for (std::size_t n = 1; n <= name.size(); ++n) {
      const std::size_t above = row[n];
      row[n] = letter == '*'
                   ? std::min(above, row[n - 1])
                   : std::min({above + 1, row[n - 1] + 1, diagonal + (letter == '?' || letter == name[n - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string nearNames(std::string_view glob, std::span<const std::string> names) {
  constexpr std::size_t most_near = 3, most_listed = 30;
  const auto stars = static_cast<std::size_t>(std::count(glob.begin(), glob.end(), '*'));
  const std::size_t near_enough = (glob.size() - stars) / 3;
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string& name : names) {
    const std::size_t distance = globDistance(glob, name);
    if (distance <= near_enough) near.emplace_back(distance, name);
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
  std::string text = near.empty() ? "there are: " : "did you mean ";
  if (!near.empty()) {
    for (std::size_t i = 0; i < near.size() && i < most_near; ++i) {
      if (i > 0) text += " or ";
      text += near[i].second;
    }
    return text + "?";
  }
  for (std::size_t i = 0; i < names.size() && i < most_listed; ++i) {
    if (i > 0) text += ", ";
    text += names[i];
  }
  if (names.size() > most_listed) text += " and " + std::to_string(names.size() - most_listed) + " more";
  return names.empty() ? "there are none" : text;
}

}  // namespace heft
