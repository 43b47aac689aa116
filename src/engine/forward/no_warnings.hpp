#pragma once

#include <c10/util/Exception.h>
#include <torch/csrc/jit/runtime/print_handler.h>

namespace heft {

/// While it lives, LibTorch's warnings on this thread and on those of its backward walks stay out of sight: cuDNN's recurrent
/// operators warn in every call, cuBLAS once in each thread that LibTorch starts. So does what a model prints, which runs thousands of
/// times, and whose results are not to stand among ours.
class NoWarnings {
 public:
  NoWarnings() : printed_(torch::jit::getPrintHandler()) {
    torch::jit::setPrintHandler([](const std::string&) {});
  }
  NoWarnings(const NoWarnings&) = delete;
  NoWarnings& operator=(const NoWarnings&) = delete;
  ~NoWarnings() { torch::jit::setPrintHandler(printed_); }

 private:
  struct Silent : c10::WarningHandler {
    void process(const c10::Warning& /*warning*/) override {}
  };

  Silent silent_;
  c10::WarningUtils::WarningHandlerGuard guard_{&silent_};
  torch::jit::PrintHandler printed_;
};

}  // namespace heft
