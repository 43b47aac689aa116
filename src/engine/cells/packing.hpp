#pragma once

#include <ATen/core/Tensor.h>

namespace heft {

/// A packed sequence laid out as [time, batch, ...] and back.
class Packing {
 public:
  /// `batch_sizes`: int64 [time], as torch.nn.utils.rnn.pack_padded_sequence gives them.
  explicit Packing(const at::Tensor& batch_sizes);

  /// [..., sum of lengths, width] -> [..., time, batch, width]; steps that aren't there are zero.
  [[nodiscard]] at::Tensor unpack(const at::Tensor& packed) const;
  /// [..., time, batch, width] -> [..., sum of lengths, width].
  [[nodiscard]] at::Tensor pack(const at::Tensor& padded) const;
  /// bool [time, batch, 1]: which steps are there.
  [[nodiscard]] at::Tensor active(const at::Device& device) const;

 private:
  int64_t time_ = 0;
  int64_t batch_ = 0;
  at::Tensor places_;  ///< int64 [sum of lengths], in time x batch
};

}  // namespace heft
