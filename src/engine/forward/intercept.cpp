#include "engine/forward/intercept.hpp"

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/library.h>

#include "data/stop.hpp"

namespace heft {
namespace {

// A key that no backend uses; it ranks above autograd and functorch, so an operator arrives here undivided.
constexpr auto kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

thread_local OperatorHandler* current_handler = nullptr;

void fallback(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  stopIfAsked();
  const c10::impl::ExcludeDispatchKeyGuard not_again(kKey);
  if (current_handler != nullptr) {
    current_handler->call(op, stack);
  } else {
    op.callBoxed(stack);
  }
}

}  // namespace

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&fallback>());
}

InterceptScope::InterceptScope(OperatorHandler& handler)
    : previous_(current_handler), was_included_(c10::impl::tls_is_dispatch_key_included(kKey)) {
  current_handler = &handler;
  c10::impl::tls_set_dispatch_key_included(kKey, true);
}

InterceptScope::~InterceptScope() {
  c10::impl::tls_set_dispatch_key_included(kKey, was_included_);
  current_handler = previous_;
}

}  // namespace heft
