#include "measure/metrics/targets.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "data/setting_name.hpp"
#include "data/tensor_file.hpp"
#include "heft/error.hpp"
#include "measure/metrics/target_dims.hpp"

namespace heft {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(Fault::input, "targets " + why); }

/// Targets beside what is scored: one output, or several whose elements follow one another.
struct Beside {
  std::vector<TargetDim> dims;  ///< in the output's order
  std::int64_t samples = -1;    ///< which of them the table is cut along
  std::int64_t classes = -1;
};

Beside besideOf(const OutputLayout& layout) {
  Beside beside;
  if (layout.parts().size() > 1) {
    beside.dims = {{DimRole::samples, layout.samples()},
                   {DimRole::other, layout.elements() / layout.classes()},
                   {DimRole::classes, layout.classes()}};
    beside.samples = 0;
    beside.classes = 2;
    return beside;
  }
  const auto& part = layout.parts()[0];
  beside.samples = part.dims.samples;
  beside.classes = part.dims.classes;
  for (std::size_t d = 0; d < part.shape.size(); ++d) {
    const auto dim = static_cast<std::int64_t>(d);
    const auto role = d < part.dims.roles.size() ? part.dims.roles[d] : DimRole::other;
    beside.dims.push_back(
        {role, part.shape[d], (part.step && dim == part.dims.steps) || (part.klass && dim == part.dims.classes)});
  }
  return beside;
}

/// The one way to read the targets. Values in the outputs' own shape are read as those are.
std::optional<TargetMatch> matchOf(const at::Tensor& targets, const Beside& beside, TargetKind kind,
                                   const GivenDims& given) {
  const auto shape = targets.sizes().vec();
  auto matches = matchTargets(shape, beside.dims, kind, given.ofTargets(shape));
  if (kind == TargetKind::one_hot) {
    std::erase_if(matches, [&](const TargetMatch& match) {
      const auto found = std::find(match.begin(), match.end(), beside.classes);
      if (found == match.end()) return true;
      const auto sums = targets.ne(0).sum(found - match.begin());
      return !targets.eq(0).logical_or(targets.eq(1)).all().item<bool>() || !sums.eq(1).all().item<bool>();
    });
  }
  const auto own = std::find_if(matches.begin(), matches.end(), [](const TargetMatch& match) {
    auto named = match;
    std::erase(named, -1);
    return std::is_sorted(named.begin(), named.end());
  });
  if (kind == TargetKind::values && own != matches.end()) return *own;
  if (matches.empty()) return std::nullopt;
  if (matches.size() == 1) return matches[0];
  throw Error(Fault::usage, "targets of shape " + shapeText(shape) + " can be read in " +
                                std::to_string(matches.size()) + " ways beside an output " +
                                describeDims(
                                    [&] {
                                      std::vector<std::int64_t> sizes;
                                      for (const auto& dim : beside.dims) sizes.push_back(dim.size);
                                      return sizes;
                                    }(),
                                    [&] {
                                      DimRoles roles;
                                      for (const auto& dim : beside.dims) roles.push_back(dim.role);
                                      return roles;
                                    }()) +
                                "; say which with " + settingName("dims") +
                                " targets=" + matchText(matches[0], beside.dims) + " or " + settingName("dims") +
                                " targets=" + matchText(matches[1], beside.dims));
}

/// The targets with the output's dimensions in its order: those that they lack have one entry, narrowed ones too.
at::Tensor arranged(const at::Tensor& targets, const TargetMatch& match, const OutputLayout& layout,
                    const Beside& beside) {
  std::vector<std::int64_t> order, shape(beside.dims.size(), 1);
  for (std::size_t d = 0; d < beside.dims.size(); ++d) {
    const auto found = std::find(match.begin(), match.end(), static_cast<std::int64_t>(d));
    if (found == match.end()) continue;
    order.push_back(found - match.begin());
    shape[d] = beside.dims[d].size;
  }
  for (std::size_t t = 0; t < match.size(); ++t) {
    if (match[t] < 0) order.push_back(static_cast<std::int64_t>(t));
  }
  auto all = targets.permute(order).reshape(shape);
  if (layout.parts().size() > 1) return all;
  const auto& part = layout.parts()[0];
  const auto narrow = [&](std::int64_t dim, const std::optional<std::int64_t>& index) {
    if (index && all.size(dim) > 1) all = all.narrow(dim, *index, 1);
  };
  if (part.step) narrow(part.dims.steps, part.step);
  if (part.klass) narrow(part.dims.classes, part.klass);
  return all;
}

/// [samples, elements], or [samples, groups] where the classes' dimension has one entry; what one entry stands for is repeated
/// but along the classes.
at::Tensor tabled(at::Tensor arranged, const Beside& beside) {
  std::vector<std::int64_t> shape;
  for (std::size_t d = 0; d < beside.dims.size(); ++d) {
    const bool kept = static_cast<std::int64_t>(d) == beside.classes || beside.dims[d].narrowed;
    shape.push_back(kept ? arranged.size(static_cast<std::int64_t>(d)) : beside.dims[d].size);
  }
  arranged = arranged.expand(shape);
  if (beside.classes >= 0) arranged = arranged.movedim(beside.classes, -1);
  if (beside.samples < 0) return arranged.reshape({1, -1}).contiguous();
  const auto place = beside.samples - (beside.classes >= 0 && beside.classes < beside.samples ? 1 : 0);
  return arranged.movedim(place, 0).reshape({arranged.size(place), -1}).contiguous();
}

/// Targets that are [samples, all the rest] in the output's order, or flat where the samples come first, in its own shape.
std::optional<at::Tensor> unflattened(const at::Tensor& targets, const Beside& beside, bool with_classes) {
  std::vector<std::int64_t> shape;
  std::int64_t rest = 1, samples = 1;
  for (std::size_t d = 0; d < beside.dims.size(); ++d) {
    const auto dim = static_cast<std::int64_t>(d);
    if (dim == beside.classes && !with_classes) continue;
    if (dim == beside.samples)
      samples = beside.dims[d].size;
    else
      shape.push_back(beside.dims[d].narrowed ? 1 : beside.dims[d].size);
    if (dim != beside.samples) rest *= shape.back();
  }
  const bool rows = targets.dim() == 2 && targets.size(0) == samples && targets.size(1) == rest;
  const bool flat = targets.dim() == 1 && targets.size(0) == samples * rest && beside.samples <= 0;
  if (!rows && !flat) return std::nullopt;
  shape.insert(shape.begin(), samples);
  auto own = targets.reshape(shape);
  if (beside.samples > 0) {
    const auto place =
        beside.samples - (!with_classes && beside.classes >= 0 && beside.classes < beside.samples ? 1 : 0);
    own = own.movedim(0, place);
  }
  if (beside.samples < 0) own = own.squeeze(0);
  if (!with_classes && beside.classes >= 0) own = own.unsqueeze(beside.classes);
  return own;
}

Targets classTargets(const at::Tensor& targets, const OutputLayout& layout, const GivenDims& given) {
  const auto classes = layout.classes();
  if (!layout.whyNoClasses().empty())
    throw Error(Fault::usage, "targets are whole numbers, which name classes, but " + layout.whyNoClasses());
  if (classes < 2)
    refuse(
        "are whole numbers, which name classes, but the output has one element to a class; floating targets "
        "were expected");
  const auto beside = besideOf(layout);
  const auto whole = targets.to(at::kLong);
  const auto one_hot = matchOf(whole, beside, TargetKind::one_hot, given);
  const auto labels = matchOf(whole, beside, TargetKind::labels, given);
  if (one_hot && labels)
    throw Error(Fault::usage, "targets of shape " + shapeText(whole.sizes().vec()) +
                                  " are one-hot along one dimension, or classes at every place; say which with " +
                                  settingName("dims") +
                                  " "
                                  "targets=" +
                                  matchText(*one_hot, beside.dims) + " or " + settingName("dims") +
                                  " targets=" + matchText(*labels, beside.dims));
  at::Tensor table;
  if (one_hot) {
    const auto dim = std::find(one_hot->begin(), one_hot->end(), beside.classes) - one_hot->begin();
    auto match = *one_hot;
    match[static_cast<std::size_t>(dim)] = -1;
    table = tabled(arranged(whole.argmax(dim, /*keepdim=*/true), match, layout, beside), beside);
  } else if (labels) {
    table = tabled(arranged(whole, *labels, layout, beside), beside);
  } else if (const auto own = unflattened(whole, beside, false)) {
    table = tabled(*own, beside);
  } else {
    refuse("have shape " + shapeText(whole.sizes().vec()) + "; " + wantedShapes(beside.dims, TargetKind::labels));
  }
  const auto ignored = table.eq(kIgnoredClass);
  const at::Tensor outside = table.lt(0).logical_or(table.ge(classes)).logical_and(ignored.logical_not());
  if (outside.any().item<bool>()) {
    const auto found = table.masked_select(outside)[0].item<std::int64_t>();
    refuse("hold class " + std::to_string(found) + "; the output has " + std::to_string(classes) + " classes, 0 to " +
           std::to_string(classes - 1) + (found < 0 ? ", and -100 leaves a place out" : ""));
  }
  if (!ignored.any().item<bool>()) return {table, {}, {}};
  const auto counted = ignored.logical_not().to(at::kDouble);
  if (counted.sum().item<double>() == 0) refuse("are all -100, which leaves a place out; some classes were expected");
  return {table.masked_fill(ignored, 0), {}, counted / counted.mean()};
}

Targets valueTargets(const at::Tensor& targets, const OutputLayout& layout, const GivenDims& given) {
  const auto beside = besideOf(layout);
  const auto match = matchOf(targets, beside, TargetKind::values, given);
  std::optional<at::Tensor> own;
  if (match)
    own = arranged(targets, *match, layout, beside);
  else
    own = unflattened(targets, beside, true);
  if (!own)
    refuse("have shape " + shapeText(targets.sizes().vec()) + "; " + wantedShapes(beside.dims, TargetKind::values) +
           (layout.classes() > 1 ? ", or classes as whole numbers" : ""));
  auto table = tabled(*own, beside);
  if (table.is_complex()) table = at::view_as_real(table).flatten(1);
  if (!table.isfinite().all().item<bool>()) {
    refuse("hold " + std::to_string(table.masked_select(table.isfinite().logical_not())[0].item<double>()) +
           "; finite numbers were expected");
  }
  return {{}, layout.scale() == 1 ? table : table * layout.scale(), {}};
}

}  // namespace

Targets onDevice(const Targets& targets, c10::Device device) {
  const auto moved = [&](const at::Tensor& one) { return one.defined() ? one.to(device) : one; };
  return {moved(targets.classes), moved(targets.values), moved(targets.weight)};
}

Targets prepareTargets(const at::Tensor& targets, const OutputLayout& layout, const GivenDims& given) {
  if (at::isIntegralType(targets.scalar_type(), /*includeBool=*/true)) return classTargets(targets, layout, given);
  const bool complex =
      std::any_of(layout.parts().begin(), layout.parts().end(), [](const auto& part) { return part.complex; });
  if (at::isComplexType(targets.scalar_type()) && complex && layout.parts().size() == 1)
    return valueTargets(targets.to(at::kComplexDouble), layout, given);
  if (complex)
    refuse(std::string("are ") + at::toString(targets.scalar_type()) +
           ", but the output is complex; complex values beside one output were expected");
  if (!at::isFloatingType(targets.scalar_type())) {
    refuse(std::string("are ") + at::toString(targets.scalar_type()) +
           "; whole numbers (classes) or floating numbers (values) were expected");
  }
  return valueTargets(targets.to(at::kDouble), layout, given);
}

at::Tensor accuracy(const at::Tensor& outputs, const Targets& targets, std::int64_t classes) {
  if (!targets.classes.defined()) refuse("are values, but accuracy needs classes as whole numbers");
  const auto [wanted, values, weight] = onDevice(targets, outputs.device());
  const at::Tensor chosen = outputs.unflatten(-1, {-1, classes}).argmax(-1);  // [variants, samples, groups]
  const auto right = chosen.eq(wanted).to(at::kDouble);
  return (weight.defined() ? right * weight : right).flatten(1).mean(1);
}

double meanLoss(const at::Tensor& outputs, const Targets& targets, std::int64_t classes) {
  const auto [wanted, values, weight] = onDevice(targets, outputs.device());
  if (values.defined()) return (outputs - values).square().mean().item<double>();
  const auto scores = outputs.unflatten(-1, {-1, classes}).log_softmax(-1);
  const auto losses = -scores.gather(-1, wanted.unsqueeze(-1)).squeeze(-1);
  return (weight.defined() ? at::where(weight > 0, losses * weight, at::zeros_like(losses)) : losses)
      .mean()
      .item<double>();
}

}  // namespace heft
