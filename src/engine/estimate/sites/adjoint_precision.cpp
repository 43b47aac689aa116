#include "engine/estimate/sites/adjoint_precision.hpp"

#include <atomic>

namespace heft {
namespace {

// Not of one thread: adjoints of a GPU's operators run on a thread of their own.
std::atomic<AdjointPrecision> wanted{AdjointPrecision::floats};

}  // namespace

AdjointsIn::AdjointsIn(AdjointPrecision precision) : before_(wanted.exchange(precision)) {}
AdjointsIn::~AdjointsIn() { wanted = before_; }

AdjointPrecision adjointPrecision() { return wanted; }

}  // namespace heft
