#include "measure/response.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/adjoint.hpp"
#include "heft/error.hpp"
#include "measure/response_seeds.hpp"
#include "measure/unit_estimator.hpp"

namespace heft {
namespace {

/// A part of the sites that one row of a parameter is read by.
struct RowUse {
  const Site* site;
  int role;
};

/// Floating-point operations of one adjoint: a multiplication and an addition for each weight and each time it is read.
double adjointFlop(const std::vector<Site*>& sites, const Structure& structure) {
  double flop = 1;
  for (const auto* site : sites) {
    double readings = 0;
    for (const auto& leaf : site->leaves())
      readings = std::max(readings, static_cast<double>(leaf.numel()) / static_cast<double>(leaf.size(-1)));
    for (const auto& use : site->uses())
      flop += 2 * readings * static_cast<double>(structure.parameters[static_cast<size_t>(use.parameter)].weights());
  }
  return flop;
}

/// A recorded run whose rows know their samples, and its outputs [samples, elements].
std::pair<Session::Recording, at::Tensor> recordAssigned(Session& session, const ResponseOptions& options,
                                                         std::vector<std::string>& notes) {
  for (const bool keep_arguments : {false, true}) {
    auto recording = session.record(keep_arguments, &session.units(), options.own);
    auto outputs = recording.outputs;
    const auto sites = recording.handler->sites();
    try {
      if (outputs.requires_grad() && !assignSamples(sites, outputs, options.seed)) {
        notes.push_back("some weights act on several samples at once, so the estimates take the batch as one sample");
        outputs = outputs.reshape({1, -1});
        assignSamples(sites, outputs, options.seed);
      }
      return {std::move(recording), outputs};
    } catch (const c10::Error& error) {
      const bool overwritten =
          std::string_view(error.what()).find("modified by an inplace operation") != std::string_view::npos;
      if (keep_arguments || !overwritten) throw;
    }
  }
  throw Error(Fault::internal, "recording the model ended without a recording");
}

/// Tells the sites that stand alone for their parameters that only sums of squares count.
void keepSquares(const std::vector<Site*>& sites, size_t parameters) {
  std::vector<int> uses(parameters, 0);
  for (const auto* site : sites) {
    for (const auto& use : site->uses()) ++uses[static_cast<size_t>(use.parameter)];
  }
  for (auto* site : sites) {
    const auto own = site->uses();
    const auto alone = [&](const SiteUse& use) { return uses[static_cast<size_t>(use.parameter)] == 1; };
    // Of a site that bends, the first seeds are told apart from the others.
    if (!own.empty() && !site->bends() && std::all_of(own.begin(), own.end(), alone)) site->keepSquares();
  }
}

/// How the outputs are taken: each by itself where they are few enough for time and memory, else by probes.
std::unique_ptr<ResponseSeeds> chooseSeeds(const OutputView& view, const std::vector<Site*>& sites,
                                           const Structure& structure, const ResponseOptions& options,
                                           ResponseResult& result) {
  const auto samples = view.one_sample ? 1 : view.baseline.size(0);
  const auto elements = view.baseline.numel() / samples;
  const auto only = [&](Metric metric) {
    return !view.one_sample && options.metrics.size() == 1 && options.metrics[0] == metric;
  };
  // The first outputs don't stand for all of them, as the first probes do, so what bends needs each.
  const bool bends =
      options.bends && std::any_of(sites.begin(), sites.end(), [](const Site* site) { return site->bends(); });
  if (only(Metric::rms) && !bends) keepSquares(sites, structure.parameters.size());
  const auto fits = [&](int64_t seeds) {
    double bytes = 0;
    for (const auto* site : sites) bytes += site->adjointBytes(seeds, samples);
    return bytes <= static_cast<double>(options.memory);
  };
  const double flop = adjointFlop(sites, structure);
  const auto quick = static_cast<int64_t>(options.exact_flop / flop);
  if (elements <= std::max({options.exact_elements, quick, int64_t{1}}) && fits(elements))
    return exactSeeds(view, options.metrics, options.curvature);
  if (only(Metric::kl) || only(Metric::rms)) keepSquares(sites, structure.parameters.size());
  result.probes = std::clamp(static_cast<int64_t>(options.probe_flop / flop), options.probes, options.most_probes);
  while (result.probes > 2 && !fits(result.probes)) result.probes /= 2;
  // Var of the mean of P squares of (r dy) is at most 2 |dy|^4 / P a sample; samples that share the impact average it.
  result.probe_error = std::sqrt(2.0 / static_cast<double>(result.probes)) / 2;
  return probeSeeds(view, options.metrics, result.probes, options.seed);
}

/// What a row of weights has, a list a value of the seeds.
struct RowValues {
  std::vector<std::vector<double>> impact;
  std::vector<std::vector<float>> standard_error;

  RowValues() = default;
  RowValues(size_t values, int64_t columns)
      : impact(values, std::vector<double>(static_cast<size_t>(columns))),
        standard_error(values, std::vector<float>(static_cast<size_t>(columns))) {}
  [[nodiscard]] ColumnImpacts places() {
    ColumnImpacts all;
    for (auto& one : impact) all.impact.push_back(one.data());
    for (auto& one : standard_error) all.standard_error.push_back(one.data());
    return all;
  }
};

/// Turns the recorded sites, adjoints taken, into impacts, a row of a parameter at a time.
class RowEstimator {
 public:
  RowEstimator(Session& session, const std::vector<Site*>& sites, const ResponseSeeds& seeds, const NewValue& new_value,
               const ResponseOptions& options, int64_t samples)
      : session_(session),
        seeds_(seeds),
        new_value_(new_value),
        options_(options),
        samples_(samples),
        count_(seeds.seeds().count),
        uses_(session.structure().parameters.size()) {
    for (const auto* site : sites) {
      for (const auto& use : site->uses()) uses_[static_cast<size_t>(use.parameter)].push_back({site, use.role});
    }
  }

  /// Fills the parameter's entries of `result`; `advance` hears how many weights are done.
  void estimate(size_t parameter, ResponseResult& result, const std::function<void(int64_t)>& advance) const {
    const auto& info = session_.structure().parameters[parameter];
    const auto rows = info.rows();
    const auto columns = info.columns();
    const auto weights = session_.model().parameters[parameter].value.detach().to(at::kCPU, at::kDouble).contiguous();
    const auto* weight = weights.const_data_ptr<double>();
    // Where a site keeps sums of squares, the parameter has no other.
    const auto count = uses_[parameter].empty() ? count_ : uses_[parameter][0].site->keptSeeds(count_);
    constexpr int64_t kRows = 64;  // between two reports of progress
    for (int64_t first = 0; first < rows && !uses_[parameter].empty(); first += kRows) {
      const auto last = std::min(rows, first + kRows);
      at::parallel_for(first, last, 1, [&](int64_t begin, int64_t end) {
        std::vector<float> block(static_cast<size_t>(samples_ * count * columns)), change(static_cast<size_t>(columns));
        RowValues own;
        if (options_.take_row) own = RowValues(seeds_.values(), columns);
        for (int64_t r = begin; r < end; ++r) {
          if (!selected(parameter, r, columns)) continue;
          for (int64_t j = 0; j < columns; ++j) {
            const auto flat = r * columns + j;
            change[static_cast<size_t>(j)] =
                static_cast<float>(new_value_(static_cast<int64_t>(parameter), flat, weight[flat]) - weight[flat]);
          }
          std::fill(block.begin(), block.end(), 0.0f);
          for (const auto& use : uses_[parameter]) {
            use.site->addResponse(use.role, {r, change}, {samples_, count, columns, block.data()});
          }
          const auto out = options_.take_row ? own.places() : placesOf(result, parameter, r * columns);
          const auto bend_seeds = bendSeeds(parameter);
          if (bend_seeds == count_) addBend(parameter, {r, change}, {samples_, count_, columns, block.data()});
          if (count == count_)
            seeds_.reduce(block.data(), columns, out);
          else
            seeds_.reduceSquares(block.data(), count, columns, out);
          if (bend_seeds > 0 && bend_seeds < count_) scaleByBend(parameter, {r, change}, block, bend_seeds, out);
          if (options_.take_row) options_.take_row(parameter, r, out);
        }
      });
      advance((last - first) * columns);
    }
  }

 private:
  static ColumnImpacts placesOf(ResponseResult& result, size_t parameter, int64_t first) {
    ColumnImpacts all;
    for (auto& one : result.impact) all.impact.push_back(one[parameter].data() + first);
    for (auto& one : result.standard_error) all.standard_error.push_back(one[parameter].data() + first);
    return all;
  }

  /// Seeds that everything that bends the parameter's effect can serve; 0: nothing does.
  [[nodiscard]] int64_t bendSeeds(size_t parameter) const {
    if (!options_.bends) return 0;
    int64_t seeds = 0;
    for (const auto& use : uses_[parameter]) {
      const auto own = use.site->bendSeeds();
      if (own > 0) seeds = seeds == 0 ? own : std::min(seeds, own);
    }
    return seeds;
  }

  void addBend(size_t parameter, const RowChange& row, const ResponseBlock& block) const {
    for (const auto& use : uses_[parameter]) {
      if (use.site->bendSeeds() > 0) use.site->addBend(use.role, row, block);
    }
  }

  /// Where only the first seeds can be bent, the impacts of all are scaled by what bending does to those of the first.
  /// `block` is [samples, all seeds, columns].
  void scaleByBend(size_t parameter, const RowChange& row, const std::vector<float>& block, int64_t some,
                   const ColumnImpacts& out) const {
    const auto columns = static_cast<int64_t>(row.change.size());
    std::vector<float> first(static_cast<size_t>(samples_ * some * columns));
    for (int64_t sample = 0; sample < samples_; ++sample)
      std::copy_n(block.data() + sample * count_ * columns, some * columns, first.data() + sample * some * columns);
    RowValues straight(seeds_.values(), columns), bent(seeds_.values(), columns);
    seeds_.reduceSquares(first.data(), some, columns, straight.places());
    addBend(parameter, row, {samples_, some, columns, first.data()});
    seeds_.reduceSquares(first.data(), some, columns, bent.places());
    for (size_t m = 0; m < seeds_.values(); ++m) {
      for (size_t j = 0; j < static_cast<size_t>(columns); ++j) {
        if (straight.impact[m][j] <= 0) continue;
        const double factor = bent.impact[m][j] / straight.impact[m][j];
        out.impact[m][j] *= factor;
        out.standard_error[m][j] *= static_cast<float>(factor);
      }
    }
  }

  [[nodiscard]] bool selected(size_t parameter, int64_t row, int64_t columns) const {
    if (options_.selection == nullptr) return true;
    const auto& mask = options_.selection->mask[parameter];
    if (mask.empty()) return false;
    const auto begin = mask.begin() + row * columns;
    return std::any_of(begin, begin + columns, [](uint8_t one) { return one != 0; });
  }

  Session& session_;
  const ResponseSeeds& seeds_;
  const NewValue& new_value_;
  const ResponseOptions& options_;
  int64_t samples_, count_;
  std::vector<std::vector<RowUse>> uses_;
};

}  // namespace

ResponseResult estimateAll(Session& session, const NewValue& new_value, const ResponseOptions& options,
                           const StageProgress& progress) {
  return estimateBy(session, new_value, {}, options, progress);
}

ResponseResult estimateBy(Session& session, const NewValue& new_value, const SeedsMaker& make,
                          const ResponseOptions& options, const StageProgress& progress) {
  ResponseResult result;
  auto [recording, outputs] = recordAssigned(session, options, result.notes);
  const auto sites = recording.handler->sites();
  const auto samples = outputs.size(0);
  const OutputView view{session.baseline(), session.layout().classes(), session.targets(),
                        samples != session.baseline().size(0)};
  const auto seeds = make ? make(view) : chooseSeeds(view, sites, session.structure(), options, result);
  const auto all_seeds = seeds->seeds();
  result.adjoints = static_cast<size_t>(all_seeds.count);
  if (outputs.requires_grad())
    takeAdjoints(sites, outputs, all_seeds, [&](double share) { progress("adjoints", share); });
  else
    for (auto* site : sites) {
      site->beginSeeds(all_seeds.count);
      site->endSeeds();
    }
  outputs = at::Tensor();
  recording.outputs = at::Tensor();

  const auto& parameters = session.structure().parameters;
  double total = 0, done = 0;
  for (const auto& info : parameters) total += static_cast<double>(info.weights());
  const float unknown = samples < 2 ? std::numeric_limits<float>::quiet_NaN() : 0.0f;
  const auto stored = options.take_row ? 0 : seeds->values();
  result.impact.resize(stored);
  result.standard_error.resize(stored);
  for (size_t m = 0; m < stored; ++m) {
    for (const auto& info : parameters) {
      result.impact[m].emplace_back(static_cast<size_t>(info.weights()), 0.0);
      result.standard_error[m].emplace_back(static_cast<size_t>(info.weights()), unknown);
    }
  }
  const auto advance = [&](int64_t weights) {
    done += static_cast<double>(weights);
    progress("response", done / total);
  };
  const RowEstimator rows(session, sites, *seeds, new_value, options, samples);
  for (size_t p = 0; p < parameters.size(); ++p) rows.estimate(p, result, advance);
  if (recording.handler->exits() == nullptr || options.take_row) return result;
  UnitEstimator units(session, *recording.handler->exits(), *seeds, new_value, options.selection, samples);
  for (const auto& parameter : session.units().parameters) units.estimate(parameter, result, advance);
  return result;
}

}  // namespace heft
