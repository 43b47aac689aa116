#pragma once

#include "engine/derived/dependence.hpp"
#include "engine/estimate/units/exit_site.hpp"
#include "engine/estimate/units/unit_runner.hpp"
#include "measure/estimate/derived_rows.hpp"
#include "measure/estimate/response.hpp"
#include "measure/estimate/response_seeds.hpp"

namespace heft {

/// Turns changes at the exits of traced units, and the adjoints there, into impacts.
class UnitEstimator {
 public:
  /// `exits` holds the adjoints of `seeds`; `selection` as ResponseOptions'.
  UnitEstimator(Session& session, const ExitSite& exits, const ResponseSeeds& seeds, const NewValue& new_value,
                const Selection* selection, int64_t samples);

  /// Fills the entries of `result` of the parameter, or of those that the derived weight follows; `advance` hears how many weights are done.
  void estimate(const UnitParameter& units, ResponseResult& result, const std::function<void(int64_t)>& advance);

 private:
  /// Positions of the exits by the unit and the sample that they belong to, padded so that each has as many.
  struct Places {
    int64_t points = 0;
    at::Tensor own;   ///< int64 [units, samples x points]: among the parameter's positions; their number where padded
    at::Tensor exit;  ///< the same among all exits' positions; 0 where padded
  };
  [[nodiscard]] Places placesOf(const UnitParameter& units) const;
  /// One weight of a unit, changed: what that changes of the parameter or derived weight that the units are of.
  struct Trial {
    int64_t unit = 0;
    int64_t flat = 0;  ///< of the weight, in its own parameter
    std::vector<int64_t> index;
    std::vector<double> value;
  };
  /// Takes trials of different units that can be run together.
  using TakeTrials = std::function<void(std::vector<Trial>)>;

  [[nodiscard]] DerivedRows madeBy(const WeightLink& link, int64_t first, int64_t count) const;
  void trialsOfParameter(const UnitParameter& units, const TakeTrials& take) const;
  void trialsOfElements(const UnitParameter& units, const WeightLink& link, const TakeTrials& take) const;
  void trialsOfRows(const UnitParameter& units, const WeightLink& link, const TakeTrials& take) const;
  void estimate(const UnitParameter& units, size_t parameter, const Places& places,
                const std::function<void(const TakeTrials&)>& trials, ResponseResult& result,
                const std::function<void(int64_t)>& advance);
  /// `changes` is [variants, positions], `weights` their trials.
  void store(const UnitParameter& units, size_t parameter, const Places& places, const at::Tensor& changes,
             const std::vector<std::vector<Trial>>& weights, ResponseResult& result) const;
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
