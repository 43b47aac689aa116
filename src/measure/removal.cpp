#include "measure/removal.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "analysis/order.hpp"
#include "measure/session.hpp"
#include "measure/targets.hpp"
#include "measure/zeroed.hpp"

namespace heft {
namespace {

constexpr std::array kShares{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95};

/// The order in which weights go, as the first share of `shares` (ascending) that takes each, from the most important on:
/// int8 [weights] by parameter, the number of shares where none does, -1 where a weight has no score. Of equal scores the
/// one that stands first in the model goes first.
std::vector<at::Tensor> firstShares(const CriterionScores& scores, std::span<const double> shares) {
  std::vector<float> all;
  std::vector<uint32_t> scored;
  for (const auto& own : scores.scores) {
    for (const float one : own) {
      if (!std::isnan(one)) scored.push_back(static_cast<uint32_t>(all.size()));
      all.push_back(-one);
    }
  }
  const auto count = static_cast<double>(scored.size());
  std::vector<int8_t> first(all.size(), -1);
  if (!scored.empty()) {
    const auto order = ascendingOrder(std::span<const float>(all), std::move(scored));
    size_t share = 0;
    for (size_t rank = 0; rank < order.size(); ++rank) {
      while (share < shares.size() && rank >= static_cast<size_t>(std::llround(shares[share] * count))) ++share;
      first[order[rank]] = static_cast<int8_t>(share);
    }
  }
  std::vector<at::Tensor> parts;
  auto next = first.begin();
  for (const auto& own : scores.scores) {
    const auto size = static_cast<int64_t>(own.size());
    auto part = at::empty({size}, at::kChar);
    std::copy_n(next, size, part.mutable_data_ptr<int8_t>());
    next += size;
    parts.push_back(std::move(part));
  }
  return parts;
}

void judge(const Session& session, const at::Tensor& outputs, std::optional<double>& loss,
           std::optional<double>& correct) {
  const auto& targets = session.targets();
  if (!targets) return;
  const auto classes = session.layout().classes();
  loss = meanLoss(outputs, *targets, classes);
  if (targets->classes.defined()) correct = accuracy(outputs.unsqueeze(0), *targets, classes).item<double>();
}

/// The model run with the masked weights at zero.
RemovalPoint pointWithout(Session& session, const std::vector<at::Tensor>& masks, double share) {
  const at::NoGradGuard no_grad;
  const auto outputs = outputsWithout(session, masks);
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
  baseline.rms = session.baseline().square().mean().sqrt().item<double>();
  return baseline;
}

std::vector<RemovalCurve> removalCurves(Session& session, const CriterionScores& scores, std::span<const double> shares,
                                        const std::function<void(double share)>& progress) {
  const auto first = firstShares(scores, shares);
  std::vector<RemovalCurve> curves{{scores.name, true, {}}, {scores.name, false, {}}};
  double done = 0;
  for (auto& curve : curves) {
    for (size_t k = 0; k < shares.size(); ++k) {
      std::vector<at::Tensor> masks;
      for (const auto& one : first) {
        const auto limit = static_cast<int64_t>(k);
        masks.push_back(curve.deletion ? one.ge(0).logical_and_(one.le(limit)) : one.gt(limit));
      }
      curve.points.push_back(pointWithout(session, masks, shares[k]));
      progress(++done / static_cast<double>(2 * shares.size()));
    }
  }
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
  return pointWithout(session, masks, static_cast<double>(removed) / static_cast<double>(std::max<int64_t>(all, 1)));
}

}  // namespace heft
