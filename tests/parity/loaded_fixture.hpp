#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/execute/executor.hpp"
#include "parity/fixtures.hpp"

namespace heft::test {

/// A fixture's model, inputs and baseline on the tests' device, all as one sample.
class LoadedFixture {
 public:
  explicit LoadedFixture(const Fixture& fixture);

  [[nodiscard]] Runner& runner() { return *runner_; }
  [[nodiscard]] Model& model() { return *model_; }
  [[nodiscard]] const OutputLayout& layout() const { return *layout_; }
  /// [elements] of a fresh run, on the CPU.
  at::Tensor baseline();
  /// The parameter of that name, a tied one included.
  [[nodiscard]] std::optional<int64_t> find(const std::string& parameter) const;

 private:
  std::unique_ptr<Model> model_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<OutputLayout> layout_;
};

/// The variant with these weights of one parameter set to `value`.
Variant setWeights(int64_t parameter, std::vector<int64_t> index, double value = 0);

/// All outputs of all variants, [variants, elements], on the CPU.
at::Tensor executeAll(Executor& executor, const std::vector<Variant>& variants);

}  // namespace heft::test
