#pragma once

#include <vector>

#include "engine/estimate/sites/site.hpp"
#include "model/model.hpp"
#include "model/site_facts.hpp"
#include "model/structure.hpp"

namespace heft {

/// The sites of a recorded run, in the order in which forward first reached them: the layers and directions of one
/// recurrent module as one, and so the calls of other modules. `structure` is describeStructure's of the same sites.
std::vector<SiteFacts> describeSites(const Model& model, const Structure& structure, const std::vector<Site*>& sites);

/// "encoder.lstm" for "encoder.lstm.l0_reverse", the name of one layer in one direction; "" for "l0".
std::string stackName(const std::string& layer);

}  // namespace heft
