#include "engine/outputs/following.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "engine/forward/input_tensors.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

/// A dimension of each input tensor that is changed together, -1: none of it.
using Dims = std::vector<int64_t>;

bool isWhole(const at::Tensor& tensor) { return at::isIntegralType(tensor.scalar_type(), /*includeBool=*/false); }

/// The inputs with `size` entries along those dimensions instead of `now`; lengths are cut to it too.
std::vector<c10::IValue> resized(const std::vector<c10::IValue>& values, const Dims& dims, int64_t now,
                                 int64_t size) {
  auto all = mapTensors(values, [&](const at::Tensor& tensor, size_t i) {
    if (dims[i] < 0) return isWhole(tensor) && tensor.dim() <= 1 && size < now ? tensor.clamp_max(size) : tensor;
    return size <= now ? tensor.narrow(dims[i], 0, size).contiguous() : at::cat({tensor, tensor}, dims[i]);
  });
  for (auto& value : all) {
    if (value.isInt() && value.toInt() == now) value = size;
  }
  return all;
}

/// The inputs with their last step replaced by the one before it.
std::vector<c10::IValue> lastReplaced(const std::vector<c10::IValue>& values, const Dims& dims) {
  return mapTensors(values, [&](const at::Tensor& tensor, size_t i) {
    if (dims[i] < 0) return tensor;
    const auto last = tensor.size(dims[i]) - 1;
    auto copy = tensor.clone();
    auto own = copy.select(dims[i], last);
    own.copy_(tensor.select(dims[i], last - 1));
    if (at::isFloatingType(tensor.scalar_type())) own.mul_(0.75).add_(0.125);
    return copy;
  });
}

class Prober {
 public:
  Prober(Runner& runner, PlainHandler& handler, const OutputTarget& target, std::vector<NamedOutput> scored,
         const Batch& batch, const GivenDims& given)
      : runner_(runner),
        handler_(handler),
        target_(target),
        scored_(std::move(scored)),
        tensors_(inputTensors(runner.inputs().values)) {
    found_.dims.resize(scored_.size());
    found_.longer.resize(scored_.size());
    const auto names = inputTensorNames(runner.inputs());
    bool named = false;
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const auto roles = given.ofInput(names[i], tensors_[i].sizes().vec());
      std::set<int64_t> open;
      for (int64_t dim = 0; dim < tensors_[i].dim(); ++dim) {
        const bool sample = i < batch.input_dims.size() && batch.input_dims[i] == dim;
        if (!sample && !roles) open.insert(dim);
        if (roles && (*roles)[static_cast<size_t>(dim)] == DimRole::steps) {
          open = {dim};
          named = true;
        }
      }
      open_.push_back(std::move(open));
      named_.push_back(roles.has_value());
    }
    for (size_t i = 0; named && i < open_.size(); ++i) {
      if (!named_[i]) open_[i].clear();  // who names the steps of one input names those that there are
    }
  }

  Following find() {
    bool any = false;
    std::vector<std::pair<size_t, int64_t>> failed;
    std::set<std::pair<size_t, int64_t>> known;
    for (size_t i = 0; i < open_.size(); ++i) {
      for (const auto dim : open_[i]) {
        if (tensors_[i].size(dim) < 2 || known.count({i, dim}) != 0) continue;
        const bool ran = follow(i, dim, known);
        any |= ran;
        if (!ran) failed.emplace_back(i, dim);
      }
    }
    if (!any) {
      for (const auto& [i, dim] : failed) followLast(i, dim);
    }
    const bool none =
        std::all_of(found_.dims.begin(), found_.dims.end(), [](const auto& dims) { return dims.empty(); });
    for (const auto& [i, dim] : failed) {
      if (!any && none) found_.unknown.push_back(tensors_[i].size(dim));
    }
    return std::move(found_);
  }

 private:
  /// The dimension of this input, and those of the same size of the others where `companions`.
  [[nodiscard]] Dims together(size_t of, int64_t dim, bool companions) const {
    Dims all(tensors_.size(), -1);
    all[of] = dim;
    const auto size = tensors_[of].size(dim);
    for (size_t i = 0; companions && i < all.size(); ++i) {
      if (i == of) continue;
      for (const auto other : open_[i]) {
        if (tensors_[i].size(other) != size) continue;
        all[i] = other;
        break;
      }
    }
    return all;
  }

  [[nodiscard]] std::vector<Dims> ways(size_t of, int64_t dim) const {
    auto all = together(of, dim, true);
    auto alone = together(of, dim, false);
    if (all == alone) return {std::move(alone)};
    return {std::move(all), std::move(alone)};
  }

  /// Whether forward ran with another size there; notes which outputs followed.
  bool follow(size_t of, int64_t dim, std::set<std::pair<size_t, int64_t>>& known) {
    const auto now = tensors_[of].size(dim);
    std::vector<int64_t> sizes{now / 2, now - 1, 2 * now};
    if (now == 2) sizes = {1, 4};
    for (const auto& way : ways(of, dim)) {
      for (const auto size : sizes) {
        std::vector<NamedOutput> after;
        if (!ran(resized(runner_.inputs().values, way, now, size), after)) continue;
        bool followed = false;
        for (size_t i = 0; i < scored_.size(); ++i) {
          for (int64_t d = 0; d < scored_[i].value.dim(); ++d) {
            if (after[i].value.size(d) == scored_[i].value.size(d)) continue;
            add(i, d);
            if (scored_[i].value.size(d) > now) found_.longer[i].push_back(d);
            followed = true;
          }
        }
        if (size > now && !followed) continue;  // a traced loop takes its own number of steps of however many
        for (size_t i = 0; i < way.size(); ++i) {
          if (way[i] >= 0) known.emplace(i, way[i]);
        }
        return true;
      }
    }
    return false;
  }

  /// Outputs that move at their last place alone when the last step is another.
  void followLast(size_t of, int64_t dim) {
    for (const auto& way : ways(of, dim)) {
      std::vector<NamedOutput> after;
      if (!ran(lastReplaced(runner_.inputs().values, way), after)) continue;
      for (size_t i = 0; i < scored_.size(); ++i) {
        const auto& before = scored_[i].value;
        if (after[i].value.sizes() != before.sizes()) continue;
        const auto changed = changedEntries(before, after[i].value);
        if (!changed.any().item<bool>()) continue;
        for (int64_t d = 0; d < before.dim(); ++d) {
          if (before.size(d) > 1 && changedOnlyAt(changed, d, before.size(d) - 1)) add(i, d);
        }
      }
      return;
    }
  }

  bool ran(const std::vector<c10::IValue>& values, std::vector<NamedOutput>& after) {
    try {
      after = OutputLayout::select(runner_.run(handler_, values), target_);
    } catch (const Error&) {
      return false;
    }
    if (after.size() != scored_.size()) return false;
    for (size_t i = 0; i < after.size(); ++i) {
      if (after[i].value.dim() != scored_[i].value.dim()) return false;
    }
    return true;
  }

  void add(size_t output, int64_t dim) {
    auto& dims = found_.dims[output];
    if (std::find(dims.begin(), dims.end(), dim) == dims.end()) dims.push_back(dim);
  }

  Runner& runner_;
  PlainHandler& handler_;
  const OutputTarget& target_;
  std::vector<NamedOutput> scored_;
  std::vector<at::Tensor> tensors_;
  std::vector<std::set<int64_t>> open_;  ///< by input tensor: dimensions that may be steps
  std::vector<bool> named_;
  Following found_;
};

/// Dimensions with several entries, but for those in `without`.
std::vector<int64_t> wide(const std::vector<int64_t>& shape, const std::set<int64_t>& without) {
  std::vector<int64_t> dims;
  for (int64_t dim = 0; dim < std::ssize(shape); ++dim) {
    if (shape[static_cast<size_t>(dim)] > 1 && without.count(dim) == 0) dims.push_back(dim);
  }
  return dims;
}

OutputDims namedByPerson(const DimRoles& roles, bool batched) {
  OutputDims dims;
  dims.samples = batched ? placeOf(roles, DimRole::samples) : -1;
  dims.steps = placeOf(roles, DimRole::steps);
  dims.classes = placeOf(roles, DimRole::classes);
  dims.roles = roles;
  return dims;
}

OutputDims namedByRuns(const std::vector<int64_t>& shape, int64_t samples, bool batched, std::vector<int64_t> follows,
                       const std::vector<int64_t>& longer, const std::vector<int64_t>& unknown) {
  OutputDims dims;
  dims.samples = batched ? samples : -1;
  std::set<int64_t> taken;
  if (samples >= 0) taken.insert(samples);
  std::erase(follows, samples);
  std::sort(follows.begin(), follows.end());
  if (follows.empty()) {  // what is as long as an input that may not be shortened may be its steps
    for (const auto dim : wide(shape, taken)) {
      if (std::find(unknown.begin(), unknown.end(), shape[static_cast<size_t>(dim)]) != unknown.end())
        dims.maybe_steps.push_back(dim);
    }
    if (dims.maybe_steps.size() == 1 && wide(shape, taken).size() > 1) follows = std::move(dims.maybe_steps);
  } else if (follows.size() > 1) {
    dims.maybe_steps = follows;
  }
  // One dimension alone that is longer than the inputs may hold the features of each step as well.
  const bool flat = follows.size() == 1 && wide(shape, taken) == follows && !longer.empty();
  if (flat) {
    dims.maybe_steps = follows;
    follows.clear();
  }
  if (follows.size() == 1) {
    dims.steps = follows[0];
    dims.maybe_steps.clear();
  }
  taken.insert(follows.begin(), follows.end());
  const auto left = wide(shape, taken);
  if (left.size() == 1 && dims.maybe_steps != left) dims.classes = left[0];
  if (left.size() > 1 || dims.maybe_steps == left) dims.maybe_classes = left;
  for (int64_t dim = 0; left.empty() && dim < std::ssize(shape); ++dim) {
    if (taken.count(dim) == 0) dims.classes = dim;  // one class: the last that has one entry
  }
  dims.roles.assign(shape.size(), DimRole::other);
  const auto set = [&](int64_t dim, DimRole role) {
    if (dim >= 0) dims.roles[static_cast<size_t>(dim)] = role;
  };
  set(samples, DimRole::samples);
  set(dims.steps, DimRole::steps);
  set(dims.classes, DimRole::classes);
  return dims;
}

}  // namespace

Following findFollowing(Runner& runner, PlainHandler& handler, const OutputTarget& target,
                        const std::vector<NamedOutput>& baseline, const Batch& batch, const GivenDims& given) {
  auto scored = OutputLayout::select(baseline, target);
  Following found;
  bool open = false;
  for (size_t i = 0; i < scored.size(); ++i) {
    const auto& value = scored[i].value;
    std::set<int64_t> taken;
    if (!batch.found_dims.empty()) taken.insert(batch.found_dims[i]);
    if (runner.streams()) {
      found.dims.push_back({0});
      found.longer.emplace_back();
    }
    const bool said = given.ofOutput(scored[i].path, value.sizes().vec()).has_value();
    open |= !said && !wide(value.sizes().vec(), taken).empty();
  }
  if (runner.streams()) return found;
  found.dims.resize(scored.size());
  found.longer.resize(scored.size());
  if (!open) return found;
  return Prober(runner, handler, target, std::move(scored), batch, given).find();
}

std::vector<OutputDims> nameDims(const std::vector<NamedOutput>& scored, const Batch& batch, const Following& following,
                                 const GivenDims& given) {
  std::vector<OutputDims> all;
  for (size_t i = 0; i < scored.size(); ++i) {
    const auto shape = scored[i].value.sizes().vec();
    const bool batched = !batch.output_dims.empty();
    if (const auto roles = given.ofOutput(scored[i].path, shape))
      all.push_back(namedByPerson(*roles, batched));
    else
      all.push_back(namedByRuns(shape, batch.found_dims.empty() ? -1 : batch.found_dims[i], batched, following.dims[i],
                                following.longer[i], following.unknown));
  }
  return all;
}

}  // namespace heft
