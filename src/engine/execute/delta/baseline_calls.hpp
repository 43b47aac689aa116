#pragma once

#include <functional>
#include <vector>

#include "engine/execute/delta/cell_baseline.hpp"
#include "engine/execute/delta/output_reads.hpp"
#include "engine/forward/runner.hpp"
#include "engine/kernels/products/workspace.hpp"

namespace heft {

/// One call of a recurrent operator in the unchanged model.
struct BaselineCall {
  RecurrentCall call;               ///< with copies of its input and states
  RecurrentResult result;           ///< what the operator gave
  std::vector<CellBaseline> cells;  ///< [layers x directions], once prepared
  /// Of each cell, where the form corrects what rounding does; given up once prepared.
  std::vector<EmissionAdjoints> adjoints;
  at::Tensor sample_of_row;  ///< theirs
  int64_t samples = 0;
  Workspace results;  ///< of variants of this call
  /// bool, the output's shape without its width: places that forward reads, and all that variants' outputs need to hold;
  /// undefined: all places.
  at::Tensor read;
  bool spoils_unread = false;  ///< places that aren't read hold NaN in variants

  /// True when `other` reads what this one read: the same weights, and what `moves` says is plain is equal.
  [[nodiscard]] bool matches(const RecurrentCall& other, const std::function<bool(const at::Tensor&)>& moves) const;
  /// The part of the output that is read, 0 to 1.
  [[nodiscard]] double readShare() const;
  /// Fills `cells`.
  void prepare(const DeltaForm& form);
  /// Of what rounding took, with these cells; 0: it isn't known.
  [[nodiscard]] int64_t roundingColumns() const;
  /// [variants, samples, columns] of what it took, from [variants, rows, columns].
  [[nodiscard]] at::Tensor bySample(const at::Tensor& rounding) const;
  /// Bytes that `cells` take.
  [[nodiscard]] int64_t bytes() const;
};

/// Runs the model as it is and keeps its recurrent calls, in the order in which forward makes them, and what it reads of their
/// outputs.
class BaselineCalls : public PlainHandler {
 public:
  /// `as_device`: differences are carried as on a CUDA device, wherever the model is. `spoils_unread`: see BaselineCall.
  explicit BaselineCalls(Model& model, ProductForm products = ProductForm::halves, bool as_device = false,
                         bool spoils_unread = false);

  /// Ends the run that gave `outputs`.
  void finish(const std::vector<NamedOutput>& outputs);

  /// The call with this number, or nothing.
  [[nodiscard]] BaselineCall* at(size_t number) { return number < calls_.size() ? &calls_[number] : nullptr; }
  [[nodiscard]] const DeltaForm& form() const { return form_; }
  /// From here on products have the next more exact form that pays: of rounded numbers halves, of halves floats. Returns it.
  ProductForm multiplyMoreExactly();
  /// Outputs of a sample up to which correcting what rounding does costs little beside the products, and fits into `memory`.
  [[nodiscard]] int64_t outputsWorthCorrecting(int64_t memory) const;
  /// From here on what rounding takes from the outputs is known: `adjoints` of the cells of all calls, call after call.
  void correctRounding(std::vector<EmissionAdjoints> adjoints, int64_t samples);
  /// One for each thread.
  std::vector<Workspace>& workspaces() { return workspaces_; }
  /// Bytes that the cells of all calls together take.
  [[nodiscard]] int64_t bytes() const;

 protected:
  bool answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) override;

 private:
  /// Where it doesn't, products of this form are float32.
  [[nodiscard]] bool pays(ProductForm products) const;

  std::vector<BaselineCall> calls_;
  std::vector<Workspace> workspaces_;
  DeltaForm form_;
  OutputReads reads_;  ///< in a run: each call's output has the call's number
  bool spoils_unread_;
};

}  // namespace heft
