#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "engine/executor.hpp"

// The models of tests/data/models (see make_models.py), loaded and ready to run.

namespace heft::test {

struct Fixture {
  std::string name;
  std::string inputs;
  std::string output_target;
  bool stream = false;
  std::optional<int64_t> output_batch_dim;
};

inline void PrintTo(const Fixture& fixture, std::ostream* out) { *out << fixture.name; }

/// Every model that can be ranked, in the order of index.json.
std::vector<Fixture> rankedFixtures();

/// What PyTorch computed in float64.
struct Expected {
  std::vector<double> baseline;                       ///< all scored outputs, one after the other
  std::map<std::string, std::vector<int64_t>> index;  ///< by parameter: some of its weights
  std::map<std::string, std::vector<double>>
      impact;  ///< by parameter: rms change of the outputs with that weight zero
};
Expected readExpected(const Fixture& fixture);

/// A model, its inputs and its baseline, all as one sample.
class LoadedFixture {
 public:
  explicit LoadedFixture(const Fixture& fixture);

  [[nodiscard]] Runner& runner() { return *runner_; }
  [[nodiscard]] Model& model() { return *model_; }
  [[nodiscard]] const OutputLayout& layout() const { return *layout_; }
  /// [elements] of a fresh run.
  at::Tensor baseline();
  /// The parameter of that name (a tied one included), or nothing: weights of a frozen graph may have no
  /// name.
  [[nodiscard]] std::optional<int64_t> find(const std::string& parameter) const;

 private:
  std::unique_ptr<Model> model_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<OutputLayout> layout_;
};

/// The variant with these weights of one parameter set to `value`.
Variant setWeights(int64_t parameter, std::vector<int64_t> index, double value = 0);

/// All outputs of all variants, [variants, elements].
at::Tensor executeAll(Executor& executor, const std::vector<Variant>& variants);

}  // namespace heft::test
