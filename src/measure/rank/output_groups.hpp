#pragma once

#include <cstdint>
#include <vector>

#include "measure/session/session.hpp"
#include "run/stored/run.hpp"

namespace heft {

/// Which group each part of the outputs belongs to.
struct OutputGroups {
  std::vector<OutputGroup> groups;    ///< in order; none is empty
  std::vector<std::int64_t> columns;  ///< [groups]: parts in `of`, of which a complex element has two
  std::vector<std::int32_t> of;       ///< [samples, elements], row-major: a place in `groups`; -1: in none
  std::vector<std::int32_t>
      of_row;  ///< [samples, elements / classes]: of the rows of classes; empty where one has several
};

/// The groups that settings.by names:
///
///   class   elements with the same place in the outputs' last dimension
///   step    elements of the same step
///   output  the scored outputs, one each
///   target  rows of classes (or, where each sample has one, samples) whose target is the same class. Without --targets, where
///           several outputs are scored: as output
///   label   samples with the same label in settings.labels
///
/// Throws Error(Fault::usage) in one line where the outputs have no such dimension, there are no targets, or labels are not
/// as many as samples.
[[nodiscard]] OutputGroups outputGroups(const Session& session, const RankSettings& settings);

}  // namespace heft
