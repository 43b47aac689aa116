#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "engine/derived/dependence.hpp"
#include "measure/estimate/derived_rows.hpp"
#include "measure/estimate/response.hpp"
#include "measure/estimate/response_seeds.hpp"

namespace heft {

/// Turns the recorded sites, adjoints taken, into impacts: on the CPU a row of a parameter at a time, on a device many rows.
class RowEstimator {
 public:
  RowEstimator(Session& session, const std::vector<Site*>& sites, const ResponseSeeds& seeds, const NewValue& new_value,
               const ResponseOptions& options, int64_t samples);

  /// Fills the parameter's entries of `result` from row `first` on; `advance` hears how many weights are done.
  void estimate(size_t parameter, int64_t first, ResponseResult& result,
                const std::function<void(int64_t)>& advance) const;

 private:
  /// A part of the sites that one row of a parameter is read by.
  struct RowUse {
    const Site* site;
    int role;
  };
  /// A parameter or derived weight (Model::weights) and what stands for all of its rows.
  struct Task {
    size_t index;
    int64_t rows, columns;
    int64_t kept;             ///< seeds that blocks have
    const float* change;      ///< [rows, columns]
    const uint8_t* selected;  ///< [rows, columns]: which to estimate; null: all
    ColumnImpacts out;        ///< [rows, columns]; empty where rows are handed over
    int64_t first = 0;        ///< row to begin with
    bool keeps = false;       ///< the store hears of rows that are done: `out` is the result's own
  };
  /// A parameter's values, each before and after its own change.
  struct Changes {
    std::vector<double> before, after;
  };

  [[nodiscard]] Changes changesOf(size_t parameter) const;
  void estimateTask(const Task& task, ResponseResult& result, const std::function<void(int64_t)>& advance) const;
  /// A parameter that forward reads through functions alone or as well.
  void estimateDerived(size_t parameter, const uint8_t* wanted, const std::vector<const WeightLink*>& links,
                       ResponseResult& result, const std::function<void(int64_t)>& advance) const;
  /// Each of its weights makes one element: those are estimated in its place.
  void estimateElements(size_t parameter, const uint8_t* wanted, const WeightLink& link, ResponseResult& result,
                        const std::function<void(int64_t)>& advance) const;
  void addDerivedRow(size_t index, const DerivedRows& made, int64_t row, int64_t columns,
                     const ResponseBlock& block) const;

  /// The device on which all that read the parameter take many rows at once; nothing: some doesn't, or something bends.
  [[nodiscard]] std::optional<at::Device> deviceFor(size_t parameter) const;
  void estimateOnHost(const Task& task, ResponseResult& result, const std::function<void(int64_t)>& advance) const;
  void estimateOnDevice(const Task& task, at::Device device, ResponseResult& result,
                        const std::function<void(int64_t)>& advance) const;
  /// Tells the store, where there is one, that the parameter's first rows are done.
  void keep(const Task& task, int64_t rows, const ResponseResult& result) const;
  void estimateRow(const Task& task, int64_t row, float* block, const ColumnImpacts& out) const;
  /// The same for `count` rows on a device.
  void estimateRows(const Task& task, const int64_t* rows, int64_t count, at::Device device) const;
  /// What the block of one row of weights gives, [samples, kept seeds, columns].
  void reduce(const Task& task, const float* block, const ColumnImpacts& out) const;
  [[nodiscard]] int64_t bendSeeds(size_t parameter) const;
  void addBend(size_t parameter, const RowChange& row, const ResponseBlock& block) const;
  void scaleByBend(size_t parameter, const RowChange& row, const float* block, int64_t some,
                   const ColumnImpacts& out) const;
  [[nodiscard]] bool selected(const Task& task, int64_t row) const;

  Session& session_;
  const ResponseSeeds& seeds_;
  const NewValue& new_value_;
  const ResponseOptions& options_;
  int64_t samples_, count_;
  std::vector<std::vector<RowUse>> uses_;  ///< by index for Model::weights()
};

}  // namespace heft
