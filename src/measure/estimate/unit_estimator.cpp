#include "measure/estimate/unit_estimator.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "data/stop.hpp"
#include "engine/forward/weight_functions.hpp"

namespace heft {
namespace {

std::vector<double> doublesOf(const at::Tensor& value) {
  const auto flat = value.detach().to(at::kCPU, at::kDouble).contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

}  // namespace

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

void UnitEstimator::store(const UnitParameter& units, size_t parameter, const Places& places, const at::Tensor& changes,
                          const std::vector<std::vector<Trial>>& weights, ResponseResult& result) const {
  const auto variants = changes.size(0);
  const auto count = exits_.lambda().size(1);
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
      stopIfAsked();
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

void UnitEstimator::trialsOfParameter(const UnitParameter& units, const TakeTrials& take) const {
  const auto now = doublesOf(session_.model().weights(units.parameter).value);
  for (int64_t colour = 0; colour < units.colours; ++colour) {
    for (const auto variant : units.variants) {
      std::vector<Trial> some;
      for (const auto& one : units.weights(variant, colour)) {
        if (!selected(units.parameter, one.flat)) continue;
        const auto value = new_value_(units.parameter, one.flat, now[static_cast<size_t>(one.flat)]);
        some.push_back({one.unit, one.flat, {one.flat}, {value}});
      }
      if (!some.empty()) take(std::move(some));
    }
    take({});  // variants of one colour change weights of about as many rows
  }
}

void UnitEstimator::trialsOfElements(const UnitParameter& units, const WeightLink& link, const TakeTrials& take) const {
  const auto made = madeBy(link, 0, 0);
  const auto now = doublesOf(session_.model().weights(units.parameter).value);
  std::vector<int64_t> weight_of(now.size(), -1);
  for (size_t i = 0; i < link.target.size(); ++i) {
    if (link.target[i] >= 0) weight_of[static_cast<size_t>(link.target[i])] = static_cast<int64_t>(i);
  }
  const auto* change = made.elements.const_data_ptr<float>();
  for (int64_t colour = 0; colour < units.colours; ++colour) {
    for (const auto variant : units.variants) {
      std::vector<Trial> some;
      for (const auto& one : units.weights(variant, colour)) {
        const auto weight = weight_of[static_cast<size_t>(one.flat)];
        if (weight < 0 || !selected(link.parameter, weight)) continue;
        some.push_back({one.unit, weight, {one.flat}, {now[static_cast<size_t>(one.flat)] + change[weight]}});
      }
      if (!some.empty()) take(std::move(some));
    }
    take({});
  }
}

void UnitEstimator::trialsOfRows(const UnitParameter& units, const WeightLink& link, const TakeTrials& take) const {
  const auto& parameter = session_.model().weights(link.parameter).value;
  const auto width = columnsOf(parameter), rows = std::ssize(link.target);
  const auto made = madeBy(link, 0, rows);
  const auto now = doublesOf(session_.model().weights(units.parameter).value);
  std::vector<int64_t> row_of(static_cast<size_t>(units.features), -1);
  for (int64_t row = 0; row < rows; ++row) {
    if (link.target[static_cast<size_t>(row)] >= 0)
      row_of[static_cast<size_t>(link.target[static_cast<size_t>(row)])] = row;
  }
  for (int64_t colour = 0; colour < units.colours; ++colour) {
    for (int64_t column = 0; column < width; ++column) {
      std::vector<Trial> some;
      for (int64_t unit = 0; unit < units.units; ++unit) {
        const auto feature = units.feature[static_cast<size_t>(unit * units.colours + colour)];
        const auto row = feature < 0 ? -1 : row_of[static_cast<size_t>(feature)];
        if (row < 0 || !selected(link.parameter, row * width + column)) continue;
        Trial trial{unit, row * width + column, {}, {}};
        const auto* change = made.rows.const_data_ptr<float>() + (row * width + column) * made.columns;
        for (int64_t j = 0; j < made.columns; ++j) {
          trial.index.push_back(feature * made.columns + j);
          trial.value.push_back(now[static_cast<size_t>(feature * made.columns + j)] + change[j]);
        }
        some.push_back(std::move(trial));
      }
      if (!some.empty()) take(std::move(some));
    }
    take({});
  }
}

DerivedRows UnitEstimator::madeBy(const WeightLink& link, int64_t first, int64_t count) const {
  const auto before = doublesOf(session_.model().weights(link.parameter).value);
  auto after = before;
  for (size_t i = 0; i < after.size(); ++i) after[i] = new_value_(link.parameter, static_cast<int64_t>(i), before[i]);
  return derivedRows(session_.model(), link, before, after, first, count);
}

void UnitEstimator::estimate(const UnitParameter& units, ResponseResult& result,
                             const std::function<void(int64_t)>& advance) {
  const auto places = placesOf(units);
  if (places.points == 0) return;
  const auto& model = session_.model();
  const auto own = static_cast<int64_t>(model.parameters.size());
  if (units.parameter < own) {
    estimate(
        units, static_cast<size_t>(units.parameter), places,
        [&](const TakeTrials& take) { trialsOfParameter(units, take); }, result, advance);
    return;
  }
  for (const auto& link : model.functions->sources()[static_cast<size_t>(units.parameter - own)].links) {
    const auto trials = [&](const TakeTrials& take) {
      link.by_row ? trialsOfRows(units, link, take) : trialsOfElements(units, link, take);
    };
    estimate(units, static_cast<size_t>(link.parameter), places, trials, result, advance);
  }
}

void UnitEstimator::estimate(const UnitParameter& units, size_t parameter, const Places& places,
                             const std::function<void(const TakeTrials&)>& trials, ResponseResult& result,
                             const std::function<void(int64_t)>& advance) {
  const auto most = runner_.most(units);
  std::vector<Variant> variants;
  std::vector<std::vector<Trial>> weights;
  const auto run = [&] {
    if (variants.empty()) return;
    store(units, parameter, places, runner_.run(units, variants), weights, result);
    int64_t done = 0;
    for (const auto& some : weights) done += std::ssize(some);
    advance(done);
    variants.clear();
    weights.clear();
  };
  trials([&](std::vector<Trial> some) {
    if (some.empty()) return run();
    Change change{units.parameter, {}, {}};
    for (auto& one : some) {
      change.index.insert(change.index.end(), one.index.begin(), one.index.end());
      change.value.insert(change.value.end(), one.value.begin(), one.value.end());
    }
    variants.push_back({{std::move(change)}});
    weights.push_back(std::move(some));
    if (static_cast<int64_t>(variants.size()) == most) run();
  });
  run();
}

}  // namespace heft
