#pragma once

#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <unordered_map>

#include "engine/cells/linear_call.hpp"
#include "engine/estimate/units/unit_plan.hpp"
#include "engine/forward/runner.hpp"

namespace heft {

/// Which features meet in a position: disjoint sets that are joined.
class Meetings {
 public:
  void resize(int64_t features) {
    parent_.resize(static_cast<size_t>(features));
    std::iota(parent_.begin(), parent_.end(), int64_t{0});
  }
  int64_t find(int64_t feature) {
    const auto parent = [&](int64_t one) -> int64_t& { return parent_[static_cast<size_t>(one)]; };
    while (parent(feature) != feature) feature = parent(feature) = parent(parent(feature));
    return feature;
  }
  void join(int64_t a, int64_t b) { parent_[static_cast<size_t>(find(a))] = find(b); }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(parent_.size()); }

 private:
  std::vector<int64_t> parent_;
};

/// Which feature of a parameter each position of a tensor comes from.
struct Label {
  at::Tensor feature;  ///< int64, the tensor's shape; -1 for none; of features that met, any one
  bool pure = true;    ///< no two features have met in any position
};

/// An argument of an operator that comes from a parameter.
struct Operand {
  ArgumentPlace place;
  at::Tensor tensor;
  Label label;
  bool weights = false;  ///< the parameter itself
};

/// What is known of one parameter while forward runs.
struct Trace {
  bool valid = true;
  bool bends = false;
  std::optional<UnitAxis> axis;
  Meetings meetings;
  std::set<int64_t> tokens;  ///< rows that an embedding looked up
  struct Exit {
    ExitPoint point;
    Label label;
    int64_t row = 0;  ///< positions of a normalised row, of a norm's exit
  };
  std::vector<Exit> exits;
};

/// True when no feature stands in two positions of a row; `feature` is seen as [rows, `row`].
bool distinctInRows(const at::Tensor& feature, int64_t row);

/// The tensor at `place`.
at::Tensor tensorAt(const std::vector<c10::IValue>& arguments, const ArgumentPlace& place);

/// Runs forward once and follows what each parameter feeds, position by position, to where operators mix positions.
class Tracer : public PlainHandler {
 public:
  /// For parameters in `closed` every layer norm is an exit as any other operator.
  explicit Tracer(Model& model, std::set<int64_t> closed = {})
      : PlainHandler(model, true), closed_(std::move(closed)), traces_(model.weightTensors()) {}

  /// What left the units through forward's outputs.
  void takeOutputs(const std::vector<NamedOutput>& outputs);
  /// By parameter.
  [[nodiscard]] std::vector<Trace>& traces() { return traces_; }

 protected:
  bool answer(const c10::OperatorHandle& op, torch::jit::Stack& stack) override;

 private:
  /// One call, as it is looked at.
  struct Call {
    const c10::OperatorHandle& op;
    int64_t index;
    std::vector<c10::IValue> arguments;
    std::vector<c10::IValue> results;
  };

  Trace& trace(int64_t parameter) { return traces_[static_cast<size_t>(parameter)]; }
  [[nodiscard]] at::Tensor elementsOf(int64_t parameter, const at::Tensor& view) const;
  void step(const Call& call, int64_t parameter, const std::vector<Operand>& operands,
            const std::vector<ArgumentPlace>& starts);
  bool stepPointwise(const Call& call, int64_t parameter, const std::vector<Operand>& operands);
  bool stepPositional(const Call& call, int64_t parameter, const std::vector<Operand>& operands);
  [[nodiscard]] at::Tensor rowsOf(int64_t parameter, const at::Tensor& view) const;
  bool feedMatrix(int64_t parameter, const at::Tensor& weight, const at::Tensor& result);
  bool feedEinsum(const std::string& equation, int64_t parameter, const ArgumentPlace& place, const at::Tensor& view,
                  const at::Tensor& result);
  bool stepNorm(const Call& call, int64_t parameter, const std::vector<Operand>& operands);
  bool start(const Call& call, int64_t parameter, const std::vector<ArgumentPlace>& starts);
  void leave(const Call& call, int64_t parameter, const std::vector<Operand>& operands);
  bool claim(int64_t parameter, UnitAxis axis, int64_t features);
  void feed(int64_t parameter, UnitAxis axis, int64_t features, const at::Tensor& result, const at::Tensor& label);
  void attach(const at::Tensor& tensor, int64_t parameter, Label label);

  std::set<int64_t> closed_;
  std::vector<Trace> traces_;
  struct Known {
    at::Tensor tensor;  ///< kept alive, so that its address stays its identity
    std::map<int64_t, Label> labels;
  };
  std::unordered_map<const void*, Known> known_;
  int64_t calls_ = 0;
};

}  // namespace heft
