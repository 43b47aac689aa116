#include "measure/removal.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "engine/executor.hpp"
#include "measure/session.hpp"
#include "measure/targets.hpp"

namespace heft {
namespace {

constexpr std::array kShares{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95};

/// A weight by its score.
struct Scored {
  float score;
  uint32_t parameter;
  int64_t index;
};

/// Scored weights, the most important first.
std::vector<Scored> inOrder(const CriterionScores& scores) {
  std::vector<Scored> order;
  for (size_t p = 0; p < scores.scores.size(); ++p) {
    const auto& own = scores.scores[p];
    for (size_t i = 0; i < own.size(); ++i) {
      if (!std::isnan(own[i])) order.push_back({own[i], static_cast<uint32_t>(p), static_cast<int64_t>(i)});
    }
  }
  std::sort(order.begin(), order.end(), [](const Scored& a, const Scored& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.parameter != b.parameter ? a.parameter < b.parameter : a.index < b.index;
  });
  return order;
}

/// All of these weights set to zero.
Variant without(std::span<const Scored> weights, size_t parameters) {
  std::vector<Change> changes(parameters);
  for (const auto& one : weights) changes[one.parameter].index.push_back(one.index);
  Variant variant;
  for (size_t p = 0; p < parameters; ++p) {
    auto& change = changes[p];
    if (change.index.empty()) continue;
    std::sort(change.index.begin(), change.index.end());
    change.parameter = static_cast<int64_t>(p);
    change.value.assign(change.index.size(), 0.0);
    variant.changes.push_back(std::move(change));
  }
  return variant;
}

void judge(const Session& session, const at::Tensor& outputs, std::optional<double>& loss,
           std::optional<double>& correct) {
  const auto& targets = session.targets();
  if (!targets) return;
  const auto classes = session.layout().classes();
  loss = meanLoss(outputs, *targets, classes);
  if (targets->classes.defined()) correct = accuracy(outputs.unsqueeze(0), *targets, classes).item<double>();
}

/// The variant, run.
RemovalPoint pointOf(const Session& session, Executor& executor, const Variant& variant, double share) {
  const at::NoGradGuard no_grad;
  RemovalPoint point;
  point.share = share;
  executor.execute({&variant, 1}, [&](size_t, const at::Tensor& received) {
    const auto& outputs = received[0];
    const auto squares = (outputs - session.baseline()).square().mean(1).to(at::kCPU).contiguous();
    point.change = squares.mean().sqrt().item<double>();
    const auto each = squares.sqrt();
    point.sample_change.assign(each.const_data_ptr<double>(), each.const_data_ptr<double>() + each.numel());
    judge(session, outputs, point.loss, point.accuracy);
  });
  return point;
}

}  // namespace

std::span<const double> removalShares() noexcept { return kShares; }

RemovalBaseline removalBaseline(Session& session) {
  RemovalBaseline baseline;
  judge(session, session.baseline(), baseline.loss, baseline.accuracy);
  baseline.rms = session.baseline().square().mean().sqrt().item<double>();
  return baseline;
}

std::vector<RemovalCurve> removalCurves(Session& session, const CriterionScores& scores, std::span<const double> shares,
                                        const std::function<void(double share)>& progress) {
  const auto order = inOrder(scores);
  const auto executor = makeLoopExecutor(session.runner(), session.layout());
  std::vector<RemovalCurve> curves{{scores.name, true, {}}, {scores.name, false, {}}};
  double done = 0;
  for (auto& curve : curves) {
    for (const double share : shares) {
      const auto count = static_cast<size_t>(std::llround(share * static_cast<double>(order.size())));
      const std::span<const Scored> all(order);
      const auto variant = without(curve.deletion ? all.first(count) : all.subspan(count), scores.scores.size());
      curve.points.push_back(pointOf(session, *executor, variant, share));
      progress(++done / static_cast<double>(2 * shares.size()));
    }
  }
  return curves;
}

RemovalPoint removeWeights(Session& session, std::span<const std::vector<std::uint8_t>> kept) {
  std::vector<Scored> removed;
  size_t all = 0;
  for (size_t p = 0; p < kept.size(); ++p) {
    all += kept[p].size();
    for (size_t i = 0; i < kept[p].size(); ++i) {
      if (kept[p][i] == 0) removed.push_back({0, static_cast<uint32_t>(p), static_cast<int64_t>(i)});
    }
  }
  const auto executor = makeLoopExecutor(session.runner(), session.layout());
  const double share = static_cast<double>(removed.size()) / static_cast<double>(std::max<size_t>(all, 1));
  return pointOf(session, *executor, without(removed, kept.size()), share);
}

}  // namespace heft
