#include "engine/delta/cell_baseline.hpp"

#include <ATen/ATen.h>

#include "engine/sites/cell_points.hpp"

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
      baseline_.products = RowProducts(baseline_.kind, weights_, form_.products);
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

}  // namespace

std::unique_ptr<LayerHook> recordBaseline(CellBaseline& baseline, CellKind kind, const CellWeights& weights,
                                          const DeltaForm& form) {
  return std::make_unique<Recorder>(baseline, kind, weights, form);
}

}  // namespace heft
