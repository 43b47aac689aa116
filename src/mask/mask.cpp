#include "mask/mask.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>

#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

std::size_t zeros(const std::vector<std::uint8_t>& kept) {
  return static_cast<std::size_t>(std::count(kept.begin(), kept.end(), std::uint8_t{0}));
}

/// The weights that compete for the places of one share.
class Contest {
 public:
  explicit Contest(Mask& mask) : mask_(mask) {}

  void enter(std::size_t parameter, const std::vector<float>& scores) {
    entered_.push_back({parameter, &scores});
    for (const float score : scores) {
      if (!std::isnan(score)) all_.push_back(score);
    }
  }

  /// Only the score of the last place is looked for: sorting millions of weights would take far longer.
  void decide(double share) {
    if (all_.empty()) return;
    const auto places = std::clamp<std::size_t>(
        static_cast<std::size_t>(std::llround(share * static_cast<double>(all_.size()))), 1, all_.size());
    const auto last = all_.begin() + static_cast<std::ptrdiff_t>(places) - 1;
    std::nth_element(all_.begin(), last, all_.end(), std::greater<>());
    const float least = *last;
    const auto above = std::count_if(all_.begin(), all_.end(), [&](float score) { return score > least; });
    std::size_t ties = places - static_cast<std::size_t>(above);
    for (const auto& [parameter, scores] : entered_) {
      for (std::size_t i = 0; i < scores->size(); ++i) {
        const float score = (*scores)[i];
        const bool goes = score < least || (score == least && ties == 0);
        if (goes) mask_.kept[parameter][i] = 0;
        if (score == least && ties > 0) --ties;
      }
    }
  }

 private:
  struct Entered {
    std::size_t parameter;
    const std::vector<float>* scores;
  };
  Mask& mask_;
  std::vector<Entered> entered_;
  std::vector<float> all_;
};

}  // namespace

std::size_t Mask::removed(std::size_t parameter) const { return zeros(kept[parameter]); }

std::size_t Mask::removed() const {
  return std::accumulate(kept.begin(), kept.end(), std::size_t{0},
                         [](std::size_t sum, const auto& one) { return sum + zeros(one); });
}

std::size_t Mask::weights() const {
  return std::accumulate(kept.begin(), kept.end(), std::size_t{0},
                         [](std::size_t sum, const auto& one) { return sum + one.size(); });
}

std::size_t Mask::rankedWeights() const { return std::accumulate(ranked.begin(), ranked.end(), std::size_t{0}); }

bool isVector(const ParameterInfo& info) {
  const auto leaf = info.name.substr(info.name.rfind('.') + 1);
  return info.shape.size() < 2 || info.role.starts_with("bias") || leaf.starts_with("bias");
}

Mask maskOf(const CriterionScores& scores, const Structure& structure, const MaskSettings& settings) {
  if (!(settings.keep > 0 && settings.keep <= 1))
    throw Error(Fault::usage,
                "the share to keep is " + significant(settings.keep) + "; above 0 and at most 1 was expected");
  Mask mask;
  mask.ranked.assign(structure.parameters.size(), 0);
  std::vector<Contest> contests(settings.per_matrix ? structure.parameters.size() : 1, Contest(mask));
  for (std::size_t p = 0; p < structure.parameters.size(); ++p) {
    const auto& own = scores.scores[p];
    mask.kept.emplace_back(own.size(), std::uint8_t{1});
    if (!settings.biases && isVector(structure.parameters[p])) {
      mask.vectors += own.size();
      continue;
    }
    mask.ranked[p] =
        static_cast<std::size_t>(std::count_if(own.begin(), own.end(), [](float score) { return !std::isnan(score); }));
    mask.without_score += own.size() - mask.ranked[p];
    contests[settings.per_matrix ? p : 0].enter(p, own);
  }
  if (mask.rankedWeights() == 0)
    throw Error(Fault::usage, "no weight can be ranked by " + scores.name +
                                  (mask.vectors > 0 ? " but those of biases and other vectors; " +
                                                          settingName("biases") + " takes them in"
                                                    : ": it has no score for any of the run's weights"));
  for (auto& contest : contests) contest.decide(settings.keep);
  return mask;
}

}  // namespace heft
