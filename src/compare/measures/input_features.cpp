#include "compare/measures/input_features.hpp"

#include <ATen/ATen.h>

#include "data/setting_name.hpp"
#include "heft/error.hpp"
#include "measure/session/session.hpp"

namespace heft {
namespace {

constexpr int64_t kMostFeatures = 256;

}  // namespace

std::optional<InputFeatures> inputFeatures(Session& session) {
  const auto& values = session.runner().inputs().values;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i].isTensor() || !at::isFloatingType(values[i].toTensor().scalar_type())) continue;
    const auto& tensor = values[i].toTensor();
    if (tensor.dim() < 2 || tensor.size(-1) > kMostFeatures || tensor.numel() == 0) return std::nullopt;
    return InputFeatures{i, tensor.size(-1)};
  }
  return std::nullopt;
}

void checkFeatureNames(Session& session, std::span<const std::string> names) {
  if (names.empty()) return;
  const auto features = inputFeatures(session);
  if (!features) {
    throw Error(Fault::usage,
                settingName("feature-names") +
                    ": the model has no floating input of at least two dimensions whose last has at most " +
                    std::to_string(kMostFeatures) + " features, so there is nothing to name");
  }
  if (std::ssize(names) != features->count) {
    throw Error(Fault::usage, settingName("feature-names") + ": " + std::to_string(names.size()) + " names for " +
                                  std::to_string(features->count) + " features; a name a line was expected");
  }
}

}  // namespace heft
