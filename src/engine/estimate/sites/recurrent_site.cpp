#include "engine/estimate/sites/recurrent_site.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/cells/cell_points.hpp"
#include "engine/kernels/device_kernels.hpp"

namespace heft {

RecurrentSite::RecurrentSite(std::string name, CellKind kind, CellWeights weights, std::array<int64_t, 5> parameters,
                             CallForm form, SiteOptions options)
    : name_(std::move(name)),
      kind_(kind),
      weights_(std::move(weights)),
      parameters_(parameters),
      form_(form),
      options_(options) {
  const auto gates = static_cast<int64_t>(gateNames(kind_).size());
  const auto hidden = weights_.recurrent.size(0) / gates;
  auto recurrent = weights_.recurrent.detach();
  if (weights_.projection.defined()) recurrent = recurrent.matmul(weights_.projection.detach());
  own_weights_ = recurrent.view({gates, hidden, hidden}).diagonal(0, 1, 2).reshape({gates * hidden});
  if (!options_.own) own_weights_ = at::zeros_like(own_weights_);
}

RecurrentSite::~RecurrentSite() = default;

bool RecurrentSite::continuesWith(const LayerInput& input) const {
  if (!last_emitted_.defined() || last_emitted_.sizes() != input.hidden.sizes()) return false;
  if (!last_emitted_.detach().equal(input.hidden.detach())) return false;
  return !input.carry.defined() || last_carry_.detach().equal(input.carry.detach());
}

int64_t RecurrentSite::steps() const {
  int64_t steps = 0;
  for (const auto& record : records_) steps += record.emission_leaf.size(0);
  return steps;
}

std::vector<SiteUse> RecurrentSite::uses() const {
  std::vector<SiteUse> uses;
  for (int role = 0; role < 5; ++role) {
    if (parameters_.at(static_cast<size_t>(role)) >= 0)
      uses.push_back({parameters_.at(static_cast<size_t>(role)), role});
  }
  return uses;
}

std::vector<at::Tensor> RecurrentSite::leaves() const {
  std::vector<at::Tensor> leaves;
  for (const auto& record : records_) {
    leaves.push_back(record.emission_leaf);
    if (record.projection_leaf.defined()) leaves.push_back(record.projection_leaf);
    if (record.carry_leaf.defined()) leaves.push_back(record.carry_leaf);
  }
  return leaves;
}

std::vector<SiteRead> RecurrentSite::reads() const {
  std::vector<at::Tensor> values;
  for (const auto& record : records_) values.insert(values.end(), record.read.begin(), record.read.end());
  if (values.empty() || parameters_[weight_ih] < 0) return {};
  return {{parameters_[weight_ih], 0, false, at::cat(values)}};
}

std::vector<ReadSquares> RecurrentSite::readSquares() const {
  const auto input = weights_.input.size(1);
  auto read = at::zeros({input}, at::kDouble);
  auto before = at::zeros({weights_.recurrent.size(1)}, at::kDouble);
  auto hidden = at::zeros({own_weights_.numel() / static_cast<int64_t>(gateNames(kind_).size())}, at::kDouble);
  double readings = 0;
  for (const auto& record : records_) {
    for (size_t t = 0; t < record.read.size(); ++t) {
      const auto active = record.active[t].to(at::kDouble).unsqueeze(1);
      const auto squares = [&](const at::Tensor& values) { return (values.square() * active).sum(0).to(at::kCPU); };
      read += squares(record.read[t]);
      before += squares(record.emitted_before[t]);
      hidden += squares(record.hidden[t]);
      readings += active.sum().item<double>();
    }
  }
  const auto ones = at::full({1}, readings, at::kDouble);
  std::vector<ReadSquares> all;
  const auto add = [&](Role role, const at::Tensor& sums) {
    if (parameters_[role] >= 0) all.push_back({parameters_[role], 0, false, sums});
  };
  add(weight_ih, read);
  add(weight_hh, before);
  add(bias_ih, ones);
  add(bias_hh, ones);
  add(weight_hr, hidden);
  return all;
}

at::Tensor RecurrentSite::emissions() const {
  std::vector<at::Tensor> values;
  for (const auto& record : records_) values.insert(values.end(), record.hidden.begin(), record.hidden.end());
  return at::cat(values);
}

namespace {

/// Gradients of all leaves of a site as one float64 [rows, features], zeros where there is none.
at::Tensor rowsOf(std::span<const at::Tensor> gradients, const std::vector<at::Tensor>& leaves, int64_t rows) {
  std::vector<at::Tensor> parts;
  for (size_t i = 0; i < leaves.size(); ++i) {
    auto one = gradients[i].defined() ? gradients[i] : at::zeros_like(leaves[i]);
    parts.push_back(one.dim() == 3 ? one.transpose(0, 1).reshape({rows, -1}) : one.reshape({rows, -1}));
  }
  return at::cat(parts, 1).to(at::kDouble);
}

}  // namespace

bool RecurrentSite::assignSamples(std::span<const at::Tensor> once, std::span<const at::Tensor> weighted,
                                  int64_t samples) {
  const auto rows = records_.at(0).emission_leaf.size(1);
  size_t next = 0;
  carry_used_.clear();
  for (const auto& record : records_) {
    next += record.projection_leaf.defined() ? 2 : 1;
    if (!record.carry_leaf.defined()) continue;
    const auto& gradient = once[next++];
    carry_used_.push_back(gradient.defined() && gradient.abs().max().item<double>() > 0);
  }
  return sampleOfRows(rowsOf(once, leaves(), rows), rowsOf(weighted, leaves(), rows), samples, samples_);
}

void RecurrentSite::assignOneSample() { samples_.assign(static_cast<size_t>(records_.at(0).emission_leaf.size(1)), 0); }

void RecurrentSite::keepSquares() {
  // Rows of one sample add up before they are squared; a projection's weights and corners read each seed by itself.
  auto samples = samples_;
  std::sort(samples.begin(), samples.end());
  const auto first = std::find_if(samples.begin(), samples.end(), [](int64_t one) { return one >= 0; });
  const bool apart = std::adjacent_find(first, samples.end()) == samples.end();
  squares_ = apart && !weights_.projection.defined() && kind_ != CellKind::rnn_relu;
}

double RecurrentSite::adjointBytes(int64_t seeds, int64_t samples) const {
  if (!squares_) return Site::adjointBytes(seeds, samples);
  const auto& leaf = records_.at(0).emission_leaf;
  return lambda_.bytes(leaf.size(2), leaf.size(1), seeds, points(), true);
}

int64_t RecurrentSite::keptSeeds(int64_t taken) const { return LambdaTable::keptSeeds(taken, points(), squares_); }

int64_t RecurrentSite::points() const {
  if (tables_.points.defined()) return steps_ + static_cast<int64_t>(carry_steps_.size());
  int64_t points = steps();
  for (size_t call = 0; call < records_.size(); ++call)
    points += records_[call].carry_leaf.defined() && carry_used_.at(call) ? 1 : 0;
  return points;
}

void RecurrentSite::beginSeeds(int64_t seeds) {
  if (!tables_.points.defined()) finish();
  host_ = std::make_unique<OnHost>();
  if (by_rows_) lambda_.keepByPoints(tables_.points.device());
  lambda_.begin(hidden_, rows_, seeds, points(), squares_);
  if (weights_.projection.defined()) lambda_projection_ = at::zeros({emitted_, rows_, seeds, steps_}, at::kFloat);
}

void RecurrentSite::takeSeed(int64_t seed, std::span<const at::Tensor> gradients) {
  size_t next = 0;
  int64_t step = 0;
  int64_t carries = 0;
  const auto lambda = lambda_.take(seed);
  for (size_t call = 0; call < records_.size(); ++call) {
    const auto& record = records_[call];
    const auto count = record.emission_leaf.size(0);
    const auto& emission = gradients[next++];
    if (emission.defined()) lambda.narrow(2, step, count).copy_(emission.permute({2, 1, 0}));
    if (record.projection_leaf.defined()) {
      const auto& projection = gradients[next++];
      if (projection.defined())
        lambda_projection_.select(2, seed).narrow(2, step, count).copy_(projection.permute({2, 1, 0}));
    }
    if (record.carry_leaf.defined()) {
      const auto& carry = gradients[next++];
      if (carry_used_.at(call)) {
        if (carry.defined()) lambda.select(2, steps_ + carries).copy_(carry.t());
        ++carries;
      }
    }
    step += count;
  }
}

void RecurrentSite::addReader(const RecurrentSite& next, int64_t column, bool turned) {
  relu_.readers.push_back({&next.relu_, column, turned});
}

void RecurrentSite::endSeeds() {
  lambda_.end();
  if (kind_ != CellKind::rnn_relu) return;
  // Where a packed sequence has no step, nothing passes and no corner is near.
  constexpr double kNever = -1e30;
  auto a = tables_.points.view({hidden_, rows_, steps_});
  if (packed_) a = a.masked_fill(tables_.active.eq(0).unsqueeze(0), kNever);
  relu_.pre_activation = a.permute({1, 2, 0}).contiguous();
  relu_.recurrent = weights_.recurrent.detach().to(at::kCPU, at::kFloat).contiguous();
  relu_.input = tables_.input_weights.view({hidden_, inputs_});
  // Each call is turned by itself.
  if (calls() > 1) std::erase_if(relu_.readers, [](const auto& reader) { return reader.turned; });
  // The leaves are seen by other units only; a unit whose slope is another from its corner on hears itself too.
  relu_.lambda = lambda_.values().narrow(3, 0, steps_).clone();
  const auto slope = a.gt(0).to(at::kFloat) * tables_.own.select(1, 0).view({hidden_, 1, 1});
  for (auto step = steps_ - 2; step >= 0; --step) {
    relu_.lambda.select(3, step).add_(relu_.lambda.select(3, step + 1) * slope.select(2, step + 1).unsqueeze(2));
  }
}

void RecurrentSite::finish() {
  Record all;
  const auto append = [](std::vector<at::Tensor>& to, const std::vector<at::Tensor>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (size_t call = 0; call < records_.size(); ++call) {
    const auto& record = records_[call];
    append(all.read, record.read);
    append(all.emitted_before, record.emitted_before);
    append(all.from_input, record.from_input);
    append(all.from_hidden, record.from_hidden);
    append(all.carry_before, record.carry_before);
    append(all.hidden, record.hidden);
    append(all.active, record.active);
    if (record.carry_leaf.defined() && carry_used_.at(call))
      carry_steps_.push_back(static_cast<int64_t>(all.read.size()) - 1);
  }
  const auto gates = static_cast<int64_t>(gateNames(kind_).size());
  steps_ = static_cast<int64_t>(all.read.size());
  rows_ = all.read[0].size(0);
  inputs_ = all.read[0].size(1);
  emitted_ = all.emitted_before[0].size(1);
  hidden_ = weights_.recurrent.size(0) / gates;

  // [steps, rows, x] -> [rows, steps, x]
  const auto byRow = [](const std::vector<at::Tensor>& list) { return at::stack(list).transpose(0, 1); };
  const auto model = all.read[0].device();
  // A relu's corners are found on the host, unit by unit.
  by_rows_ = kind_ != CellKind::rnn_relu && (model.is_cuda() ? kernels::hasDeviceKernels() : options_.device_code);
  const auto device = by_rows_ ? model : at::Device(at::kCPU);
  const auto floats = [&](const at::Tensor& tensor) { return tensor.to(device, at::kFloat).contiguous(); };
  tables_.read_input = floats(byRow(all.read));
  tables_.read_hidden = floats(byRow(all.emitted_before));
  if (packed_) tables_.active = byRow(all.active).to(device, at::kByte).contiguous();
  const auto input = byRow(all.from_input);
  const auto recurrent = byRow(all.from_hidden);
  const bool carries = kind_ == CellKind::lstm || kind_ == CellKind::gru;
  const auto points = cellPoints(kind_, input, recurrent, carries ? byRow(all.carry_before) : at::Tensor());
  // [rows, steps, hidden, point] -> [hidden, rows, steps, point]
  tables_.points = floats(at::stack(points, 3).permute({2, 0, 1, 3}));
  tables_.own = floats(own_weights_.view({gates, hidden_}).t());
  tables_.input_weights = floats(weights_.input.detach().view({gates, hidden_, inputs_}));
  if (weights_.projection.defined()) {
    tables_.feedback = floats(weights_.projection.detach().t());
    hidden_values_ = byRow(all.hidden).to(at::kCPU, at::kFloat).contiguous();
  } else {
    tables_.feedback = floats(at::eye(hidden_, at::kFloat));
  }
  // The steps' values now stand in the tables above.
  for (auto& record : records_) {
    record.read.clear();
    record.emitted_before.clear();
    record.from_input.clear();
    record.from_hidden.clear();
    record.carry_before.clear();
    record.hidden.clear();
  }
}

}  // namespace heft
