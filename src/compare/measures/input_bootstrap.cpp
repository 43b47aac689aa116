#include "compare/measures/input_bootstrap.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>

#include "analysis/bootstrap.hpp"
#include "analysis/random.hpp"
#include "analysis/rank_statistics.hpp"
#include "measure/estimate/no_estimate.hpp"
#include "measure/estimate/response.hpp"
#include "measure/weights/perturbation.hpp"

namespace heft {
namespace {

constexpr double kWeights = 50'000;
constexpr int64_t kMostGroups = 32;
constexpr std::size_t kResamples = 200;  // enough for a standard error

/// Whole rows of the run's weights, at random, of every parameter at least one.
Selection someRows(const Run& run) {
  double all = 0;
  for (const auto& info : run.structure.parameters) all += static_cast<double>(info.weights());
  Selection some;
  for (std::size_t p = 0; p < run.structure.parameters.size(); ++p) {
    const auto& info = run.structure.parameters[p];
    auto& mask = some.mask.emplace_back(static_cast<std::size_t>(info.weights()));
    const auto rows = info.rows();
    const auto wanted = std::min<std::size_t>(
        static_cast<std::size_t>(rows),
        std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(static_cast<double>(rows) * kWeights / all))));
    for (const auto row : sampleWithoutReplacement(wanted, static_cast<std::size_t>(rows),
                                                   Random(run.settings.seed, "bootstrap rows", p))) {
      for (int64_t j = 0; j < info.columns(); ++j) {
        const auto flat = static_cast<std::size_t>(static_cast<int64_t>(row) * info.columns() + j);
        mask[flat] = !std::isnan(run.impacts[p].impact[flat]);
      }
    }
  }
  return some;
}

/// Ranks less their mean, as floats: their products are Spearman's correlation.
std::vector<float> centredRanks(std::span<const float> values) {
  const auto ranks = meanRanks(values);
  const double middle = 0.5 * static_cast<double>(values.size() + 1);
  std::vector<float> centred(ranks.size());
  std::transform(ranks.begin(), ranks.end(), centred.begin(),
                 [&](double rank) { return static_cast<float>(rank - middle); });
  return centred;
}

double correlation(std::span<const float> a, std::span<const float> b) {
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : std::numeric_limits<double>::quiet_NaN();
}

/// What the run changed each weight to.
class NewWeights {
 public:
  NewWeights(Session& session, const RankSettings& settings) {
    for (const auto& parameter : session.model().parameters) {
      const auto flat = parameter.value.detach().to(at::kCPU, at::kDouble).contiguous();
      values_.emplace_back(flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel());
    }
    for (std::size_t p = 0; p < values_.size(); ++p)
      perturbers_.emplace_back(values_[p], settings.perturbation, settings.seed, static_cast<int64_t>(p));
  }
  [[nodiscard]] double of(int64_t parameter, int64_t flat, double weight) const {
    return perturbers_[static_cast<std::size_t>(parameter)].change(weight, flat);
  }

 private:
  std::vector<std::vector<double>> values_;
  std::vector<Perturber> perturbers_;
};

/// Squares of impacts, a list for each group of samples, and the weights that all of these lists are of.
struct GroupedSquares {
  std::vector<std::pair<std::size_t, int64_t>> places;  ///< parameter, flat place
  std::vector<std::vector<float>> by_group;             ///< [groups][places]

  /// Threads hand rows over in any order.
  void sort() {
    std::vector<std::size_t> order(places.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return places[a] < places[b]; });
    const auto inOrder = [&](auto& list) {
      auto sorted = list;
      for (std::size_t i = 0; i < order.size(); ++i) sorted[i] = list[order[i]];
      list = std::move(sorted);
    };
    inOrder(places);
    for (auto& squares : by_group) inOrder(squares);
  }
};

/// Estimates the impacts of `some` weights for each group of samples; nothing where samples influence each other, or
/// where there are no estimates.
std::optional<GroupedSquares> groupedSquares(Session& session, const Run& run, const Selection& some, int64_t groups,
                                             const std::function<void(const std::string&, double)>& progress) {
  GroupedSquares found;
  found.by_group.resize(static_cast<std::size_t>(groups));
  std::mutex mutex;
  ResponseOptions options;
  options.seed = run.settings.seed;
  options.selection = &some;
  options.take_row = [&](std::size_t parameter, int64_t row, const ColumnImpacts& impacts) {
    const auto columns = run.structure.parameters[parameter].columns();
    if (impacts.impact.size() != found.by_group.size()) return;  // samples that influence each other
    const std::lock_guard lock(mutex);
    for (int64_t j = 0; j < columns; ++j) {
      const auto flat = row * columns + j;
      if (some.mask[parameter][static_cast<std::size_t>(flat)] == 0) continue;
      found.places.emplace_back(parameter, flat);
      for (std::size_t g = 0; g < found.by_group.size(); ++g) {
        const double impact = impacts.impact[g][j];
        found.by_group[g].push_back(static_cast<float>(impact * impact));
      }
    }
  };
  const NewWeights weights(session, run.settings);
  bool interact = false;
  try {
    estimateBy(
        session, [&](int64_t parameter, int64_t flat, double weight) { return weights.of(parameter, flat, weight); },
        [&](const OutputView& view) {
          interact = view.one_sample;
          return groupSeeds(view, groups, run.settings.seed);
        },
        options, progress);
  } catch (const NoEstimate&) {
    return std::nullopt;
  }
  if (interact) return std::nullopt;
  found.sort();
  return found;
}

}  // namespace

std::optional<InputBootstrap> InputBootstrap::of(Session& session, const Run& run,
                                                 const std::function<void(const std::string&, double)>& progress) {
  const auto samples = run.output.samples;
  if (samples < 4 || run.output.samples_interact || run.settings.metrics.front() != Metric::rms) return std::nullopt;
  auto squares = groupedSquares(session, run, someRows(run), std::min(samples, kMostGroups), progress);
  if (!squares || squares->places.size() < 2) return std::nullopt;
  InputBootstrap made;
  made.places_ = std::move(squares->places);
  std::vector<float> sum(made.places_.size());
  const auto keepRanks = [&](std::span<const std::size_t> drawn) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (const auto group : drawn) {
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += squares->by_group[group][i];
    }
    made.ranks_.push_back(centredRanks(sum));
    progress("resampling inputs", static_cast<double>(made.ranks_.size()) / static_cast<double>(kResamples));
    return 0.0;
  };
  // What is wanted is what keepRanks keeps, not what it returns.
  (void)resampled(squares->by_group.size(), keepRanks, kResamples, run.settings.seed);
  return made;
}

std::optional<double> InputBootstrap::spearmanError(const std::vector<std::vector<float>>& scores) const {
  std::vector<float> own;
  for (const auto& [parameter, flat] : places_) own.push_back(scores[parameter][static_cast<std::size_t>(flat)]);
  if (std::any_of(own.begin(), own.end(), [](float one) { return std::isnan(one); })) return std::nullopt;
  const auto ranks = centredRanks(own);
  double sum = 0, squares = 0;
  for (const auto& impact : ranks_) {
    const double one = correlation(ranks, impact);
    if (std::isnan(one)) return std::nullopt;
    sum += one;
    squares += one * one;
  }
  const auto n = static_cast<double>(ranks_.size());
  return std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1)));
}

}  // namespace heft
