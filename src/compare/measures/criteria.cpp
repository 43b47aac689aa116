#include "compare/measures/criteria.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>

#include "compare/measures/scored_criteria.hpp"
#include "compare/measures/synflow.hpp"
#include "compare/measures/weight_criteria.hpp"
#include "data/words.hpp"
#include "engine/estimate/describe.hpp"
#include "heft/error.hpp"
#include "measure/estimate/no_estimate.hpp"
#include "measure/estimate/response.hpp"
#include "measure/session/record_sites.hpp"
#include "measure/session/session.hpp"

namespace heft {
namespace {

using Scores = WeightScores;
using Progress = std::function<void(const std::string&, double)>;

/// A change so small that the network is linear in it, relative to the weight.
constexpr double kSmall = 1.0 / 1024;

class Scorer {
 public:
  Scorer(Session& session, const CriteriaOptions& options, const Progress& progress)
      : session_(session), options_(options), progress_(progress) {
    for (const auto& parameter : session.model().parameters) {
      const auto flat = parameter.value.detach().to(at::kCPU, at::kFloat).contiguous();
      weights_.emplace_back(flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel());
    }
  }

  /// Seconds that an adjoint took which several criteria share: each would have needed it alone.
  [[nodiscard]] double lossSeconds() const { return loss_seconds_; }

  Scores draw(uint64_t number) const { return randomScores(weights_, options_.seed, number); }

  // One method a criterion, see kCriteria.
  Scores magnitude() { return magnitudes(weights_); }
  Scores normalisedMagnitude() { return normalisedMagnitudes(weights_); }
  Scores random() { return draw(1); }
  Scores gradient() { return ofLoss(0); }
  Scores fisher() { return ofLoss(1); }
  Scores snip() { return ofLoss(2); }
  Scores synflow() {
    progress_("synflow", 0);
    return synflowScores(session_);
  }
  Scores linear() { return scaled(smallRms(), 1 / kSmall); }

  Scores obd() {
    const auto& targets = session_.targets();
    const bool classes = session_.layout().classes() > 1 && !(targets && targets->values.defined());
    if (classes) return scaled(small(Metric::kl), 1 / (kSmall * kSmall));
    auto squares = smallRms();  // the curvature of the squared error is the outputs' own derivative, squared
    for (auto& parameter : squares) {
      for (auto& one : parameter) one *= one;
    }
    return scaled(squares, 1 / (kSmall * kSmall));
  }

  Scores wanda() {
    Scores scores;
    std::vector<std::vector<double>> squares;
    const auto& parameters = session_.structure().parameters;
    for (const auto& info : parameters) squares.emplace_back(static_cast<size_t>(info.weights()), 0.0);
    std::vector<bool> read(parameters.size(), false);
    const auto recording = recordSites(session_);
    for (const auto* site : recording.handler->sites()) {
      for (const auto& one : site->readSquares()) {
        const auto parameter = standingFor(session_.model(), one.parameter);
        if (parameter < 0) continue;  // no weights of its own, but what a function makes of several
        const auto p = static_cast<size_t>(parameter);
        const auto columns = parameters[p].columns();
        const auto sums = one.sums.contiguous();
        const auto* sum = sums.const_data_ptr<double>();
        const bool everywhere = sums.numel() == 1 && columns == 1 && !one.by_row;  // a bias
        read[p] = true;
        auto square = squares[p].begin();
        for (int64_t row = 0; row < parameters[p].rows(); ++row) {
          for (int64_t column = 0; column < columns; ++column, ++square) {
            const auto entry = everywhere ? 0 : (one.by_row ? row : column) - one.first;
            if (entry >= 0 && entry < sums.numel()) *square += sum[entry];
          }
        }
      }
    }
    for (size_t p = 0; p < squares.size(); ++p) {
      auto& own = scores.emplace_back();
      own.reserve(squares[p].size());
      for (size_t i = 0; i < squares[p].size(); ++i)
        own.push_back(read[p] ? std::abs(weights_[p][i]) * static_cast<float>(std::sqrt(squares[p][i]))
                              : std::numeric_limits<float>::quiet_NaN());
    }
    return scores;
  }

 private:
  /// `values` x `scale`, as floats.
  static Scores scaled(const std::vector<std::vector<double>>& values, double scale) {
    Scores scores;
    for (const auto& parameter : values) {
      auto& own = scores.emplace_back();
      own.reserve(parameter.size());
      for (const auto one : parameter) own.push_back(static_cast<float>(one * scale));
    }
    return scores;
  }

  static double smaller(int64_t, int64_t, double weight) { return weight * (1 - kSmall); }

  /// The three criteria of the loss's gradient come from one adjoint.
  Scores ofLoss(size_t value) {
    if (loss_.impact.empty()) {
      const auto begin = std::chrono::steady_clock::now();
      loss_ = estimateBy(session_, smaller, lossGradientSeeds, {}, progress_);
      loss_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    return scaled(loss_.impact[value], value == 1 ? 1 / (kSmall * kSmall) : 1 / kSmall);
  }

  std::vector<std::vector<double>> small(Metric metric) {
    ResponseOptions options;
    options.metrics = {metric};
    options.seed = options_.seed;
    options.most_probes = options.probes;  // a criterion is to be cheap
    options.curvature = true;              // what is wanted of kl, whose own changes would drown in rounding
    return estimateAll(session_, smaller, options, progress_).impact[0];
  }

  const std::vector<std::vector<double>>& smallRms() {
    if (rms_.empty()) rms_ = small(Metric::rms);
    return rms_;
  }

  Session& session_;
  const CriteriaOptions& options_;
  const Progress& progress_;
  Scores weights_;
  ResponseResult loss_;
  double loss_seconds_ = 0;
  std::vector<std::vector<double>> rms_;
};

struct CriterionFacts {
  Criterion criterion;
  std::string_view name, label;
  Scores (Scorer::*scores)();
  bool of_loss = false;  ///< from the one adjoint of the loss
};

constexpr std::array kCriteria{
    CriterionFacts{Criterion::magnitude, "magnitude", "|weight|", &Scorer::magnitude},
    CriterionFacts{Criterion::magnitude_normalised, "magnitude_normalised", "|weight| / rms of its matrix",
                   &Scorer::normalisedMagnitude},
    CriterionFacts{Criterion::gradient, "gradient", "gradient x weight", &Scorer::gradient, true},
    CriterionFacts{Criterion::fisher, "fisher", "Fisher", &Scorer::fisher, true},
    CriterionFacts{Criterion::snip, "snip", "SNIP", &Scorer::snip, true},
    CriterionFacts{Criterion::synflow, "synflow", "SynFlow", &Scorer::synflow},
    CriterionFacts{Criterion::linear, "linear", "linear response", &Scorer::linear},
    CriterionFacts{Criterion::obd, "obd", "OBD, diagonal Gauss-Newton", &Scorer::obd},
    CriterionFacts{Criterion::wanda, "wanda", "Wanda, |weight| x input norm", &Scorer::wanda},
    CriterionFacts{Criterion::random, "random", "random", &Scorer::random},
};

const CriterionFacts& factsOf(Criterion criterion) {
  return *std::find_if(kCriteria.begin(), kCriteria.end(),
                       [&](const CriterionFacts& one) { return one.criterion == criterion; });
}

}  // namespace

std::vector<Criterion> allCriteria() {
  std::vector<Criterion> all;
  for (const auto& one : kCriteria) all.push_back(one.criterion);
  return all;
}

std::string_view name(Criterion criterion) noexcept { return factsOf(criterion).name; }
std::string_view label(Criterion criterion) noexcept { return factsOf(criterion).label; }

Criterion parseCriterion(std::string_view text) {
  std::vector<std::string> names;
  for (const auto& one : kCriteria) {
    if (one.name == text) return one.criterion;
    names.emplace_back(one.name);
  }
  throw Error(Fault::usage, "there is no criterion '" + std::string(text) + "'; there are: " + joined(names, ", "));
}

namespace {

void addScores(Scorer& scorer, Criterion criterion, const CriteriaOptions& options, std::vector<CriterionScores>& all) {
  const auto begin = std::chrono::steady_clock::now();
  const auto& facts = factsOf(criterion);
  auto scores = (scorer.*facts.scores)();
  const double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double seconds = facts.of_loss ? std::max(taken, scorer.lossSeconds()) : taken;
  all.push_back({std::string(name(criterion)), std::string(label(criterion)), std::move(scores), seconds});
  for (size_t draw = 2; criterion == Criterion::random && draw <= options.random_draws; ++draw) {
    const auto number = std::to_string(draw);
    all.push_back({"random_" + number, "random, draw " + number, scorer.draw(draw), 0});
  }
}

}  // namespace

std::vector<CriterionScores> scoresOf(Session& session, std::span<const Criterion> criteria,
                                      const CriteriaOptions& options, const Progress& progress) {
  Scorer scorer(session, options, progress);
  std::vector<CriterionScores> all;
  for (const auto criterion : criteria) addScores(scorer, criterion, options, all);
  return all;
}

ScoredCriteria scoresThereAre(Session& session, std::span<const Criterion> criteria, const CriteriaOptions& options,
                              const Progress& progress) {
  Scorer scorer(session, options, progress);
  ScoredCriteria all;
  for (const auto criterion : criteria) {
    try {
      addScores(scorer, criterion, options, all.scores);
    } catch (const NoEstimate& none) {
      all.left_out.push_back("the criterion " + std::string(name(criterion)) +
                             " is left out, since no gradient can be had: " + none.what());
    }
  }
  return all;
}

}  // namespace heft
