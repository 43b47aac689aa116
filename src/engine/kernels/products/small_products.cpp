#include "engine/kernels/products/small_products.hpp"

#include <ATen/ATen.h>
#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <ATen/native/CPUBlas.h>

#include "data/memory.hpp"

namespace heft {

#if defined(CPUBLAS_BRGEMM_BF16BF16F32) && defined(CPUBLAS_BRGEMM_F32F32F32)
namespace {

template <class Element>
void multiply(const SmallProduct& product, const Element* a, const Element* b, float* out) {
  at::native::cpublas::brgemm(product.rows, product.columns, product.depth, product.a_apart, product.b_apart,
                              product.out_apart, product.add, a, b, out);
}

/// Whether LibTorch multiplies small matrices of this type here, and rightly.
template <class Element>
bool tryProduct() {
  constexpr int64_t kTriedRows = 32, kTriedColumns = 64;
  try {
    const auto type = c10::CppTypeToScalarType<Element>::value;
    const at::Tensor ones = at::ones({kTriedRows, 2}, type), twos = at::full({1, kTriedColumns, 2}, 2, type);
    at::Tensor out = at::zeros({kTriedRows, kTriedColumns});
    multiply({kTriedRows, kTriedColumns, 2, 2, kTriedColumns, kTriedColumns, false}, ones.const_data_ptr<Element>(),
             twos.const_data_ptr<Element>(), out.data_ptr<float>());
    at::native::cpublas::brgemm_release();
    return out.eq(4).all().item<bool>();
  } catch (const std::exception& error) {
    if (saysOutOfMemory(error.what())) throw;  // or the last bits would depend on it
    return false;
  }
}

bool hasBfloat16() {
  const auto all = at::cpu::get_cpu_capabilities();
  const auto found = all.find("avx512_bf16");
  return found != all.end() && found->second.isBool() && found->second.toBool();
}

SmallProducts tryProducts() {
  SmallProducts works;
  // LibTorch's own product is as fast with AVX2; and where the processor is not Intel's, AVX2 is all that MKL uses: less than half
  // of what AVX-512 gives.
  works.floats = at::get_cpu_capability() == "AVX512" && tryProduct<float>();
  const bool tiles = at::cpu::init_amx();
  works.bfloat16 = (tiles || hasBfloat16()) && tryProduct<at::BFloat16>();
  works.tiles = tiles && works.bfloat16;
  return works;
}

}  // namespace

void multiplySmall(const SmallProduct& product, const float* a, const float* b, float* out) {
  multiply(product, a, b, out);
}
void multiplySmall(const SmallProduct& product, const c10::BFloat16* a, const c10::BFloat16* b, float* out) {
  multiply(product, a, b, out);
}
void releaseSmall() {
  if (smallProducts().bfloat16) at::native::cpublas::brgemm_release();
}
#else
namespace {

SmallProducts tryProducts() { return {}; }

}  // namespace

void multiplySmall(const SmallProduct&, const float*, const float*, float*) {}
void multiplySmall(const SmallProduct&, const c10::BFloat16*, const c10::BFloat16*, float*) {}
void releaseSmall() {}
#endif

const SmallProducts& smallProducts() {
  static const SmallProducts works = tryProducts();
  return works;
}

void addProduct(SmallProduct product, const float* a, const float* b, float* out) {
  if (product.rows == 0 || product.columns == 0 || product.depth == 0) return;
  product.add = true;
  if (smallProducts().floats) return multiplySmall(product, a, b, out);
  const auto wrap = [](const float* data, int64_t rows, int64_t columns, int64_t apart) {
    return at::from_blob(const_cast<float*>(data), {rows, columns}, {apart, 1}, at::kFloat);
  };
  auto sum = wrap(out, product.rows, product.columns, product.out_apart);
  sum.addmm_(wrap(a, product.rows, product.depth, product.a_apart),
             wrap(b, product.depth, product.columns, product.b_apart));
}

}  // namespace heft
