#include "measure/unit_estimator.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

namespace heft {

UnitEstimator::UnitEstimator(Session& session, const ExitSite& exits, const ResponseSeeds& seeds,
                             const NewValue& new_value, const Selection* selection, int64_t samples)
    : session_(session),
      exits_(exits),
      seeds_(seeds),
      new_value_(new_value),
      selection_(selection),
      samples_(samples),
      runner_(session.runner(), session.units()) {}

bool UnitEstimator::selected(int64_t parameter, int64_t flat) const {
  if (selection_ == nullptr) return true;
  const auto& mask = selection_->mask[static_cast<size_t>(parameter)];
  return !mask.empty() && mask[static_cast<size_t>(flat)] != 0;
}

UnitEstimator::Places UnitEstimator::placesOf(const UnitParameter& units) const {
  std::vector<std::vector<std::pair<int64_t, int64_t>>> sorted(static_cast<size_t>(units.units * samples_));
  int64_t own = 0;
  for (const auto& exit : units.exits) {
    const auto* unit = exit.unit.const_data_ptr<int64_t>();
    const auto first = exits_.firstPosition(exit.index);
    for (int64_t i = 0; exits_.moves(exit.index) && i < exit.unit.numel(); ++i) {
      const auto sample = exits_.samples()[static_cast<size_t>(first + i)];
      if (unit[i] >= 0 && sample >= 0)
        sorted[static_cast<size_t>(unit[i] * samples_ + sample)].emplace_back(own + i, first + i);
    }
    own += exit.unit.numel();
  }
  Places places;
  for (const auto& one : sorted) places.points = std::max(places.points, static_cast<int64_t>(one.size()));
  places.own = at::full({units.units, samples_ * places.points}, own, at::kLong);
  places.exit = at::zeros({units.units, samples_ * places.points}, at::kLong);
  auto* to_own = places.own.mutable_data_ptr<int64_t>();
  auto* to_exit = places.exit.mutable_data_ptr<int64_t>();
  for (size_t i = 0; i < sorted.size(); ++i) {
    auto at = static_cast<int64_t>(i) * places.points;
    for (const auto& [a, b] : sorted[i]) {
      to_own[at] = a;
      to_exit[at++] = b;
    }
  }
  return places;
}

void UnitEstimator::store(const UnitParameter& units, const Places& places, const at::Tensor& changes,
                          const std::vector<std::vector<UnitParameter::Weight>>& weights,
                          ResponseResult& result) const {
  const auto variants = changes.size(0);
  const auto count = exits_.lambda().size(1);
  const auto parameter = static_cast<size_t>(units.parameter);
  // One more position, of no change, for what is padded.
  const auto padded = at::constant_pad_nd(changes.to(at::kCPU, at::kFloat), {0, 1}).t().contiguous();
  // flat place by [unit][variant], -1 where the variant changes nothing in the unit
  std::vector<int64_t> flat(static_cast<size_t>(units.units * variants), -1);
  for (size_t v = 0; v < weights.size(); ++v) {
    for (const auto& weight : weights[v]) flat[static_cast<size_t>(weight.unit * variants) + v] = weight.flat;
  }
  at::parallel_for(0, units.units, 1, [&](int64_t begin, int64_t end) {
    std::vector<std::vector<double>> impact(result.impact.size(), std::vector<double>(static_cast<size_t>(variants)));
    std::vector<std::vector<float>> error(impact.size(), std::vector<float>(static_cast<size_t>(variants)));
    ColumnImpacts out;
    for (size_t m = 0; m < impact.size(); ++m) {
      out.impact.push_back(impact[m].data());
      out.standard_error.push_back(error[m].data());
    }
    for (int64_t unit = begin; unit < end; ++unit) {
      const auto emission = padded.index_select(0, places.own[unit]).view({samples_, places.points, variants});
      const auto lambda = exits_.lambda().index_select(0, places.exit[unit]).view({samples_, places.points, count});
      const auto block = at::bmm(lambda.transpose(1, 2), emission).contiguous();
      seeds_.reduce(block.const_data_ptr<float>(), variants, out);
      for (size_t v = 0; v < weights.size(); ++v) {
        const auto place = flat[static_cast<size_t>(unit * variants) + v];
        if (place < 0) continue;
        for (size_t m = 0; m < impact.size(); ++m) {
          result.impact[m][parameter][static_cast<size_t>(place)] = impact[m][v];
          result.standard_error[m][parameter][static_cast<size_t>(place)] = error[m][v];
        }
      }
    }
  });
}

void UnitEstimator::estimate(const UnitParameter& units, ResponseResult& result,
                             const std::function<void(int64_t)>& advance) {
  const auto places = placesOf(units);
  if (places.points == 0) return;
  const auto value = session_.model().weights(units.parameter).value.detach();
  const auto now = value.to(at::kCPU, at::kDouble).contiguous();
  const auto* weight_now = now.const_data_ptr<double>();
  const auto most = runner_.most(units);
  std::vector<Variant> variants;
  std::vector<std::vector<UnitParameter::Weight>> weights;
  const auto run = [&] {
    if (variants.empty()) return;
    store(units, places, runner_.run(units, variants), weights, result);
    int64_t done = 0;
    for (const auto& some : weights) done += static_cast<int64_t>(some.size());
    advance(done);
    variants.clear();
    weights.clear();
  };
  for (int64_t colour = 0; colour < units.colours; ++colour) {
    for (const auto variant : units.variants) {
      auto some = units.weights(variant, colour);
      std::erase_if(some, [&](const auto& one) { return !selected(units.parameter, one.flat); });
      if (some.empty()) continue;
      Change change{units.parameter, {}, {}};
      for (const auto& one : some) {
        change.index.push_back(one.flat);
        change.value.push_back(new_value_(units.parameter, one.flat, weight_now[one.flat]));
      }
      variants.push_back({{std::move(change)}});
      weights.push_back(std::move(some));
      if (static_cast<int64_t>(variants.size()) == most) run();
    }
    run();  // variants of one colour change weights of about as many rows
  }
}

}  // namespace heft
