#pragma once

#include <filesystem>

#include "made_model.hpp"
#include "measure/session/session.hpp"

namespace heft::bench {

/// A module and its inputs as files, in a folder of their own that goes with this object.
class SavedModel {
 public:
  SavedModel(const torch::jit::Module& module, const at::Tensor& inputs);
  ~SavedModel();
  SavedModel(const SavedModel&) = delete;
  SavedModel& operator=(const SavedModel&) = delete;

  [[nodiscard]] SessionOptions options() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace heft::bench
