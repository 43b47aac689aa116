#pragma once

#include "engine/estimate/sites/site.hpp"
#include "model/model.hpp"
#include "model/structure.hpp"

namespace heft {

/// What each parameter is to the model, from the sites that a run recorded; call before their first seed.
///
/// A matrix counts as a reader of a unit when every value that one of its columns was multiplied by is a value that the
/// unit emitted, so slices, the last step alone, flips and concatenations are seen, and values changed on their way
/// (a ReLU, a norm) are not.
Structure describeStructure(const Model& model, const std::vector<Site*>& sites);

/// The parameter that stands for a parameter or derived weight: itself; of a derived weight the one of its shape whose rows are its
/// rows (the weights under a mask, the direction under a gain). -1 where there is none.
int64_t standingFor(const Model& model, int64_t index);

/// The parameters alone, for a model that has not run.
Structure describeParameters(const Model& model);

/// As PyTorch calls it: "float32".
std::string typeName(at::ScalarType type);

}  // namespace heft
