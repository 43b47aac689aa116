#include "measure/targets.hpp"

#include <ATen/ATen.h>

#include <sstream>
#include <string>

#include "heft/error.hpp"

namespace heft {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(Fault::input, "targets " + why); }

/// [samples, rest]
at::Tensor bySample(const at::Tensor& targets, std::int64_t samples) {
  for (std::int64_t dim = 0; dim < targets.dim(); ++dim) {
    if (targets.size(dim) == samples) return targets.movedim(dim, 0).reshape({samples, -1});
  }
  return targets.reshape({samples, -1});
}

std::string shapeOf(const at::Tensor& targets) {
  std::ostringstream text;
  text << targets.sizes();
  return text.str();
}

Targets classTargets(const at::Tensor& targets, std::int64_t samples, std::int64_t groups, std::int64_t classes) {
  if (classes < 2)
    refuse(
        "are whole numbers, which name classes, but the output has one element to a class; floating targets "
        "were expected");
  if (targets.numel() != samples && targets.numel() != samples * groups) {
    refuse("have shape " + shapeOf(targets) + "; one class a sample, " + std::to_string(samples) + " of them, " +
           (groups == 1 ? "was"
                        : "or one a sample and position, " + std::to_string(samples) + " x " + std::to_string(groups) +
                              ", were") +
           " expected");
  }
  const at::Tensor table = bySample(targets.to(at::kLong), samples).expand({samples, groups}).contiguous();
  const at::Tensor outside = (table < 0).logical_or(table >= classes);
  if (outside.any().item<bool>()) {
    const auto found = table.masked_select(outside)[0].item<std::int64_t>();
    refuse("hold class " + std::to_string(found) + "; the output has " + std::to_string(classes) + " classes, 0 to " +
           std::to_string(classes - 1));
  }
  return {table, {}};
}

}  // namespace

Targets onDevice(const Targets& targets, c10::Device device) {
  const auto moved = [&](const at::Tensor& one) { return one.defined() ? one.to(device) : one; };
  return {moved(targets.classes), moved(targets.values)};
}

Targets prepareTargets(const at::Tensor& targets, std::int64_t samples, std::int64_t elements, std::int64_t classes) {
  if (at::isIntegralType(targets.scalar_type(), /*includeBool=*/true))
    return classTargets(targets, samples, elements / classes, classes);
  if (!at::isFloatingType(targets.scalar_type())) {
    refuse(std::string("are ") + at::toString(targets.scalar_type()) +
           "; whole numbers (classes) or floating numbers (values) were expected");
  }
  if (targets.numel() != samples * elements) {
    refuse("have shape " + shapeOf(targets) + "; as many as output elements, " + std::to_string(samples) + " x " +
           std::to_string(elements) + ", were expected" + (classes > 1 ? ", or classes as whole numbers" : ""));
  }
  const at::Tensor table = bySample(targets.to(at::kDouble), samples).contiguous();
  if (!table.isfinite().all().item<bool>()) {
    refuse("hold " + std::to_string(table.masked_select(table.isfinite().logical_not())[0].item<double>()) +
           "; finite numbers were expected");
  }
  return {{}, table};
}

at::Tensor accuracy(const at::Tensor& outputs, const Targets& targets, std::int64_t classes) {
  if (!targets.classes.defined()) refuse("are values, but accuracy needs classes as whole numbers");
  const at::Tensor chosen = outputs.unflatten(-1, {-1, classes}).argmax(-1);  // [variants, samples, groups]
  return chosen.eq(targets.classes.to(chosen.device())).to(at::kDouble).flatten(1).mean(1);
}

double meanLoss(const at::Tensor& outputs, const Targets& targets, std::int64_t classes) {
  const auto [wanted, values] = onDevice(targets, outputs.device());
  if (values.defined()) return (outputs - values).square().mean().item<double>();
  const auto scores = outputs.unflatten(-1, {-1, classes}).log_softmax(-1);
  return -scores.gather(-1, wanted.unsqueeze(-1)).mean().item<double>();
}

}  // namespace heft
