#pragma once

#include <c10/util/Exception.h>

namespace heft {

/// While it lives, LibTorch's warnings on this thread and on those of its backward walks stay out of sight: cuDNN's recurrent
/// operators warn in every call, cuBLAS once in each thread that LibTorch starts.
class NoWarnings {
 private:
  struct Silent : c10::WarningHandler {
    void process(const c10::Warning& /*warning*/) override {}
  };

  Silent silent_;
  c10::WarningUtils::WarningHandlerGuard guard_{&silent_};
};

}  // namespace heft
