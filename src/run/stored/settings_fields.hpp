#pragma once

#include <string>
#include <string_view>

#include "run/stored/json_fields.hpp"
#include "run/stored/settings.hpp"

// What is stored of the settings, and how.

namespace heft {

inline void fromText(std::string_view text, Method& method) { method = parseMethod(text); }
inline void fromText(std::string_view text, Metric& metric) { metric = parseMetric(text); }
inline void fromText(std::string_view text, Precision& precision) { precision = parsePrecision(text); }
inline void fromText(std::string_view text, Level& level) { level = parseLevel(text); }
inline void fromText(std::string_view text, GroupBy& by) { by = parseGroupBy(text); }
inline void fromText(std::string_view text, Perturbation& perturbation) { perturbation = Perturbation::parse(text); }
inline std::string toText(Method method) { return std::string(name(method)); }
inline std::string toText(Metric metric) { return std::string(name(metric)); }
inline std::string toText(Precision precision) { return std::string(name(precision)); }
inline std::string toText(Level level) { return std::string(name(level)); }
inline std::string toText(GroupBy by) { return std::string(name(by)); }
inline std::string toText(const Perturbation& perturbation) { return perturbation.text(); }

template <class Archive>
void fields(Archive& archive, Stored<Archive, RankSettings>& settings) {
  archive("method", settings.method);
  archive("metrics", settings.metrics);
  archive.check("metrics", !settings.metrics.empty(), "is empty");
  archive("perturbation", settings.perturbation);
  archive("levels", settings.levels);
  archive("parameters", settings.parameters);
  archive("output_target", settings.output_target);
  archive("top", settings.top, Whole{0});
  archive("alpha", settings.alpha);
  archive.check("alpha", settings.alpha > 0 && settings.alpha < 1, "is not between 0 and 1");
  archive("miss", settings.miss);
  archive("budget_variants", settings.budget_variants, Whole{0});
  archive("budget_seconds", settings.budget_seconds);
  archive("seed", settings.seed);
  archive.optional("precision", settings.precision);
  archive.optional("dims", settings.dims);
  archive("stream", settings.stream);
  archive.optional("by", settings.by);
  archive.optional("labels", settings.labels);
  archive.optional("carry", settings.carry);
  archive.optional("draws", settings.draws, Whole{1});
}

}  // namespace heft
