#include "report/outliers.hpp"

#include "data/words.hpp"
#include "report/certainty.hpp"
#include "report/groups.hpp"

namespace heft {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t mostMatrices = 200;
constexpr std::size_t mostBins = 50;
constexpr double bigRole = 0.5;      // from this share of the impact on, outliers play the big role
constexpr double aboveTheirs = 1.5;  // from this multiple of their share of weights on, they do more than the others

ordered_json binJson(const ImpactSums& bin, std::size_t index, const ImpactSums& all, Aggregate how) {
  ordered_json row = {{"from", outlierBinEdges[index]}, {"to", nullptr}};
  if (index + 1 < outlierBinEdges.size()) row["to"] = outlierBinEdges[index + 1];
  row["weights"] = bin.weights;
  row["share"] = rounded(all.weights > 0 ? static_cast<double>(bin.weights) / static_cast<double>(all.weights) : 0);
  row["impact_share"] = rounded(shareOf(bin, all, how));
  row["mean_impact"] = bin.weights > 0 ? rounded(bin.mean()) : ordered_json();
  row["joint_impact"] = nullptr;
  return row;
}

ImpactSums total(const std::vector<ImpactSums>& bins) {
  ImpactSums all;
  for (const ImpactSums& bin : bins) all += bin;
  return all;
}

/// The bins that comparison.json has of a parameter, which were executed jointly.
ordered_json jointBins(const json& joint, const std::string& parameter) {
  ordered_json list = ordered_json::array();
  if (!joint.is_array()) return list;
  for (const json& each : joint) {
    if (!each.is_object() || each.value("parameter", "") != parameter) continue;
    for (const json& bin : each.at("bins")) {
      if (list.size() == mostBins) break;
      ordered_json row;
      for (const char* key : {"from", "to", "weights", "share", "mean_impact", "joint_impact"}) {
        const bool number = bin.contains(key) && bin.at(key).is_number();
        row[key] = number ? ordered_json(bin.at(key).get<double>()) : ordered_json();
      }
      list.push_back(std::move(row));
    }
  }
  return list;
}

ordered_json jointBinsOrNone(const json& joint, const std::string& parameter) {
  try {
    return jointBins(joint, parameter);
  } catch (const json::exception&) {  // a section of another form counts as missing
    return ordered_json::array();
  }
}

}  // namespace

std::vector<MatrixOutliers> outliersOf(const Run& run) {
  std::vector<MatrixOutliers> result;
  for (std::size_t p = 0; p < run.impacts.size(); ++p) {
    const ParameterImpacts& from = run.impacts[p];
    MatrixOutliers each{
        run.structure.parameters[p].name, {}, sumsByOutlierBin(from.weight, from.impact, from.measured)};
    if (total(each.bins).weights > 0) result.push_back(std::move(each));
  }
  return result;
}

Answer outliersAnswer(const Run& run, const std::vector<MatrixOutliers>& matrices) {
  const Aggregate how = aggregateOf(run.settings.metrics.front());
  ImpactSums all, outlying;
  for (const MatrixOutliers& each : matrices) {
    for (std::size_t b = 0; b < each.bins.size(); ++b) {
      all += each.bins[b];
      if (outlierBinEdges[b] >= outlierFrom) outlying += each.bins[b];
    }
  }
  Answer answer;
  answer.sure = sureSentence(all, how);
  if (all.weights == 0 || all.sum == 0) {
    answer.number = "–";
    answer.what = "no weight moved the output";
    answer.sentence = "No weight moved the output, so nothing can be said about outliers.";
    return answer;
  }
  const double share = shareOf(outlying, all, how);
  const double part = static_cast<double>(outlying.weights) / static_cast<double>(all.weights);
  const std::string numbers = percentText(part) + " of the weights lie " + significant(outlierFrom, 2) +
                              " or more robust deviations from the middle of their matrix, and they carry " +
                              percentText(share) + " of the impact";
  const double times = outlying.weights > 0 && all.mean() > 0 ? outlying.mean() / all.mean() : 0;
  answer.number = percentText(share);
  answer.what = "of the impact comes from outlying weights";
  if (outlying.weights == 0)
    answer.sentence = "There are no outliers here: no weight lies " + significant(outlierFrom, 2) +
                      " or more robust deviations from the middle of its matrix.";
  else if (share >= bigRole)
    answer.sentence = "Yes: " + numbers + ".";
  else if (share >= aboveTheirs * part)
    answer.sentence = "No, though they do more than their number: " + numbers + ".";
  else
    answer.sentence = "No: " + numbers + ".";
  if (outlying.weights > 0)
    answer.sentence +=
        " One of them moves the output " + significant(times, 2) + " times as much as the average weight.";
  return answer;
}

ordered_json outliersJson(const Run& run, const json& joint) {
  const Aggregate how = aggregateOf(run.settings.metrics.front());
  const std::vector<MatrixOutliers> matrices = outliersOf(run);
  ordered_json section = answerJson(outliersAnswer(run, matrices));
  section["outlier_from"] = outlierFrom;
  section["matrices"] = ordered_json::array();
  std::vector<ImpactSums> every(outlierBinEdges.size());
  for (const MatrixOutliers& each : matrices) {
    for (std::size_t b = 0; b < every.size(); ++b) every[b] += each.bins[b];
  }
  const auto add = [&](const std::string& parameter, const std::vector<ImpactSums>& from, ordered_json joint_bins) {
    ordered_json bins = ordered_json::array();
    const ImpactSums all = total(from);
    for (std::size_t b = 0; b < from.size(); ++b) bins.push_back(binJson(from[b], b, all, how));
    section["matrices"].push_back(
        {{"parameter", parameter}, {"bins", std::move(bins)}, {"joint", std::move(joint_bins)}});
  };
  add("", every, ordered_json::array());
  bool has_joint = false;
  for (const MatrixOutliers& each : matrices) {
    if (section["matrices"].size() > mostMatrices) break;
    ordered_json bins = jointBinsOrNone(joint, each.parameter);
    has_joint = has_joint || !bins.empty();
    add(each.parameter, each.bins, std::move(bins));
  }
  section["has_joint"] = has_joint;
  return section;
}

}  // namespace heft
