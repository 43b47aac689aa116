#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <functional>

namespace heft {

/// Calls an operator whose last arguments are written into (`out=`) as its plain form, whose results are then copied to where they
/// belong: whoever follows operators meets only plain ones, and copies. Every call goes through `call`. False, and nothing is done,
/// where `op` is no such form or has no plain one.
bool callPlainForm(const c10::OperatorHandle& op, torch::jit::Stack& stack,
                   const std::function<void(const c10::OperatorHandle& op, torch::jit::Stack& stack)>& call);

}  // namespace heft
