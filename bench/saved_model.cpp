#include "saved_model.hpp"

#include <unistd.h>

#include <fstream>
#include <system_error>

namespace heft::bench {

SavedModel::SavedModel(const torch::jit::Module& module, const at::Tensor& inputs)
    : folder_(std::filesystem::temp_directory_path() / ("heft-bench-" + std::to_string(::getpid()))) {
  std::filesystem::create_directories(folder_);
  module.save((folder_ / "model.pt").string());
  const auto bytes = torch::jit::pickle_save(inputs);
  std::ofstream(folder_ / "inputs.pt", std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

SavedModel::~SavedModel() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

SessionOptions SavedModel::options() const {
  SessionOptions options;
  options.model = folder_ / "model.pt";
  options.inputs = {folder_ / "inputs.pt"};
  return options;
}

}  // namespace heft::bench
