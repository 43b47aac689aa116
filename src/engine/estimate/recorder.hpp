#pragma once

#include <map>
#include <memory>

#include "engine/estimate/sites/embedding_site.hpp"
#include "engine/estimate/sites/gradient_site.hpp"
#include "engine/estimate/sites/linear_site.hpp"
#include "engine/estimate/sites/recurrent_site.hpp"
#include "engine/estimate/units/exit_site.hpp"
#include "engine/forward/runner.hpp"

namespace heft {

/// Records every place where forward reads a parameter, as sites with leaves in one autograd graph. Gradients pass
/// through `no_grad` and `detach` inside forward, since a changed weight's effect passes through them too.
class RecordHandler : public PlainHandler {
 public:
  /// `keep_arguments`: operators work on copies of what they are given, for models whose forward writes into tensors that
  /// the adjoint still needs (state updated in place). Parameters that `plan` covers are told by the leaves at its exits.
  explicit RecordHandler(Model& model, bool keep_arguments = false, const UnitPlan* plan = nullptr,
                         SiteOptions options = {});

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

  /// The output of an operator that may stand in front of a recurrent layer.
  struct Source {
    Front* front;
    at::Tensor output;     ///< contiguous but for what its width is; kept, so that its storage stays its own
    at::Tensor positions;  ///< int64, output's shape but for the last dimension
    uint32_t version;      ///< of its values
  };
  void remember(Front& front, const at::Tensor& output, const at::Tensor& positions);
  /// Which rows of a source's output `view` holds, int64 of its shape but for the last dimension; undefined where it is no view
  /// of whole rows of one.
  at::Tensor positionsOf(const at::Tensor& view, Front*& front) const;
  void rememberPacked(const at::Tensor& given, bool batch_first, const at::Tensor& packed,
                      const at::Tensor& batch_sizes);

  /// Tells an operator of which layers it gives the input.
  void linkFront(const RecurrentCall& call, const std::vector<std::pair<RecurrentSite*, bool>>& called);

  bool keep_arguments_;
  SiteOptions options_;
  const UnitPlan* plan_;
  ExitSite* exits_ = nullptr;
  int64_t call_ = 0;
  std::vector<std::unique_ptr<Site>> sites_;
  std::map<const void*, std::vector<RecurrentSite*>> recurrent_;  ///< by the input weights they read
  std::map<const void*, Source> sources_;                         ///< by storage
  std::map<int64_t, at::Tensor> stand_ins_;                       ///< by parameter: a leaf in its place
};

}  // namespace heft
