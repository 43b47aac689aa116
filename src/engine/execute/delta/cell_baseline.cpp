#include "engine/execute/delta/cell_baseline.hpp"

#include <ATen/ATen.h>

#include "engine/cells/cell_points.hpp"
#include "engine/execute/delta/gate_adjoints.hpp"

namespace heft {
namespace {

class Recorder : public LayerHook {
 public:
  Recorder(CellBaseline& baseline, CellKind kind, const CellWeights& weights, const DeltaForm& form)
      : baseline_(baseline), weights_(weights), form_(form) {
    baseline_.kind = kind;
  }

  void preActivations(int64_t /*step*/, const at::Tensor& input, const at::Tensor& recurrent, const at::Tensor& emitted,
                      const at::Tensor& carry) override {
    // Points of one step at a time: in float64 those of all steps together would be the largest tensors of a run.
    points_.push_back(floats(at::stack(cellPoints(baseline_.kind, input, recurrent, carry), 1)));
    before_.push_back(floats(emitted));
  }

  at::Tensor emission(int64_t /*step*/, const at::Tensor& hidden) override {
    if (weights_.projection.defined()) raw_.push_back(floats(hidden));
    return hidden;
  }

  void end(const LayerInput& input, const LayerOutput& /*output*/) override {
    baseline_.points = at::stack(points_);
    baseline_.before = at::stack(before_);
    baseline_.read = floats(input.sequence);
    if (input.active.defined()) baseline_.active = input.active.squeeze(2).to(device(), at::kByte).contiguous();
    if (weights_.projection.defined()) baseline_.raw = at::stack(raw_);
    baseline_.steps = baseline_.read.size(0);
    baseline_.rows = baseline_.read.size(1);
    baseline_.inputs = baseline_.read.size(2);
    baseline_.hidden = baseline_.points.size(3);
    baseline_.emitted = baseline_.before.size(2);
    if (form_.all_rows)
      baseline_.products = RowProducts(baseline_.kind, weights_, form_.products, form_.corrects);
    else
      makeProducts();
  }

 private:
  [[nodiscard]] at::Device device() const {
    return form_.all_rows ? weights_.recurrent.device() : at::Device(at::kCPU);
  }
  [[nodiscard]] at::Tensor floats(const at::Tensor& tensor) const {
    return tensor.to(device(), at::kFloat).contiguous();
  }

  void makeProducts() {
    const auto product = [&](const at::Tensor& weight) { return DeltaProduct(floats(weight.t()), form_.products); };
    baseline_.recurrent = product(weights_.recurrent);
    if (baseline_.kind == CellKind::gru) {
      const auto hidden = weights_.input.size(0) / 3;
      baseline_.input = product(weights_.input.narrow(0, 0, 2 * hidden));
      baseline_.input_new = product(weights_.input.narrow(0, 2 * hidden, hidden));
    } else {
      baseline_.input = product(weights_.input);
    }
    if (weights_.projection.defined()) baseline_.projection = product(weights_.projection);
  }

  CellBaseline& baseline_;
  CellWeights weights_;
  DeltaForm form_;
  std::vector<at::Tensor> points_, before_, raw_;
};

/// Columns of a table: as many outputs as a product takes at once.
constexpr int64_t kOutputsTogether = 16;

}  // namespace

std::unique_ptr<LayerHook> recordBaseline(CellBaseline& baseline, CellKind kind, const CellWeights& weights,
                                          const DeltaForm& form) {
  return std::make_unique<Recorder>(baseline, kind, weights, form);
}

void knowRounding(CellBaseline& baseline, const CellWeights& weights, const EmissionAdjoints& adjoints) {
  const auto device = baseline.points.device();
  const auto elements = adjoints.emission.size(0);
  const auto columns = (elements + kOutputsTogether - 1) / kOutputsTogether * kOutputsTogether;
  const RoundingTable::Weights input(weights.input.to(device, at::kFloat));
  const RoundingTable::Weights recurrent(weights.recurrent.to(device, at::kFloat));
  const auto table = [&](int64_t terms, bool pairs) {
    return RoundingTable(baseline.steps, baseline.rows, {terms, columns, pairs}, device);
  };
  const auto halvesOf = [&](const DeltaProduct& product) { return table(2 * product.half(), true); };
  const auto& products = baseline.products;
  if (products.rounds()) baseline.rounding = table(products.terms(), false);
  if (baseline.recurrent.rounds()) baseline.recurrent_rounding = halvesOf(baseline.recurrent);
  if (baseline.input.rounds()) baseline.input_rounding = halvesOf(baseline.input);
  walkGateAdjoints(baseline, adjoints, [&](int64_t step, const at::Tensor& gates) {
    // A GRU's new gate has a side for each of the two.
    const auto sides = weights.recurrent.size(0);
    const auto of_recurrent = gates.narrow(-1, 0, sides);
    const auto of_input =
        baseline.kind == CellKind::gru
            ? at::cat({gates.narrow(-1, 0, 2 * baseline.hidden), gates.narrow(-1, sides, baseline.hidden)}, -1)
            : of_recurrent;
    if (baseline.rounding.defined()) {
      const auto input_part = products.inputColumns(), emission_part = products.emissionColumns();
      baseline.rounding.fill(step, input_part.high, input_part.low, input, of_input);
      baseline.rounding.fill(step, emission_part.high, emission_part.low, recurrent, of_recurrent);
    }
    if (baseline.recurrent_rounding.defined())
      baseline.recurrent_rounding.fill(step, 0, baseline.recurrent.half(), recurrent, of_recurrent);
    if (baseline.input_rounding.defined())
      baseline.input_rounding.fill(step, 0, baseline.input.half(), input, of_input);
  });
}

}  // namespace heft
