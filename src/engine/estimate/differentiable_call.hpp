#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <set>
#include <string>

namespace heft {

/// The graph that a recording leaves behind.
enum class GraphMode {
  none,  ///< no graph, for models that run only where nothing asks for gradients
  plain,
  tested  ///< every operator's derivative is tried first, and views that were made together are made one by one
};

/// What recordings on this thread leave behind while this lives; GraphMode::plain without.
class GraphScope {
 public:
  explicit GraphScope(GraphMode mode);
  GraphScope(const GraphScope&) = delete;
  GraphScope& operator=(const GraphScope&) = delete;
  ~GraphScope();

  [[nodiscard]] GraphMode mode() const { return mode_; }
  [[nodiscard]] static GraphMode current();
  /// Some operator ran without the graph, which GraphMode::tested may keep.
  [[nodiscard]] bool lost() const { return lost_; }
  static void lose();
  /// The operators whose results became constants of the graph.
  [[nodiscard]] const std::set<std::string>& cut() const { return cut_; }
  static void addCut(const std::string& name);

 private:
  GraphMode mode_;
  bool lost_ = false;
  std::set<std::string> cut_;
  GraphScope* before_;
};

/// Calls an operator while a graph is recorded, whatever autograd thinks of it: what it can't follow (writes that it forbids, no
/// derivative) runs without it, and its results are constants of the graph.
///
/// Values are the operator's own in any case. Throws what the operator throws where no graph is recorded. Some derivatives tell only
/// on the way back that there is none, and autograd forbids writing into views that were made together: see GraphMode::tested.
void callDifferentiably(const c10::OperatorHandle& op, torch::jit::Stack& stack);

/// Writes `value` into `out` with its graph, where autograd lets it.
void writeDifferentiably(const at::Tensor& out, const at::Tensor& value);

}  // namespace heft
