#pragma once

#include <ATen/core/Tensor.h>

namespace heft {

/// What rounding takes from the outputs, to first order, where differences d and weights W are rounded to d' and W' before they are
/// multiplied. With a the adjoint of the product in the unchanged model, that is
///
///   a . (W d - W' d') = ((W - W')^T a) . d' + (W^T a) . (d - d'),
///
/// a few numbers an output for each row, which need no exact product. Added to the outputs, it leaves what is of second order: the
/// rounding times how much the variant changes the adjoint. (Correction by the dual weighted residual: Becker and Rannacher, Acta
/// Numerica 2001.)
class RoundingTable {
 public:
  /// How a row holds d' and d - d', and how the table must lie to be multiplied by it.
  struct Form {
    int64_t terms = 0;    ///< columns of a row: some hold d', some d - d'
    int64_t columns = 0;  ///< outputs, rounded up
    bool pairs = false;   ///< as multiplySmall() takes bfloat16
  };

  RoundingTable() = default;
  RoundingTable(int64_t steps, int64_t samples, const Form& form, at::Device device);

  [[nodiscard]] bool defined() const { return table_.defined(); }
  [[nodiscard]] int64_t columns() const { return form_.columns; }
  /// Weights float32 [results, inputs], and what rounding takes from them.
  struct Weights {
    at::Tensor all, lost;
    explicit Weights(const at::Tensor& weights);
  };
  /// Fills one step for a row that holds d' from column `rounded` on and d - d' from `rest` on; in pairs that is all it holds.
  /// `adjoints` [elements, samples, results].
  void fill(int64_t step, int64_t rounded, int64_t rest, const Weights& weights, const at::Tensor& adjoints);

  /// bfloat16 [samples, terms, columns], or in pairs [samples, terms / 2, columns, 2].
  [[nodiscard]] at::Tensor at(int64_t step) const { return table_[step]; }

 private:
  Form form_;
  at::Tensor table_;
};

}  // namespace heft
