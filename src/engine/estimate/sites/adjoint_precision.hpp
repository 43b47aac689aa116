#pragma once

namespace heft {

/// How adjoints of layers and linear operators multiply.
enum class AdjointPrecision {
  full,     ///< in the type of the values: where gradients are compared to the last digit
  floats,   ///< as float32, about
  rounded,  ///< factors rounded to bfloat16 where the processor has tiles for them: where chance is much larger anyway
};

/// While it lives, adjoints multiply that way; floats where none lives.
class AdjointsIn {
 public:
  explicit AdjointsIn(AdjointPrecision precision);
  ~AdjointsIn();
  AdjointsIn(const AdjointsIn&) = delete;
  AdjointsIn& operator=(const AdjointsIn&) = delete;

 private:
  AdjointPrecision before_;
};

[[nodiscard]] AdjointPrecision adjointPrecision();

}  // namespace heft
