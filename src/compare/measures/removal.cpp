#include "compare/measures/removal.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "analysis/top_shares.hpp"
#include "engine/execute/zero_scope.hpp"
#include "measure/metrics/targets.hpp"
#include "measure/rank/zeroed.hpp"
#include "measure/session/session.hpp"

namespace heft {
namespace {

constexpr std::array kShares{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95};

void judge(const Session& session, const at::Tensor& outputs, std::optional<double>& loss,
           std::optional<double>& correct) {
  const auto& targets = session.targets();
  if (!targets) return;
  const auto classes = session.layout().classes();
  loss = meanLoss(outputs, *targets, classes);
  if (targets->classes.defined()) correct = accuracy(outputs.unsqueeze(0), *targets, classes).item<double>();
}

RemovalPoint pointOf(const Session& session, const at::Tensor& outputs, double share) {
  const at::NoGradGuard no_grad;
  RemovalPoint point;
  point.share = share;
  const auto squares = (outputs - session.baseline()).square().mean(1).to(at::kCPU).contiguous();
  point.change = squares.mean().sqrt().item<double>();
  const auto each = squares.sqrt();
  point.sample_change.assign(each.const_data_ptr<double>(), each.const_data_ptr<double>() + each.numel());
  judge(session, outputs, point.loss, point.accuracy);
  return point;
}

}  // namespace

std::span<const double> removalShares() noexcept { return kShares; }

RemovalBaseline removalBaseline(Session& session) {
  RemovalBaseline baseline;
  judge(session, session.baseline(), baseline.loss, baseline.accuracy);
  baseline.rms = session.outputRms();
  return baseline;
}

std::vector<RemovalCurve> removalCurves(Session& session, const CriterionScores& scores, std::span<const double> shares,
                                        const std::function<void(double share)>& progress) {
  const auto taken = topShares(scores.scores, shares);
  std::vector<RemovalCurve> curves{{scores.name, true, {}}, {scores.name, false, {}}};
  double done = 0;
  ZeroScope zeroed(session.model());
  const auto remove = [&](size_t share) {
    for (size_t p = 0; p < taken[share].size(); ++p) zeroed.zero(p, taken[share][p]);
  };
  const auto run = [&](RemovalCurve& curve, size_t share) {
    curve.points.push_back(pointOf(session, outputsOf(session), shares[share]));
    progress(++done / static_cast<double>(2 * shares.size()));
  };
  for (size_t k = 0; k < shares.size(); ++k) {
    remove(k);
    run(curves[0], k);
  }
  zeroed.putBack();
  // From the other end, so that weights only go: at each point those after its share are gone.
  for (size_t k = shares.size(); k-- > 0;) {
    remove(k + 1);
    run(curves[1], k);
  }
  std::reverse(curves[1].points.begin(), curves[1].points.end());
  return curves;
}

RemovalPoint removeWeights(Session& session, std::span<const std::vector<std::uint8_t>> kept) {
  std::vector<at::Tensor> masks;
  int64_t removed = 0, all = 0;
  for (const auto& one : kept) {
    const auto stays = at::from_blob(const_cast<std::uint8_t*>(one.data()), {std::ssize(one)}, at::kByte);
    masks.push_back(stays.eq(0));
    removed += masks.back().sum().item<int64_t>();
    all += masks.back().numel();
  }
  return pointOf(session, outputsWithout(session, masks),
                 static_cast<double>(removed) / static_cast<double>(std::max<int64_t>(all, 1)));
}

}  // namespace heft
