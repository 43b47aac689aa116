#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/estimate/adjoint_store.hpp"
#include "measure/estimate/response_seeds.hpp"
#include "measure/session/session.hpp"
#include "measure/weights/selection.hpp"
#include "run/stored/settings.hpp"

namespace heft {

/// New value of weight `flat` of `parameter`, whose value is `weight`.
using NewValue = std::function<double(int64_t parameter, int64_t flat, double weight)>;

/// What the adjoints of an estimate come to.
struct AdjointCost {
  size_t adjoints = 0;
  double bytes = 0;  ///< that what is kept of them takes
  /// That a row is multiplied with, of the site with most weights: fewer than all where sums of their products do.
  size_t kept = 0;
};

struct ResponseResult;

/// Keeps an estimate's parts for whoever goes on after an interruption. All from the thread that estimates.
class EstimateStore : public AdjointStore {
 public:
  /// Puts the parameter's rows that were kept into the result; how many there are, from the first one on.
  virtual int64_t restoreRows(size_t parameter, ResponseResult& result) = 0;
  /// Whether the last call of keepRows() is long enough ago.
  [[nodiscard]] virtual bool due() const = 0;
  /// The parameter's first `rows` rows are done.
  virtual void keepRows(size_t parameter, int64_t rows, const ResponseResult& result) = 0;
};

struct ResponseOptions {
  std::vector<Metric> metrics{Metric::rms};
  uint64_t seed = 0;
  /// Outputs are taken one by one up to this many a sample, or where that takes at most `exact_flop` floating-point
  /// operations (some seconds of two cores); beyond, random probes stand in for them.
  int64_t exact_elements = 128;
  double exact_flop = 4e11;
  /// As many probes as take at most `probe_flop` floating-point operations, between these two numbers.
  double probe_flop = 5e12;
  int64_t probes = 256;
  int64_t most_probes = 1024;
  bool rounded_probes = true;            ///< adjoints of probes round factors, where that is faster
  int64_t memory = int64_t{2} << 30;     ///< bytes that adjoints may take; fewer probes where they would take more
  bool curvature = false;                ///< kl to second order alone; see exactSeeds
  bool own = true;                       ///< as SiteOptions'; false and `bends`: to compare, see docs/estimates.md
  bool device_code = false;              ///< as SiteOptions'
  bool bends = true;                     ///< units behind an embedding or a linear layer follow more than their slope
  const Selection* selection = nullptr;  ///< rows without a selected weight are left out; null: all
  /// Given: hears the values of each row of a parameter instead of the result, which then has none for it. Called from
  /// several threads. Weights outside recurrent operators' reach (UnitEstimator) are left out.
  std::function<void(size_t parameter, int64_t row, const ColumnImpacts& values)> take_row{};
  EstimateStore* store = nullptr;  ///< given: rows that it holds are not estimated again
  /// Given: told before the first adjoint.
  std::function<void(const AdjointCost&)> begun{};
};

/// Estimated impacts of every weight, each changed alone.
struct ResponseResult {
  /// [metric][parameter][weights]; 0 where nothing reads it or it was not selected.
  std::vector<std::vector<std::vector<double>>> impact;
  std::vector<std::vector<std::vector<float>>> standard_error;  ///< over inputs; NaN with one sample
  size_t adjoints = 0;
  int64_t row_weights = 0;  ///< weights that were taken many rows at once, as on a device
  int64_t probes = 0;       ///< 0: every output exactly
  double probe_error = 0;   ///< relative standard error that probes add to an impact (rms), at most
  std::vector<std::string> notes;
};

/// Makes room for `values` lists of each parameter's impacts: zeros, and standard errors that are `unknown`.
void prepareResult(ResponseResult& result, const std::vector<ParameterInfo>& parameters, size_t values, float unknown);

/// Called with what is being done and the share that is done, 0 to 1; may throw to stop.
using StageProgress = std::function<void(const std::string& stage, double share)>;

/// Unit response of all weights (docs/method.md): one adjoint run, then one pass over the weights.
ResponseResult estimateAll(Session& session, const NewValue& new_value, const ResponseOptions& options,
                           const StageProgress& progress);

/// Makes the seeds for the outputs as the adjoints see them.
using SeedsMaker = std::function<std::unique_ptr<ResponseSeeds>(const OutputView&)>;

/// The same along the seeds that `make` gives: result.impact and standard_error hold whatever values those reduce to.
/// options.metrics is not looked at.
ResponseResult estimateBy(Session& session, const NewValue& new_value, const SeedsMaker& make,
                          const ResponseOptions& options, const StageProgress& progress);

}  // namespace heft
