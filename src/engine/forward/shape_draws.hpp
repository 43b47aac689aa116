#pragma once

#include <optional>

#include "engine/forward/random_draws.hpp"

namespace heft {

/// Most operators that draw random numbers draw them by the shapes of their tensors alone: "like" ones, those that fill a tensor,
/// dropouts. Their numbers are drawn here, and what is left has no chance in it.
struct ShapeDraw {
  bool done = false;                                ///< the result is on the stack
  std::optional<c10::OperatorHandle> in_its_place;  ///< else: this one is to run on what the stack holds now
  bool typed = false;                               ///< its tensors have the types that they are to be drawn in
};

/// `as_float`: numbers are drawn in float32, as the model itself draws them, whatever type its tensors have here.
ShapeDraw drawByShape(const c10::OperatorHandle& op, torch::jit::Stack& stack, const RandomDraws::Turn& turn,
                      bool as_float);

}  // namespace heft
