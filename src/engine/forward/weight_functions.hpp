#pragma once

#include <map>
#include <set>
#include <span>

#include "engine/forward/variant.hpp"
#include "engine/forward/weight_call.hpp"
#include "engine/forward/weight_link.hpp"

namespace heft {

/// What forward makes of parameters alone before it reads them: masks and signs (`orig * mask`, `relu(W)`, `W @ sign`), weight
/// norms, softmaxes of rows. The last tensors of such calls are the model's derived weights. To who answers their calls by these
/// tensors they are weights as the parameters are, so a change of a parameter is a change of them, worked out exactly.
class WeightFunctions {
 public:
  /// A derived weight: which call gives it, and how it follows parameters.
  struct Source {
    size_t call = 0, result = 0;
    std::vector<WeightLink> links;
  };

  /// `calls` in the order in which they run; `hidden` are the parameters that nothing else reads.
  WeightFunctions(std::vector<WeightCall> calls, std::vector<Source> sources, std::set<int64_t> hidden);

  /// Puts what the call gives on the stack, in place of the arguments, where it is one of these. Throws
  /// Error(Fault::unsupported) where some other operator reads a hidden parameter: forward took another way than when the
  /// functions were found.
  [[nodiscard]] bool answer(const Model& model, const c10::OperatorHandle& op, torch::jit::Stack& stack) const;

  /// By index into Model::derived.
  [[nodiscard]] const std::vector<Source>& sources() const { return sources_; }
  /// True when nothing but functions reads the parameter.
  [[nodiscard]] bool hides(int64_t parameter) const { return hidden_.contains(parameter); }
  /// The links of one parameter.
  [[nodiscard]] std::vector<const WeightLink*> linksOf(int64_t parameter) const;

  /// Derived weight `derived` when parameters hold other values, by index.
  [[nodiscard]] at::Tensor evaluate(const Model& model, size_t derived,
                                    const std::map<int64_t, at::Tensor>& changed) const;

  /// Variants as changes of derived weights and of parameters that are read as they are; those that change nothing that is read
  /// have no changes left.
  struct Resolved {
    std::vector<Variant> variants;
    /// Those that must run as they are: a derived weight is no number then, or an element of it moves that no link speaks of.
    std::vector<bool> as_they_are;
  };
  [[nodiscard]] Resolved resolve(const Model& model, std::span<const Variant> variants) const;

 private:
  void resolveInto(const Model& model, size_t derived, std::span<const Variant> variants, Resolved& resolved) const;

  std::vector<WeightCall> calls_;
  std::vector<Source> sources_;
  std::set<int64_t> hidden_;
  std::map<std::string, std::vector<size_t>> by_name_;  ///< calls by their operator's name
};

/// The parameters that a parameter or derived weight follows: itself, or those of its links.
std::vector<int64_t> parametersBehind(const Model& model, int64_t index);

/// True when the operator gives nothing but views of what it is given, or no tensor at all.
bool looksAlone(const c10::OperatorHandle& op);

}  // namespace heft
