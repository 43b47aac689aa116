#pragma once

namespace heft {

/// Asks MKL for products whose last bits don't depend on what is multiplied beside them, where it doesn't give them by itself: on
/// AMD processors without AVX-512 (where asking costs nothing). To be called before anything multiplies; later calls change nothing.
/// False where last bits of products of few rows depend on the number of threads all the same, as they do on those processors.
bool steadyProducts();

}  // namespace heft
