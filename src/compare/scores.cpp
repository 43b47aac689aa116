#include "compare/scores.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "data/safetensors.hpp"
#include "heft/error.hpp"
#include "run/findings/findings.hpp"

namespace heft {

CriterionScores readScores(const std::string& file, const Run& run) {
  const auto read = readSafetensors(std::filesystem::path(file));
  CriterionScores scores{std::filesystem::path(file).stem().string(), file, {}, 0};
  std::size_t known = 0;
  for (const auto& info : run.structure.parameters) {
    auto& own =
        scores.scores.emplace_back(static_cast<std::size_t>(info.weights()), std::numeric_limits<float>::quiet_NaN());
    for (const auto& tensor : read.tensors) {
      if (tensor.name != info.name && std::find(info.tied.begin(), info.tied.end(), tensor.name) == info.tied.end())
        continue;
      if (tensor.shape != info.shape)
        throw Error(Fault::input, file + ": '" + tensor.name + "' is " + shapeText(tensor.shape) +
                                      ", the parameter is " + shapeText(info.shape));
      const auto values = asDoubles(tensor);
      std::transform(values.begin(), values.end(), own.begin(), [](double one) { return static_cast<float>(one); });
      ++known;
    }
  }
  if (known == 0)
    throw Error(Fault::input,
                file + ": holds no tensor with a parameter's name (" +
                    (read.tensors.empty() ? "it is empty" : "its first is '" + read.tensors[0].name + "'") +
                    "); one a parameter was expected, as " + run.structure.parameters[0].name);
  return scores;
}

void nameApart(std::vector<CriterionScores>& given) {
  std::vector<std::string> taken{kImpact};
  for (const auto criterion : allCriteria()) taken.emplace_back(name(criterion));
  const auto isTaken = [&](const std::string& one) {
    return one.starts_with("random_") || std::find(taken.begin(), taken.end(), one) != taken.end();
  };
  for (auto& one : given) {
    // The label still is the file.
    if (isTaken(one.name)) {
      const auto folder = std::filesystem::absolute(one.label).lexically_normal().parent_path().filename().string();
      one.name = folder + "/" + one.name;
    }
    const auto stem = one.name;
    for (int number = 2; isTaken(one.name); ++number) one.name = stem + "_" + std::to_string(number);
    taken.push_back(one.name);
  }
}

void keepRunOnly(CriterionScores& scores, const Run& run) {
  for (std::size_t p = 0; p < scores.scores.size(); ++p) {
    for (std::size_t i = 0; i < scores.scores[p].size(); ++i) {
      if (std::isnan(run.impacts[p].impact[i])) scores.scores[p][i] = std::numeric_limits<float>::quiet_NaN();
    }
  }
}

void requireImpacts(const Run& run, const std::string& folder) {
  if (!measuresWeights(run))
    throw Error(Fault::output,
                folder + ": has no impacts of single weights; 'heft rank --components weight' measures them");
}

}  // namespace heft
