#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/dims.hpp"
#include "engine/forward/runner.hpp"

namespace heft {

/// Which part of the output is scored.
struct OutputTarget {
  std::string element;           ///< path of one output, "1" or "logits" or "0.1"; empty: all floating outputs
  std::optional<int64_t> klass;  ///< index in the dimension of classes
  std::optional<int64_t> step;   ///< index in the dimension of steps
  std::string module_name;       ///< a submodule whose return value is the output

  /// Reads "1", "logits,class:3", "step:-1", "module:encoder.lstm"; throws Error(Fault::usage).
  static OutputTarget parse(const std::string& text);
};

/// How output tensors become one table [samples, elements], the same way in every run. The elements of an output stand in its
/// own order, but for the classes, which come last.
class OutputLayout {
 public:
  /// `dims` says what the dimensions of each scored output are; empty: nothing is known and all is one sample. Throws
  /// Error(Fault::usage) where the target names a step or class of an output whose steps or classes are not known.
  OutputLayout(const std::vector<NamedOutput>& outputs, const OutputTarget& target, std::vector<OutputDims> dims,
               int64_t samples);

  /// The outputs that the target keeps; throws Error(Fault::usage) naming the outputs there are.
  static std::vector<NamedOutput> select(const std::vector<NamedOutput>& outputs, const OutputTarget& target);

  /// From now on outputs have a leading dimension of draws (Runner::setDraws), and each sample has a row a draw, one after the
  /// other.
  void setDraws(int64_t draws) { draws_ = draws; }
  [[nodiscard]] int64_t draws() const { return draws_; }

  /// [samples, elements]; with `variants`, every output has a leading variant dimension: [variants, samples, elements].
  /// A complex element is two columns, its real and imaginary part, all columns times scale(). Throws
  /// Error(Fault::unsupported) when a shape is not the baseline's.
  [[nodiscard]] at::Tensor table(const std::vector<NamedOutput>& outputs, bool variants = false) const;

  /// Rows of the table.
  [[nodiscard]] int64_t samples() const { return samples_ * draws_; }
  /// Columns of the table.
  [[nodiscard]] int64_t elements() const { return elements_; }
  /// How many classes the scored outputs have, if all have as many; else 1, and whyNoClasses() says why.
  [[nodiscard]] int64_t classes() const { return classes_; }
  /// Why a metric that needs classes can't be had, in a sentence with what to do; empty where it can or the outputs have one
  /// class each.
  [[nodiscard]] const std::string& whyNoClasses() const { return why_no_classes_; }
  /// For complex outputs: by column, 1 where it is a real part and the next its imaginary part; else undefined.
  [[nodiscard]] const at::Tensor& realParts() const { return real_parts_; }
  /// What columns are multiplied by, so that the mean of their squares is that of |y| over elements: above 1 where some are
  /// complex.
  [[nodiscard]] double scale() const { return scale_; }

  /// A scored output.
  struct Part {
    std::string path;
    std::vector<int64_t> shape;
    OutputDims dims;
    std::optional<int64_t> step, klass;  ///< the one place that is scored, counted from the beginning
    bool complex = false;
  };
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }

  /// From now on infinities (masked scores) stand in tables as the largest numbers whose squares are none, so that equal ones
  /// differ by nothing, and no gradient goes through them.
  void holdInfinities() { infinities_ = true; }

  /// One scored output and where its elements stand in the table's columns, which run over the outputs in this order.
  struct Piece {
    std::string path;            ///< as NamedOutput's
    std::vector<int64_t> shape;  ///< of one sample in the table, row-major: classes last, then real and imaginary part
    std::vector<int64_t> first;  ///< index of the first element along each dimension: above 0 behind step:N and class:N
    std::vector<int64_t> order;  ///< by dimension of `shape`: its place among the output's own, without the samples'
  };
  [[nodiscard]] std::vector<Piece> pieces() const;
  /// What of the part is scored: [16] of [16, 60, 1] behind step:-1.
  [[nodiscard]] static std::vector<int64_t> scoredShape(const Part& part);
  /// What is scored for people, as "y [64, 10]".
  [[nodiscard]] std::string describe() const;
  /// The same with the dimensions' names: "y [16] of [16 samples, 60 steps, 1 class]".
  [[nodiscard]] std::string describeDims() const;

 private:
  void findClasses();
  [[nodiscard]] at::Tensor tableOfDraw(const std::vector<NamedOutput>& outputs, bool variants) const;

  OutputTarget target_;
  std::vector<Part> parts_;
  int64_t samples_ = 1;  ///< of the inputs
  int64_t draws_ = 1;
  int64_t elements_ = 0;
  int64_t classes_ = 1;
  std::string why_no_classes_;
  double scale_ = 1;
  at::Tensor real_parts_;
  bool infinities_ = false;
};

}  // namespace heft
