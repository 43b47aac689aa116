#pragma once

#include "engine/units/exit_site.hpp"
#include "engine/units/unit_runner.hpp"
#include "measure/response.hpp"
#include "measure/response_seeds.hpp"

namespace heft {

/// Turns changes at the exits of traced units, and the adjoints there, into impacts.
class UnitEstimator {
 public:
  /// `exits` holds the adjoints of `seeds`; `selection` as ResponseOptions'.
  UnitEstimator(Session& session, const ExitSite& exits, const ResponseSeeds& seeds, const NewValue& new_value,
                const Selection* selection, int64_t samples);

  /// Fills the parameter's entries of `result`; `advance` hears how many weights are done.
  void estimate(const UnitParameter& units, ResponseResult& result, const std::function<void(int64_t)>& advance);

 private:
  /// Positions of the exits by the unit and the sample that they belong to, padded so that each has as many.
  struct Places {
    int64_t points = 0;
    at::Tensor own;   ///< int64 [units, samples x points]: among the parameter's positions; their number where padded
    at::Tensor exit;  ///< the same among all exits' positions; 0 where padded
  };
  [[nodiscard]] Places placesOf(const UnitParameter& units) const;
  void store(const UnitParameter& units, const Places& places, const at::Tensor& changes,
             const std::vector<std::vector<UnitParameter::Weight>>& weights, ResponseResult& result) const;
  [[nodiscard]] bool selected(int64_t parameter, int64_t flat) const;

  Session& session_;
  const ExitSite& exits_;
  const ResponseSeeds& seeds_;
  const NewValue& new_value_;
  const Selection* selection_;
  int64_t samples_;
  UnitRunner runner_;
};

}  // namespace heft
