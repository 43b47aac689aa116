#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "measure/rank/method.hpp"

namespace heft {

/// An estimate's parts in the checkpoint: rows of parameters as they are done, adjoints that took long, and the facts about all of it
/// at the end.
class KeptEstimates : public EstimateStore {
 public:
  explicit KeptEstimates(const MethodTask& task);

  /// The whole estimate; false where some of it is missing or damaged.
  bool restore(ResponseResult& result);
  /// Keeps what is not kept yet, and that it is all there is.
  void finish(const ResponseResult& result);

  std::optional<std::vector<at::Tensor>> adjoints(const std::string& name, std::span<const at::Tensor> leaves,
                                                  int64_t seeds) override;
  void keepAdjoints(const std::string& name, std::span<const at::Tensor> all, double seconds) override;
  int64_t restoreRows(size_t parameter, ResponseResult& result) override;
  [[nodiscard]] bool due() const override;
  void keepRows(size_t parameter, int64_t rows, const ResponseResult& result) override;

 private:
  [[nodiscard]] std::string listName(const char* what, Metric metric, size_t parameter, int64_t row) const;

  const MethodTask& task_;
  std::vector<int64_t> kept_;  ///< rows of each parameter that are in the checkpoint, from the first one on
  int64_t adjoint_bytes_ = 0;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now(), last_ = began_;
};

}  // namespace heft
