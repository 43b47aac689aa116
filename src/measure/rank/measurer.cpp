#include "measure/rank/measurer.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

#include "analysis/random.hpp"
#include "engine/execute/executor_pace.hpp"

namespace heft {
namespace {

constexpr double kFlushSeconds = 10;

/// Variants that are measured between two looks at the checkpoint: fewer where each takes longer, since a killed run loses
/// what it measured of the last block. From the model's size and the kind of device alone, so that every run has the same blocks.
std::size_t blockSize(std::size_t weights, bool on_cpu) {
  if (!on_cpu) return 2048;  // a device takes a fraction of a second for them, and works best on many
  return weights < 100'000 ? 1024 : weights < 1'000'000 ? 256 : 128;
}

}  // namespace

std::size_t blockOf(const Session& session) {
  return blockSize(FlatWeights(session.structure()).size(), session.options().device().is_cpu());
}

Measurer::Measurer(Session& session, const RankSettings& settings, std::unique_ptr<Executor> executor,
                   Checkpoint& checkpoint)
    : session_(session),
      metrics_wanted_(settings.metrics),
      executor_(std::move(executor)),
      checkpoint_(checkpoint),
      metrics_(metricsOf(session)),
      flat_(session.structure()),
      block_(blockOf(session)) {
  for (const auto metric : metrics_wanted_) metrics_.require(metric);
  if (settings.by != GroupBy::none) groups_.emplace(session, settings);
  for (const auto& parameter : session.model().parameters) {
    const auto values = parameter.value.detach().to(at::kCPU, at::kDouble).contiguous();
    const auto* data = values.const_data_ptr<double>();
    values_.emplace_back(data, data + values.numel());
  }
  for (std::size_t p = 0; p < values_.size(); ++p) {
    perturbers_.emplace_back(values_[p], settings.perturbation, settings.seed, static_cast<int64_t>(p));
  }
}

std::vector<Measured> Measurer::measuredOf(const at::Tensor& outputs) const {
  std::vector<Measured> measured(static_cast<std::size_t>(outputs.size(0)));
  // Outputs that moved by no more than the rounding of the two runs did not move: that noise must not be ranked.
  const auto moved = (outputs - session_.baseline()).abs().amax({1, 2}).to(at::kCPU).contiguous();
  const auto* largest = moved.const_data_ptr<double>();
  const double noise = session_.noise();
  for (const auto metric : metrics_wanted_) {
    const auto found = metrics_.measure(metric, outputs);
    const auto value = found.value.to(at::kCPU).contiguous();
    const auto error = standardError(metric, found.sample, session_.together()).to(at::kCPU).contiguous();
    for (std::size_t v = 0; v < measured.size(); ++v) {
      const bool still = largest[v] <= noise;
      measured[v].value.push_back(still ? 0 : value.const_data_ptr<double>()[v]);
      measured[v].standard_error.push_back(still ? 0 : error.const_data_ptr<double>()[v]);
    }
  }
  return measured;
}

std::optional<Variant> Measurer::variantOf(std::uint64_t flat) const {
  const auto place = flat_.place(flat);
  const double weight = values_[static_cast<std::size_t>(place.parameter)][static_cast<std::size_t>(place.index)];
  const double value = newValue(place.parameter, place.index, weight);
  if (value == weight) return std::nullopt;
  return Variant{{{place.parameter, {place.index}, {value}}}};
}

void Measurer::prepare() {
  if (probes_.empty()) return;
  std::vector<Variant> variants;
  for (const auto one : probes_) {
    if (auto variant = variantOf(one)) variants.push_back(std::move(*variant));
  }
  probes_.clear();
  executor_->prepare(variants);
}

void Measurer::measureBlocks(std::span<const std::uint64_t> flat, const std::function<void(std::size_t)>& heard) {
  const auto metrics = metrics_wanted_.size();
  std::vector<std::vector<double>> rows(flat.size(), std::vector<double>(2 * metrics, 0.0));
  prepare();
  // A weight that the perturbation leaves as it is moves nothing, and that is known without a run.
  std::vector<std::size_t> moved;
  std::vector<Variant> variants;
  for (std::size_t i = 0; i < flat.size(); ++i) {
    auto variant = variantOf(flat[i]);
    if (!variant) continue;
    moved.push_back(i);
    variants.push_back(std::move(*variant));
  }
  const auto begin = std::chrono::steady_clock::now();
  executor_->execute(variants, [&](std::size_t first, const at::Tensor& outputs) {
    const auto measured = measuredOf(outputs);
    for (std::size_t v = 0; v < measured.size(); ++v) {
      auto& row = rows[moved[first + v]];
      std::copy(measured[v].value.begin(), measured[v].value.end(), row.begin());
      std::copy(measured[v].standard_error.begin(), measured[v].standard_error.end(),
                row.begin() + static_cast<std::ptrdiff_t>(metrics));
    }
    heard(moved[first + measured.size() - 1] + 1);
  });
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  executed_ += variants.size();
  for (std::size_t i = 0; i < flat.size(); ++i) checkpoint_.add(flat[i], rows[i]);
  checkpoint_.flushIfDue(kFlushSeconds);
}

std::vector<Measured> Measurer::weights(std::span<const std::uint64_t> flat, const Progress& progress) {
  // Weights of one parameter lie together, and within it in order: what the executor can batch.
  std::vector<std::uint64_t> sorted(flat.begin(), flat.end());
  std::sort(sorted.begin(), sorted.end());
  const auto blockAt = [&](std::size_t first) {
    return std::span(sorted).subspan(first, std::min(block_, sorted.size() - first));
  };
  const auto known = [&](std::size_t first) {
    const auto block = blockAt(first);
    return std::all_of(block.begin(), block.end(), [&](std::uint64_t one) { return checkpoint_.has(one); });
  };
  for (std::size_t first = 0; first < sorted.size();) {
    auto next = first + blockAt(first).size();
    if (!known(first)) {
      for (std::size_t more = 1; more < executor_->together() && next < sorted.size() && !known(next); ++more)
        next += blockAt(next).size();
      measureBlocks(std::span(sorted).subspan(first, next - first),
                    [&](std::size_t done) { progress(first + done, sorted.size()); });
    }
    first = next;
    progress(first, sorted.size());
  }
  const auto metrics = static_cast<std::ptrdiff_t>(metrics_wanted_.size());
  std::vector<Measured> measured;
  measured.reserve(flat.size());
  for (const auto one : flat) {
    const auto row = checkpoint_.row(one);
    measured.push_back({{row.begin(), row.begin() + metrics}, {row.begin() + metrics, row.end()}});
  }
  return measured;
}

bool Measurer::runsAlone(std::int64_t parameter) const {
  const auto* pace = dynamic_cast<const ExecutorPace*>(executor_.get());
  return pace == nullptr || pace->runsAlone(parameter);
}

bool Measurer::moves(std::int64_t parameter, std::span<const std::int64_t> places) {
  const auto& values = values_[static_cast<std::size_t>(parameter)];
  std::vector<Variant> variants(2);
  for (std::size_t way = 0; way < variants.size(); ++way) {
    Change change{parameter, {}, {}};
    Random random(0, "do they move the output", static_cast<std::uint64_t>(parameter));
    for (const auto place : places) {
      const double weight = values[static_cast<std::size_t>(place)];
      change.index.push_back(place);
      change.value.push_back(way == 0 ? newValue(parameter, place, weight) : weight * (1 + 0.5 * random.sign()));
    }
    variants[way].changes.push_back(std::move(change));
  }
  bool any = false;
  const auto loop = makeLoopExecutor(session_.runner(), session_.layout());
  loop->execute(variants, [&](std::size_t, const at::Tensor& outputs) {
    const auto moved = (outputs - session_.baseline()).abs().max().item<double>();
    any |= !(moved <= session_.noise());  // NaN moves, too
  });
  return any;
}

Variant Measurer::variantOf(const Component& component) const {
  Variant variant;
  for (const auto& set : component.sets) {
    variant.changes.push_back(
        {set.parameter, set.index, perturbers_[static_cast<std::size_t>(set.parameter)].change(set.index)});
  }
  return variant;
}

void Measurer::prepareOn(const Component& component) {
  prepare();
  executor_->prepare(std::vector<Variant>{variantOf(component)});
}

at::Tensor Measurer::outputs(const Component& component) {
  prepare();
  const std::vector<Variant> variants{variantOf(component)};
  at::Tensor outputs;
  const auto begin = std::chrono::steady_clock::now();
  executor_->execute(variants, [&](std::size_t, const at::Tensor& received) { outputs = received[0].clone(); });
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ++executed_;
  return outputs;
}

MeasuredComponent Measurer::component(const Component& component) {
  const auto outputs = this->outputs(component);
  MeasuredComponent measured{measuredOf(outputs.unsqueeze(0))[0], {}};
  if (groups_) measured.groups = groups_->measure(outputs);
  return measured;
}

}  // namespace heft
