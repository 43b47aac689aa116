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

}  // namespace

std::optional<InputBootstrap> InputBootstrap::of(Session& session, const Run& run,
                                                 const std::function<void(const std::string&, double)>& progress) {
  const auto samples = run.output.samples;
  if (samples < 4 || run.output.samples_interact || run.settings.metrics.front() != Metric::rms) return std::nullopt;
  const auto groups = std::min(samples, kMostGroups);
  const auto some = someRows(run);
  InputBootstrap made;
  std::vector<std::vector<float>> squares(static_cast<std::size_t>(groups));
  std::mutex mutex;

  std::vector<std::vector<double>> values;
  std::vector<Perturber> perturbers;
  const auto& parameters = session.model().parameters;
  for (const auto& parameter : parameters) {
    const auto flat = parameter.value.detach().to(at::kCPU, at::kDouble).contiguous();
    values.emplace_back(flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel());
  }
  for (std::size_t p = 0; p < values.size(); ++p)
    perturbers.emplace_back(values[p], run.settings.perturbation, run.settings.seed, static_cast<int64_t>(p));
  ResponseOptions options;
  options.seed = run.settings.seed;
  options.selection = &some;
  options.take_row = [&](std::size_t parameter, int64_t row, const ColumnImpacts& impacts) {
    const auto columns = run.structure.parameters[parameter].columns();
    if (impacts.impact.size() != squares.size()) return;  // samples that influence each other
    const std::lock_guard lock(mutex);
    for (int64_t j = 0; j < columns; ++j) {
      const auto flat = row * columns + j;
      if (some.mask[parameter][static_cast<std::size_t>(flat)] == 0) continue;
      made.places_.emplace_back(parameter, flat);
      for (std::size_t g = 0; g < squares.size(); ++g) {
        const double impact = impacts.impact[g][j];
        squares[g].push_back(static_cast<float>(impact * impact));
      }
    }
  };
  bool interact = false;
  try {
    estimateBy(
        session,
        [&](int64_t parameter, int64_t flat, double weight) {
          return perturbers[static_cast<std::size_t>(parameter)].change(weight, flat);
        },
        [&](const OutputView& view) {
          interact = view.one_sample;
          return groupSeeds(view, groups, run.settings.seed);
        },
        options, progress);
  } catch (const NoEstimate&) {
    return std::nullopt;
  }
  if (interact || made.places_.size() < 2) return std::nullopt;

  // Threads hand rows over in any order.
  std::vector<std::size_t> order(made.places_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return made.places_[a] < made.places_[b]; });
  std::vector<Place> places;
  for (const auto one : order) places.push_back(made.places_[one]);
  made.places_ = std::move(places);
  std::vector<float> mean(order.size());
  const auto keepRanks = [&](std::span<const std::size_t> drawn) {
    std::fill(mean.begin(), mean.end(), 0.0f);
    for (const auto group : drawn) {
      for (std::size_t i = 0; i < order.size(); ++i) mean[i] += squares[group][order[i]];
    }
    made.ranks_.push_back(centredRanks(mean));
    progress("resampling inputs", static_cast<double>(made.ranks_.size()) / static_cast<double>(kResamples));
    return 0.0;
  };
  (void)resampled(squares.size(), keepRanks, kResamples, run.settings.seed);  // keepRanks has what is wanted
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
