#pragma once

#include <cstddef>

#include "run/stored/checkpoint.hpp"
#include "run/stored/json_fields.hpp"

namespace heft {

/// What identity.json says: which ranking a checkpoint belongs to, and the form of its rows.
struct CheckpointIdentity {
  std::size_t columns = 0;  ///< numbers per weight
  Checkpoint::Identity identity;
};

template <class Archive>
void fields(Archive& archive, Stored<Archive, CheckpointIdentity>& stored) {
  archive.constant("format", "heft-checkpoint");
  archive("columns", stored.columns, Whole{0});
  archive("identity", stored.identity);
}

}  // namespace heft
