#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "measure/response.hpp"
#include "measure/response_seeds.hpp"

namespace heft {

/// Turns the recorded sites, adjoints taken, into impacts: on the CPU a row of a parameter at a time, on a device many rows.
class RowEstimator {
 public:
  RowEstimator(Session& session, const std::vector<Site*>& sites, const ResponseSeeds& seeds, const NewValue& new_value,
               const ResponseOptions& options, int64_t samples);

  /// Fills the parameter's entries of `result`; `advance` hears how many weights are done.
  void estimate(size_t parameter, ResponseResult& result, const std::function<void(int64_t)>& advance) const;

 private:
  /// A part of the sites that one row of a parameter is read by.
  struct RowUse {
    const Site* site;
    int role;
  };
  /// A parameter and what stands for all of its rows.
  struct Task {
    size_t parameter;
    int64_t rows, columns;
    int64_t kept;          ///< seeds that blocks have
    const double* weight;  ///< [rows, columns]
  };

  /// The device on which all that read the parameter take many rows at once; nothing: some doesn't, or something bends.
  [[nodiscard]] std::optional<at::Device> deviceFor(size_t parameter) const;
  void estimateRow(const Task& task, int64_t row, float* block, float* change, const ColumnImpacts& out) const;
  /// The same for `count` rows on a device.
  void estimateRows(const Task& task, const int64_t* rows, int64_t count, at::Device device,
                    ResponseResult& result) const;
  /// What the block of one row of weights gives, [samples, kept seeds, columns].
  void reduce(const Task& task, const float* block, const ColumnImpacts& out) const;
  void changeRow(const Task& task, int64_t row, float* change) const;
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
  std::vector<std::vector<RowUse>> uses_;
};

}  // namespace heft
