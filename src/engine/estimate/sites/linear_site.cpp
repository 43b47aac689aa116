#include "engine/estimate/sites/linear_site.hpp"

#include <ATen/ATen.h>

namespace heft {
LinearSite::LinearSite(std::string name, WeightBlock block, int64_t bias_parameter, int64_t first_bias, at::Tensor read,
                       at::Tensor leaf)
    : name_(std::move(name)),
      weight_(block),
      bias_parameter_(bias_parameter),
      first_bias_(first_bias),
      read_(std::move(read)),
      leaf_(std::move(leaf)),
      inputs_(read_.size(1)),
      outputs_(leaf_.size(-1)) {}

std::vector<SiteUse> LinearSite::uses() const {
  std::vector<SiteUse> uses;
  if (weight_.parameter >= 0) uses.push_back({weight_.parameter, weight});
  if (bias_parameter_ >= 0) uses.push_back({bias_parameter_, bias});
  return uses;
}

std::vector<SiteRead> LinearSite::reads() const {
  if (weight_.parameter < 0) return {};
  return {
      {weight_.parameter, weight_.transposed ? weight_.first_row : weight_.first_column, weight_.transposed, read_}};
}

std::vector<ReadSquares> LinearSite::readSquares() const {
  std::vector<ReadSquares> all;
  for (const auto& read : reads())
    all.push_back({read.parameter, read.first_column, read.by_row, read.values.square().sum(0).to(at::kCPU)});
  if (bias_parameter_ >= 0)
    all.push_back({bias_parameter_, 0, false, at::full({1}, static_cast<double>(read_.size(0)), at::kDouble)});
  return all;
}

bool LinearSite::assignSamples(std::span<const at::Tensor> once, std::span<const at::Tensor> weighted,
                               int64_t samples) {
  std::vector<int64_t> assigned;
  if (!sampleOfRows(rowsOf(once[0], leaf_), rowsOf(weighted[0], leaf_), samples, assigned)) return false;
  rows_ = sortBySample(assigned, samples);
  return true;
}

void LinearSite::assignOneSample() {
  rows_ = sortBySample(std::vector<int64_t>(static_cast<size_t>(read_.size(0)), 0), 1);
}

void LinearSite::beginSeeds(int64_t seeds) {
  table_ = (read_.index_select(0, rows_.row.to(read_.device())) * rows_.present.to(read_.device()))
               .view({rows_.samples, rows_.points, inputs_})
               .to(at::kCPU, at::kFloat)
               .contiguous();
  lambda_.begin(outputs_, rows_.samples, seeds, rows_.points, squares_);
}

double LinearSite::adjointBytes(int64_t seeds, int64_t /*samples*/) const {
  return lambda_.bytes(outputs_, rows_.samples, seeds, rows_.points, squares_);
}

int64_t LinearSite::keptSeeds(int64_t taken) const { return LambdaTable::keptSeeds(taken, rows_.points, squares_); }

void LinearSite::takeSeed(int64_t seed, std::span<const at::Tensor> gradients) {
  if (!gradients[0].defined() || rows_.points == 0) return;
  const auto rows =
      rowsOf(gradients[0], leaf_).index_select(0, rows_.row.to(leaf_.device())) * rows_.present.to(leaf_.device());
  lambda_.take(seed).copy_(rows.view({rows_.samples, rows_.points, outputs_}).permute({2, 0, 1}));
}

void LinearSite::addResponse(int role, const RowChange& row, const ResponseBlock& block) const {
  if (rows_.points == 0) return;
  if (role == bias) return addBias(row, block);
  return weight_.transposed ? addWeightColumn(row, block) : addWeightRow(row, block);
}

void LinearSite::addWeightRow(const RowChange& row, const ResponseBlock& block) const {
  const auto output = row.row - weight_.first_row;
  if (output < 0 || output >= outputs_) return;
  const auto points = rows_.samples * rows_.points;
  auto* emission = threadScratch(ScratchSlot::emission, points * block.columns);
  const auto* read = table_.const_data_ptr<float>();
  std::fill(emission, emission + points * block.columns, 0.0f);
  for (int64_t i = 0; i < points; ++i) {
    for (int64_t j = 0; j < inputs_; ++j) {
      const auto column = weight_.first_column + j;
      emission[i * block.columns + column] = read[i * inputs_ + j] * row.change[static_cast<size_t>(column)];
    }
  }
  std::vector<int64_t> samples(static_cast<size_t>(rows_.samples));
  for (size_t b = 0; b < samples.size(); ++b) samples[b] = static_cast<int64_t>(b);
  contract(lambda_.values().const_data_ptr<float>() + output * rows_.samples * lambda_.seeds() * rows_.points, emission,
           samples, rows_.points, block);
}

void LinearSite::addWeightColumn(const RowChange& row, const ResponseBlock& block) const {
  const auto input = row.row - weight_.first_row;
  if (input < 0 || input >= inputs_) return;
  const auto* read = table_.const_data_ptr<float>();
  const auto* lambda = lambda_.values().const_data_ptr<float>();
  for (int64_t output = 0; output < outputs_; ++output) {
    const auto column = weight_.first_column + output;
    const float change = row.change[static_cast<size_t>(column)];
    for (int64_t sample = 0; sample < rows_.samples; ++sample) {
      for (int64_t seed = 0; seed < lambda_.seeds(); ++seed) {
        const auto* line = lambda + ((output * rows_.samples + sample) * lambda_.seeds() + seed) * rows_.points;
        float sum = 0;
        for (int64_t i = 0; i < rows_.points; ++i) sum += line[i] * read[(sample * rows_.points + i) * inputs_ + input];
        block.at(sample, seed)[column] += change * sum;
      }
    }
  }
}

void LinearSite::addBias(const RowChange& row, const ResponseBlock& block) const {
  const auto output = row.row - first_bias_;
  if (output < 0 || output >= outputs_) return;
  const auto* lambda =
      lambda_.values().const_data_ptr<float>() + output * rows_.samples * lambda_.seeds() * rows_.points;
  for (int64_t i = 0; i < rows_.samples * lambda_.seeds(); ++i) {
    float sum = 0;
    for (int64_t p = 0; p < rows_.points; ++p) sum += lambda[i * rows_.points + p];
    block.data[i] += row.change[0] * sum;
  }
}

void LinearSite::endSeeds() {
  lambda_.end();
  bend_seeds_ = front_.seeds();
  if (bend_seeds_ == 0) return;
  double changes = 0;
  for (const auto& reader : front_.readers())
    changes += static_cast<double>(reader.position.size(0) * inputs_ * outputs_) /
               static_cast<double>(front_.readers().size());
  if (!front_.worthwhile(changes)) {
    bend_seeds_ = 0;
    return;
  }
  const auto padded = at::constant_pad_nd(read_.to(at::kCPU, at::kFloat), {0, 0, 1, 0});  // of position -1
  for (const auto& reader : front_.readers()) {
    const auto& position = reader.position;
    front_read_.push_back(padded.index_select(0, position.flatten() + 1)
                              .view({position.size(0), position.size(1), inputs_})
                              .contiguous());
  }
}

void LinearSite::addBend(int role, const RowChange& row, const ResponseBlock& block) const {
  for (size_t i = 0; i < front_.readers().size(); ++i) {
    const auto& reader = front_.readers()[i];
    const auto steps = reader.position.size(1);
    const auto* read = front_read_[i].const_data_ptr<float>();
    std::vector<float> repeated;
    for (int64_t r = 0; r < reader.position.size(0); ++r) {
      InputChange input{r, row.row, false, nullptr, reader.present.const_data_ptr<uint8_t>() + r * steps, row.change};
      const auto* own = read + r * steps * inputs_;
      if (role == weight && !weight_.transposed) {
        input.read = own;
      } else if (role == weight) {
        // A row of the parameter is one input, which moves every feature.
        repeated.assign(static_cast<size_t>(steps * outputs_), 0.0f);
        for (int64_t t = 0; t < steps; ++t)
          std::fill_n(repeated.begin() + t * outputs_, outputs_, own[t * inputs_ + row.row]);
        input.feature = 0;
        input.each = true;
        input.read = repeated.data();
      }
      reader.site->addInputBend(input, block);
    }
  }
}

}  // namespace heft
