#include "engine/forward/steady_products.hpp"

#include <cstdlib>

namespace heft {

bool steadyProducts() {
  static const bool steady = [] {
#if defined(__x86_64__)
    __builtin_cpu_init();
    // MKL's conditional numerical reproducibility, read when it multiplies for the first time. What a person has set stays.
    if (__builtin_cpu_is("amd") && __builtin_cpu_supports("avx2") && !__builtin_cpu_supports("avx512f")) {
      ::setenv("MKL_CBWR", "AVX2", 0);
      return false;
    }
#endif
    return true;
  }();
  return steady;
}

}  // namespace heft
