#pragma once

#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "engine/forward/runner.hpp"
#include "engine/forward/weight_functions.hpp"

namespace heft {

/// Watches a plain run of forward for calls that read weights and constants alone, and for who reads what they give.
class FunctionFinder : public PlainHandler {
 public:
  explicit FunctionFinder(Model& model);

  void given(const std::vector<c10::IValue>& values) override;
  /// To be told what the run gave.
  void takeOutputs(const std::vector<NamedOutput>& outputs);

  /// Gives the model its derived weights: those that an operator which mixes positions (a product, a recurrent layer, a convolution)
  /// reads beside data, where every element of them follows one weight or one row (findLink). What else forward makes of its
  /// parameters is left to who follows it operator by operator.
  void derive();

  /// Plain tensor attributes of the module, neither parameters nor buffers, that forward multiplied data by as it does by weights.
  [[nodiscard]] const std::set<std::string>& attributesRead() const { return attributes_read_; }

 protected:
  bool answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) override;

 private:
  struct Origin {
    enum class Kind { data, constant, parameter, call } kind = Kind::data;
    int64_t index = 0;
    size_t result = 0;
  };
  /// Who reads the result of a call.
  struct Readers {
    bool product = false;       ///< an operator that mixes positions, beside data
    bool other = false;         ///< any other operator beside data, or forward's outputs
    std::set<int64_t> calls{};  ///< further calls
    bool written = false;       ///< something wrote into it
  };

  /// Calls that lead to weights that products read, by their numbers, and again with operands numbered among themselves.
  struct Steps {
    std::vector<int64_t> order;  ///< ascending
    std::vector<WeightCall> calls;
  };

  [[nodiscard]] Origin originOf(const at::Tensor& tensor) const;
  [[nodiscard]] bool isStep(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments) const;
  [[nodiscard]] bool copies(const c10::OperatorHandle& op,
                            const std::vector<std::pair<ArgumentPlace, at::Tensor>>& tensors,
                            const torch::jit::Stack& stack) const;
  void noteWrites(const c10::OperatorHandle& op, const std::vector<std::pair<ArgumentPlace, at::Tensor>>& tensors);
  [[nodiscard]] Steps stepsWithout(const std::set<int64_t>& given_up) const;
  [[nodiscard]] bool leaves(int64_t call, const Steps& steps) const;
  [[nodiscard]] std::optional<std::vector<WeightLink>> linksOf(const Steps& steps, size_t step, size_t result) const;
  void keepConstant(const at::Tensor& tensor);
  void read(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments,
            const std::vector<std::pair<ArgumentPlace, at::Tensor>>& tensors);
  void addCall(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments, torch::jit::Stack& stack);
  void noteAttributes(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments);
  [[nodiscard]] int64_t knownCall(const c10::OperatorHandle& op, const std::vector<c10::IValue>& arguments) const;
  [[nodiscard]] std::set<int64_t> before(int64_t call) const;
  [[nodiscard]] std::set<int64_t> parametersOf(const std::set<int64_t>& calls) const;

  std::vector<WeightCall> calls_;
  std::vector<Readers> readers_;                  ///< by call
  std::map<int64_t, std::set<int64_t>> read_by_;  ///< by parameter: calls that read it
  std::set<int64_t> read_beside_;                 ///< parameters that something else reads
  /// Tensors without dimensions that came out of data. Others of whom nothing is known are sizes, which a traced graph turns into
  /// tensors and back without an operator that is seen.
  std::unordered_map<const void*, at::Tensor> numbers_of_data_;
  bool numbers_ = false;  ///< forward has taken numbers out of data, which calls may have as arguments from there on
  struct Kept {
    at::Tensor tensor;  ///< keeps the storage alive, so that its address stays its identity
    Origin origin;
  };
  std::unordered_map<const void*, Kept> known_;    ///< by storage
  std::map<const void*, std::string> attributes_;  ///< names of plain tensor attributes, by storage
  std::set<std::string> attributes_read_;
};

/// Runs forward once and gives its model the derived weights that it reads. Returns sentences about weights that can't be ranked.
std::vector<std::string> deriveWeights(Runner& runner);

}  // namespace heft
