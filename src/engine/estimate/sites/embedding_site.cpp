#include "engine/estimate/sites/embedding_site.hpp"

#include <ATen/ATen.h>

namespace heft {

EmbeddingSite::EmbeddingSite(std::string name, int64_t parameter, at::Tensor tokens, at::Tensor leaf)
    : name_(std::move(name)),
      parameter_(parameter),
      tokens_(tokens.to(at::kCPU, at::kLong).flatten().contiguous()),
      leaf_(std::move(leaf)),
      width_(leaf_.size(-1)) {
  const auto* token = tokens_.const_data_ptr<int64_t>();
  rows_of_token_.resize(tokens_.numel() == 0 ? 0 : static_cast<size_t>(tokens_.max().item<int64_t>() + 1));
  for (int64_t i = 0; i < tokens_.numel(); ++i) rows_of_token_[static_cast<size_t>(token[i])].push_back(i);
}

std::vector<ReadSquares> EmbeddingSite::readSquares() const {
  return {{parameter_, 0, true, at::bincount(tokens_).to(at::kDouble)}};
}

bool EmbeddingSite::assignSamples(std::span<const at::Tensor> once, std::span<const at::Tensor> weighted,
                                  int64_t samples) {
  return sampleOfRows(rowsOf(once[0], leaf_), rowsOf(weighted[0], leaf_), samples, samples_);
}

void EmbeddingSite::assignOneSample() { samples_.assign(static_cast<size_t>(tokens_.numel()), 0); }

void EmbeddingSite::beginSeeds(int64_t seeds) {
  seeds_ = seeds;
  lambda_ = at::zeros({tokens_.numel(), seeds, width_}, at::kFloat);
}

void EmbeddingSite::takeSeed(int64_t seed, std::span<const at::Tensor> gradients) {
  if (gradients[0].defined()) lambda_.select(1, seed).copy_(rowsOf(gradients[0], leaf_));
}

void EmbeddingSite::addResponse(int /*role*/, const RowChange& row, const ResponseBlock& block) const {
  if (row.row >= static_cast<int64_t>(rows_of_token_.size())) return;
  const auto* lambda = lambda_.const_data_ptr<float>();
  for (const auto place : rows_of_token_[static_cast<size_t>(row.row)]) {
    const auto sample = samples_[static_cast<size_t>(place)];
    if (sample < 0) continue;
    for (int64_t seed = 0; seed < seeds_; ++seed) {
      auto* out = block.at(sample, seed);
      const auto* line = lambda + (place * seeds_ + seed) * width_;
      for (int64_t j = 0; j < width_; ++j) out[j] += line[j] * row.change[static_cast<size_t>(j)];
    }
  }
}

void EmbeddingSite::endSeeds() {
  bend_seeds_ = front_.seeds();
  if (bend_seeds_ == 0) return;
  double changes = 0;
  for (const auto& reader : front_.readers()) {
    const auto padded = at::constant_pad_nd(tokens_, {1, 0}, -1);  // of position -1
    const auto read =
        std::get<0>(padded.index_select(0, reader.position.flatten() + 1).view_as(reader.position).sort(1));
    const auto differs = read.slice(1, 1).ne(read.slice(1, 0, -1)).sum().item<int64_t>() + read.size(0);
    changes += static_cast<double>(differs * width_) / static_cast<double>(front_.readers().size());
  }
  if (!front_.worthwhile(changes)) bend_seeds_ = 0;
}

void EmbeddingSite::addBend(int /*role*/, const RowChange& row, const ResponseBlock& block) const {
  const auto* token = tokens_.const_data_ptr<int64_t>();
  for (const auto& reader : front_.readers()) {
    const auto rows = reader.position.size(0);
    const auto steps = reader.position.size(1);
    const auto* position = reader.position.const_data_ptr<int64_t>();
    std::vector<uint8_t> present(static_cast<size_t>(steps));
    for (int64_t r = 0; r < rows; ++r) {
      bool any = false;
      for (int64_t t = 0; t < steps; ++t) {
        const auto at = position[r * steps + t];
        const bool here = at >= 0 && token[at] == row.row;
        present[static_cast<size_t>(t)] = here ? 1 : 0;
        any |= here;
      }
      if (any) reader.site->addInputBend({r, 0, true, nullptr, present.data(), row.change}, block);
    }
  }
}

}  // namespace heft
