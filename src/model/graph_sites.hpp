#pragma once

#include <vector>

#include "model/model.hpp"
#include "model/site_facts.hpp"

namespace heft {

/// The places that read parameters as far as the TorchScript graph shows them, for a model that has not run: recurrent
/// operators by their nodes, other modules with parameters by their class. A matrix product outside any module, as in a
/// cell written by hand, shows only when the model runs.
std::vector<SiteFacts> graphSites(const Model& model);

}  // namespace heft
