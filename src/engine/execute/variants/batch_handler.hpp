#pragma once

#include <map>
#include <optional>
#include <span>

#include "engine/cells/recurrent_layer.hpp"
#include "engine/execute/delta/baseline_calls.hpp"
#include "engine/execute/delta/delta_call.hpp"
#include "engine/execute/executor.hpp"
#include "engine/execute/variants/partial_outputs.hpp"
#include "engine/execute/variants/weight_delta.hpp"
#include "engine/forward/vmap.hpp"

namespace heft {

/// Answers the operators of one forward for many variants at once. What no changed weight has reached yet
/// stays a plain tensor and is computed once; from there on tensors are batched. Products with a changed
/// matrix are one product with the matrix itself and a small correction in the rows that a variant changes;
/// other operators get one copy a variant.
class BatchHandler : public PlainHandler {
 public:
  /// `memory`: bytes that copies of one parameter may take. `baseline`: the unchanged model's recurrent calls, for differences to
  /// be carried through; null: variants are computed as they are.
  BatchHandler(Model& model, std::span<const Variant> variants, const VmapLevel& level, int64_t memory,
               BaselineCalls* baseline = nullptr);

  /// An output of the run as [variants, ...].
  [[nodiscard]] at::Tensor valuesOf(const at::Tensor& output);

  /// float32 [variants, samples, columns]: what rounding took from the outputs, an output a column, where that is known; undefined
  /// where nothing was rounded or it isn't.
  [[nodiscard]] const at::Tensor& rounding() const { return rounding_; }

  /// True after a run threw because copies of a parameter needed more than `memory`.
  [[nodiscard]] bool neededCopies() const { return needed_copies_; }
  /// True after a run threw because some variant read what the unchanged model doesn't: the calls that left it out give all of
  /// it in the next run.
  [[nodiscard]] bool readMore() const { return read_more_; }

  void restarted() override;

 protected:
  bool answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) override;

  /// True when `value` holds a tensor that differs from variant to variant.
  [[nodiscard]] bool moves(const c10::IValue& value) const;
  /// `tensor` as [variants, ...] when it is batched or lies in a shadow, else as it is. Call it under BelowVmap.
  [[nodiscard]] at::Tensor spread(const at::Tensor& tensor);
  /// The changed parameter that `tensor` lies in, or -1.
  [[nodiscard]] int64_t changedParameter(const at::Tensor& tensor) const;

 private:
  /// A storage (a parameter's part of it) whose contents differ from variant to variant.
  struct Shadow {
    at::Tensor original;  ///< keeps the storage alive, so that its address stays its identity
    int64_t first = 0;    ///< elements of the storage before it
    int64_t size = 0;
    int64_t parameter = -1;  ///< -1: something that forward wrote to
    at::Tensor values;       ///< [variants, size]; undefined for a parameter until an operator needs it
  };

  void answerAny(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  /// answerAny() for an operator that is given `unwritten` parts of outputs: right where it passes views of them on.
  void answerUnwritten(const c10::OperatorHandle& op, torch::jit::Stack& stack,
                       const std::vector<at::Tensor>& unwritten);
  [[noreturn]] void wantAll(const std::vector<at::Tensor>& unwritten);
  bool answerKept(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  bool answerRecurrent(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  /// What the variants change in `call`, or nothing where differences can't be carried through it.
  std::optional<CallDeltas> callDeltas(const BaselineCall& baseline, const RecurrentCall& call);
  RecurrentResult runDifferences(BaselineCall& baseline, const CallDeltas& deltas);
  /// The call with every variant's own values.
  RecurrentResult runVariants(RecurrentCall call);
  bool addEntries(const at::Tensor& weight, std::vector<CellChange>& changes,
                  std::vector<WeightEntry> CellChange::*role);
  const WeightDelta& deltaFor(int64_t parameter);
  bool answerLinear(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  bool answerEmbedding(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  bool answerPacking(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  bool answerNumber(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  /// An operator that draws random numbers, for one variant after the other: each from the unchanged model's.
  bool answerRandom(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  /// A value as one variant has it: batched tensors lose their variants. Call it under BelowVmap.
  [[nodiscard]] c10::IValue ofVariant(const c10::IValue& value, int64_t variant) const;
  void answerOther(const c10::OperatorHandle& op, torch::jit::Stack& stack);

  [[nodiscard]] const Shadow* shadowOf(const at::Tensor& tensor) const;
  /// True when `tensor` is the whole of `parameter`, as it is.
  [[nodiscard]] bool isWhole(const at::Tensor& tensor, int64_t parameter) const;
  c10::IValue substituted(const c10::IValue& value, bool parameters_too);
  void makeCopies(Shadow& shadow);
  void shadowWrittenArguments(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  /// dW of a weight or bias that an operator reads; `weight` becomes the plain tensor that dW is added to.
  [[nodiscard]] std::optional<WeightDelta> deltaOf(at::Tensor& weight);
  [[nodiscard]] std::optional<WeightDelta> matrixDelta(const at::Tensor& weight);

  std::span<const Variant> variants_;
  const VmapLevel& level_;
  int64_t memory_;
  bool needed_copies_ = false;
  std::vector<Shadow> shadows_;
  std::map<int64_t, WeightDelta> deltas_;  ///< by changed parameter, of those asked for
  BaselineCalls* baseline_;
  size_t recurrent_calls_ = 0;  ///< so far
  PartialOutputs partial_;
  at::Tensor rounding_;
  bool read_more_ = false;
};

}  // namespace heft
