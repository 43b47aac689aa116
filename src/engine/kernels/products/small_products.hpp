#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace heft {

/// What LibTorch multiplies by the kernels that oneDNN makes for small matrices on the processor at hand.
struct SmallProducts {
  bool floats = false;    ///< float32, with AVX-512
  bool bfloat16 = false;  ///< bfloat16 summed in float32, in units of the processor's own
  bool tiles = false;     ///< those units are tiles (Intel's AMX)
};
/// Known only by trying: done once. Throws what LibTorch throws when memory runs out in it.
[[nodiscard]] const SmallProducts& smallProducts();

/// out [rows, columns] = a [rows, depth] x b [depth, columns], or added to it. Rows lie that far apart; of bfloat16 b's lie in
/// pairs, [depth / 2, columns, 2]. Each sum runs over depth in one order, whatever the rows.
struct SmallProduct {
  int64_t rows, columns, depth;
  int64_t a_apart, b_apart, out_apart;
  bool add;
};
/// On the calling thread; only where smallProducts() has the type.
void multiplySmall(const SmallProduct& product, const float* a, const float* b, float* out);
void multiplySmall(const SmallProduct& product, const c10::BFloat16* a, const c10::BFloat16* b, float* out);
/// Gives up what the processor keeps for tiles on this thread; call it after a thread's last product of bfloat16.
void releaseSmall();

/// out [rows, columns] += a [rows, depth] x b [depth, columns], float32, rows that far apart: as above where that works, elsewhere
/// LibTorch's product. It adds whatever `add` says. For one thread.
void addProduct(SmallProduct product, const float* a, const float* b, float* out);

}  // namespace heft
