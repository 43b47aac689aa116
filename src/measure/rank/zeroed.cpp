#include "measure/rank/zeroed.hpp"

#include <ATen/ATen.h>

#include "engine/execute/few_rows.hpp"
#include "engine/execute/zero_scope.hpp"
#include "measure/session/session.hpp"

namespace heft {

std::vector<at::Tensor> masksOf(const Structure& structure, const Component& component) {
  std::vector<at::Tensor> masks(structure.parameters.size());
  for (const auto& set : component.sets) {
    const auto p = static_cast<size_t>(set.parameter);
    auto mask = at::zeros({structure.parameters[p].weights()}, at::kBool);
    auto* data = mask.mutable_data_ptr<bool>();
    for (const auto index : set.index) data[index] = true;
    masks[p] = std::move(mask);
  }
  return masks;
}

at::Tensor outputsOf(Session& session) { return outputsOf(session, session.runner().inputs().values); }

at::Tensor outputsOf(Session& session, const std::vector<c10::IValue>& inputs) {
  const at::NoGradGuard no_grad;
  FewRowsHandler handler(session.model());
  // A copy, since an output may be a weight of the model or a view of one.
  return session.layout().table(session.runner().run(handler, inputs)).clone();
}

at::Tensor outputsWithout(Session& session, const std::vector<at::Tensor>& masks) {
  return outputsWithout(session, masks, session.runner().inputs().values);
}

at::Tensor outputsWithout(Session& session, const std::vector<at::Tensor>& masks,
                          const std::vector<c10::IValue>& inputs) {
  const ZeroScope zeroed(session.model(), masks);
  return outputsOf(session, inputs);
}

}  // namespace heft
