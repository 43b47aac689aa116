#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/random.hpp"
#include "measure/estimate/response_seeds.hpp"

namespace heft {
namespace {

constexpr int64_t kExact = 64;   // outputs a sample that are taken one by one
constexpr int64_t kProbes = 64;  // random +-1 vectors over the outputs, where they are more

class GroupSeeds : public ResponseSeeds {
 public:
  GroupSeeds(const OutputView& view, int64_t groups, uint64_t seed)
      : samples_(view.one_sample ? 1 : view.baseline.size(0)),
        elements_(view.baseline.numel() / samples_),
        together_(view.one_sample ? 1 : view.together),
        groups_(std::min(groups, samples_ / together_)),
        seed_(seed) {}

  [[nodiscard]] Seeds seeds() const override {
    return {[this](int64_t index) {
              auto seed = at::zeros({samples_, elements_}, at::kDouble);
              if (exact()) {
                seed.select(1, index).fill_(1);
                return seed;
              }
              Random random(seed_, "group probe", static_cast<uint64_t>(index));
              auto* data = seed.mutable_data_ptr<double>();
              for (int64_t i = 0; i < seed.numel(); ++i) data[i] = random.sign();
              return seed;
            },
            exact() ? elements_ : kProbes};
  }

  [[nodiscard]] size_t values() const override { return static_cast<size_t>(groups_); }

  void reduce(const float* block, int64_t columns, const ColumnImpacts& out) const override {
    reduceSquares(block, exact() ? elements_ : kProbes, columns, out);
  }

  void reduceSquares(const float* block, int64_t kept, int64_t columns, const ColumnImpacts& out) const override {
    // Each output once, or the mean of the probes, which stand for all outputs.
    const auto each = static_cast<double>(exact() ? elements_ : elements_ * kProbes);
    for (int64_t group = 0; group < groups_; ++group) {
      std::vector<double> sum(static_cast<size_t>(columns));
      int64_t members = 0;
      for (int64_t sample = 0; sample < samples_; ++sample) {
        if (sample / together_ % groups_ != group) continue;
        ++members;
        for (int64_t k = 0; k < kept; ++k) {
          const float* line = block + (sample * kept + k) * columns;
          for (size_t j = 0; j < sum.size(); ++j) sum[j] += static_cast<double>(line[j]) * static_cast<double>(line[j]);
        }
      }
      const auto g = static_cast<size_t>(group);
      for (size_t j = 0; j < sum.size(); ++j) {
        out.impact[g][j] = std::sqrt(sum[j] / (each * static_cast<double>(members)));
        out.standard_error[g][j] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  }

 private:
  [[nodiscard]] bool exact() const { return elements_ <= kExact; }

  int64_t samples_, elements_, together_, groups_;
  uint64_t seed_;
};

}  // namespace

std::unique_ptr<ResponseSeeds> groupSeeds(const OutputView& view, int64_t groups, uint64_t seed) {
  return std::make_unique<GroupSeeds>(view, groups, seed);
}

}  // namespace heft
