#pragma once

#include <map>
#include <memory>

#include "engine/runner.hpp"
#include "engine/sites/embedding_site.hpp"
#include "engine/sites/gradient_site.hpp"
#include "engine/sites/linear_site.hpp"
#include "engine/sites/recurrent_site.hpp"
#include "engine/units/exit_site.hpp"

namespace heft {

/// Records every place where forward reads a parameter, as sites with leaves in one autograd graph. Gradients pass
/// through `no_grad` and `detach` inside forward, since a changed weight's effect passes through them too.
class RecordHandler : public PlainHandler {
 public:
  /// `keep_arguments`: operators work on copies of what they are given, for models whose forward writes into tensors that
  /// the adjoint still needs (state updated in place). Parameters that `plan` covers are told by the leaves at its exits.
  explicit RecordHandler(Model& model, bool keep_arguments = false, const UnitPlan* plan = nullptr);

  /// Recorded sites in the order in which forward first reached them.
  [[nodiscard]] std::vector<Site*> sites() const;
  /// The leaves where the plan's units end; null without a plan.
  [[nodiscard]] ExitSite* exits() const { return exits_; }

 protected:
  bool answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) override;

 private:
  bool answerInPlace(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  bool answerRecurrent(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  bool answerLinear(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  bool answerEmbedding(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  bool answerOther(const c10::OperatorHandle& op, torch::jit::Stack& stack);

  /// The parameter that `tensor` lies in and that sites stand for, or -1.
  int64_t parameterAt(const at::Tensor& tensor) const;
  at::Tensor standIn(const at::Tensor& tensor, int64_t parameter);
  RecurrentSite& recurrentSite(const RecurrentCall& call, size_t index, const LayerInput& input, bool& linked);

  void keepArguments(const c10::OperatorHandle& op, torch::jit::Stack& stack) const;

  bool keep_arguments_;
  const UnitPlan* plan_;
  ExitSite* exits_ = nullptr;
  int64_t call_ = 0;
  std::vector<std::unique_ptr<Site>> sites_;
  std::map<const void*, std::vector<RecurrentSite*>> recurrent_;  ///< by the input weights they read
  std::map<int64_t, at::Tensor> stand_ins_;                       ///< by parameter: a leaf in its place
};

}  // namespace heft
