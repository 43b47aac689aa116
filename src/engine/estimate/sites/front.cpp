#include "engine/estimate/sites/front.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

namespace heft {

void Front::addReader(RecurrentSite& site, const at::Tensor& positions) {
  const auto by_row = positions.t().contiguous();
  readers_.push_back({&site, by_row, by_row.ge(0).to(at::kByte)});
  site.keepForBends();
}

int64_t Front::seeds() const {
  auto seeds = readers_.empty() ? 0 : std::numeric_limits<int64_t>::max();
  for (const auto& reader : readers_) seeds = reader.site->calls() > 1 ? 0 : std::min(seeds, reader.site->someSeeds());
  return seeds;
}

bool Front::worthwhile(double changes) const {
  constexpr double kAlways = 4e9;         // unit evaluations: some seconds
  constexpr double kMost = 4;             // times as many as the readers' own weights take
  constexpr double kContract = 1.0 / 64;  // what one seed's multiplications cost beside a unit's evaluation
  double work = 0, own = 0;
  for (const auto& reader : readers_) {
    own += reader.site->ownWork();
    work += changes * static_cast<double>(reader.position.size(1)) * reader.site->bendWork() *
            (1 + kContract * static_cast<double>(reader.site->someSeeds()));
  }
  return work <= std::max(kAlways, kMost * own);
}

}  // namespace heft
