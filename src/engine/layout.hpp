#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/runner.hpp"

namespace heft {

/// Which part of the output is scored.
struct OutputTarget {
  std::string element;           ///< path of one output, "1" or "logits" or "0.1"; empty: all floating outputs
  std::optional<int64_t> klass;  ///< index in the last dimension
  std::optional<int64_t> step;   ///< index in the dimension of time
  std::string module_name;       ///< a submodule whose return value is the output

  /// Reads "1", "logits,class:3", "step:-1", "module:encoder.lstm"; throws Error(Fault::usage).
  static OutputTarget parse(const std::string& text);
};

/// How output tensors become one table [samples, elements], the same way in every run.
class OutputLayout {
 public:
  /// `batch_dims` gives the batch dimension of each scored output, or is empty when all is one sample.
  OutputLayout(const std::vector<NamedOutput>& outputs, const OutputTarget& target, std::vector<int64_t> batch_dims,
               int64_t samples);

  /// The outputs that the target keeps; throws Error(Fault::usage) naming the outputs there are.
  static std::vector<NamedOutput> select(const std::vector<NamedOutput>& outputs, const OutputTarget& target);

  /// [samples, elements]; with `variants`, every output has a leading variant dimension: [variants, samples, elements].
  /// Throws Error(Fault::unsupported) when a shape is not the baseline's.
  [[nodiscard]] at::Tensor table(const std::vector<NamedOutput>& outputs, bool variants = false) const;

  [[nodiscard]] int64_t samples() const { return samples_; }
  [[nodiscard]] int64_t elements() const { return elements_; }
  /// Size of the last dimension of the outputs when all agree, else `elements`: what kl, flips and loss run over.
  [[nodiscard]] int64_t classes() const { return classes_; }
  /// One scored output and where its elements stand in the table's columns, which run over the outputs in this order.
  struct Piece {
    std::string path;            ///< as NamedOutput's
    std::vector<int64_t> shape;  ///< of one sample, row-major
    std::vector<int64_t> first;  ///< index of the first element along each dimension: above 0 behind step:N and class:N
  };
  [[nodiscard]] std::vector<Piece> pieces() const;
  /// Shape of the scored outputs for people, as "y [64, 10]".
  [[nodiscard]] std::string describe() const;

 private:
  struct Part {
    std::string path;
    std::vector<int64_t> shape;
    int64_t batch_dim;
  };
  OutputTarget target_;
  std::vector<Part> parts_;
  int64_t samples_ = 1;
  int64_t elements_ = 0;
  int64_t classes_ = 0;
};

}  // namespace heft
