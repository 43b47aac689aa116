#include "engine/outputs/batch.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "data/setting_name.hpp"
#include "engine/forward/input_tensors.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

bool sameShapes(const std::vector<NamedOutput>& a, const std::vector<NamedOutput>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].value.sizes() != b[i].value.sizes()) return false;
  }
  return true;
}

[[noreturn]] void refuseShape() {
  throw Error(Fault::unsupported,
              "the output's shape depends on the data, so a changed weight can't be compared with the baseline; "
              "" + settingName("output-target") +
                  " module:NAME scores what a submodule returns instead");
}

/// One guess at where the samples are.
struct Guess {
  int64_t samples = 0;
  std::vector<int64_t> dims;  ///< by input tensor, -1 where the tensor is shared by all samples
};

/// Dimensions of a tensor that may hold so many samples.
std::vector<int64_t> candidates(const at::Tensor& tensor, int64_t samples, int64_t first_dim) {
  std::vector<int64_t> dims;
  for (int64_t dim = first_dim; dim < tensor.dim(); ++dim) {
    if (tensor.size(dim) == samples) dims.push_back(dim);
  }
  return dims;
}

/// Every way to choose one of each tensor's options, at most `most`.
std::vector<std::vector<int64_t>> choices(const std::vector<std::vector<int64_t>>& options, size_t most) {
  std::vector<std::vector<int64_t>> all{{}};
  for (const auto& some : options) {
    std::vector<std::vector<int64_t>> next;
    for (const auto& begun : all) {
      for (const auto dim : some) {
        if (next.size() == most) break;
        next.push_back(begun);
        next.back().push_back(dim);
      }
    }
    all = std::move(next);
  }
  return all;
}

/// Guesses with so many samples: first those in which every tensor that may hold them does.
void addGuesses(const std::vector<at::Tensor>& tensors, int64_t samples,
                const std::vector<std::optional<int64_t>>& fixed, bool stream, std::vector<Guess>& guesses) {
  constexpr size_t kMost = 16;
  std::vector<std::vector<int64_t>> all, some;
  int several = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    auto dims = fixed[i] ? std::vector<int64_t>{*fixed[i]} : candidates(tensors[i], samples, stream && i == 0 ? 1 : 0);
    several += !dims.empty() && dims[0] >= 0;
    if (dims.empty()) dims.push_back(-1);
    all.push_back(dims);
    if (!fixed[i] && dims[0] >= 0) dims.push_back(-1);
    some.push_back(dims);
  }
  std::set<std::vector<int64_t>> known;
  const auto add = [&](const std::vector<std::vector<int64_t>>& options) {
    for (auto& dims : choices(options, kMost)) {
      const bool any = std::any_of(dims.begin(), dims.end(), [](int64_t dim) { return dim >= 0; });
      if (any && known.insert(dims).second) guesses.push_back({samples, std::move(dims)});
    }
  };
  add(all);
  if (several > 1) add(some);
}

/// Where a person says that the samples of each input are; nothing where nothing was said.
std::vector<std::optional<int64_t>> fixedDims(const std::vector<at::Tensor>& tensors,
                                              const std::vector<std::string>& names, const GivenDims& given) {
  std::vector<std::optional<int64_t>> fixed;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto roles = given.ofInput(names[i], tensors[i].sizes().vec());
    fixed.push_back(roles ? std::optional(placeOf(*roles, DimRole::samples)) : std::nullopt);
  }
  return fixed;
}

std::vector<Guess> guessesOf(const std::vector<at::Tensor>& tensors, const std::vector<std::string>& names,
                             const GivenDims& given, bool stream) {
  const auto fixed = fixedDims(tensors, names, given);
  std::vector<int64_t> sizes;
  const auto add = [&](int64_t size) {
    if (size > 1 && std::find(sizes.begin(), sizes.end(), size) == sizes.end()) sizes.push_back(size);
  };
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (fixed[i] && *fixed[i] >= 0) add(tensors[i].size(*fixed[i]));
  }
  if (sizes.size() > 1)
    throw Error(Fault::usage, settingName("dims") + " names dimensions of " + std::to_string(sizes[0]) + " and of " +
                                  std::to_string(sizes[1]) + " samples; as many in every argument were expected");
  // In a stream the first dimension of the first input is time.
  const bool said = !sizes.empty();
  for (size_t i = 0; !said && i < tensors.size(); ++i) {
    if (fixed[i]) continue;
    for (int64_t dim = stream && i == 0 ? 1 : 0; dim < tensors[i].dim(); ++dim) add(tensors[i].size(dim));
  }
  std::vector<Guess> guesses;
  for (const auto size : sizes) addGuesses(tensors, size, fixed, stream, guesses);
  return guesses;
}

/// What of a sample is replaced by its neighbour's: everything keeps lengths and ids valid most of the time; where forward
/// fails on that, or answers in another shape, less is. Zeros are shifted at last, since scaling leaves them.
enum class Touch { everything, wide, floats, shifted };

bool floats(const at::Tensor& tensor) {
  return at::isFloatingType(tensor.scalar_type()) || at::isComplexType(tensor.scalar_type());
}

bool touched(Touch touch, const at::Tensor& tensor) {
  return floats(tensor) || touch == Touch::everything || (touch == Touch::wide && tensor.dim() >= 2);
}

/// The inputs with sample `to` replaced.
std::vector<c10::IValue> replaceSample(const std::vector<c10::IValue>& values, const Guess& guess, int64_t to,
                                       Touch touch) {
  return mapTensors(values, [&](const at::Tensor& tensor, size_t i) {
    if (guess.dims[i] < 0 || !touched(touch, tensor)) return tensor;
    auto copy = tensor.clone();
    auto own = copy.select(guess.dims[i], to);
    own.copy_(tensor.select(guess.dims[i], to + 1));
    if (floats(tensor)) own.mul_(0.75);
    if (touch == Touch::shifted) own.add_(0.125);
    return copy;
  });
}

/// What replacing samples by a guess showed.
struct Trial {
  enum class Verdict { failed, still, spread, confined } verdict = Verdict::failed;
  std::vector<int64_t> dims;  ///< by scored output, where confined: -1 where the output has none
};

/// Dimensions of an output that may be the samples', when `sample` alone was replaced.
std::set<int64_t> dimsMoved(const at::Tensor& changed, int64_t samples, int64_t sample) {
  std::set<int64_t> dims;
  for (int64_t dim = 0; dim < changed.dim(); ++dim) {
    if (changed.size(dim) == samples && changedOnlyAt(changed, dim, sample)) dims.insert(dim);
  }
  return dims;
}

/// Tries guesses on one model and its inputs.
class Finder {
 public:
  Finder(Runner& runner, PlainHandler& handler, const OutputTarget& target, std::vector<NamedOutput> scored,
         const GivenDims& given)
      : runner_(runner), handler_(handler), target_(target), scored_(std::move(scored)) {
    for (const auto& output : scored_) {
      const auto roles = given.ofOutput(output.path, output.value.sizes().vec());
      fixed_.push_back(roles ? std::optional(placeOf(*roles, DimRole::samples)) : std::nullopt);
    }
  }

  Trial tried(const Guess& guess) {
    constexpr std::array kTouches{Touch::everything, Touch::wide, Touch::floats, Touch::shifted};
    const auto tensors = inputTensors(runner_.inputs().values);
    Trial trial;
    std::vector<bool> before;
    for (const auto touch : kTouches) {
      std::vector<bool> now;
      bool whole = false;
      for (size_t i = 0; i < tensors.size(); ++i) {
        now.push_back(guess.dims[i] >= 0 && touched(touch, tensors[i]));
        whole |= now.back() && !floats(tensors[i]);
      }
      const bool none = std::none_of(now.begin(), now.end(), [](bool one) { return one; });
      if (none || (now == before && touch != Touch::shifted)) continue;
      before = now;
      trial = tried(guess, touch, !whole);
      if (trial.verdict == Trial::Verdict::spread || trial.verdict == Trial::Verdict::confined) break;
    }
    return trial;
  }

  /// Outputs by which no guess can be right: they have no dimension of the samples.
  [[nodiscard]] std::string lacking(const std::vector<int64_t>& dims) const {
    for (size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] < 0) return scored_[i].path;
    }
    return {};
  }

 private:
  /// `floats_alone`: nothing but floating values are replaced, and a shape that answers to them can't be compared.
  Trial tried(const Guess& guess, Touch touch, bool floats_alone) {
    std::vector<std::set<int64_t>> dims(scored_.size());
    std::vector<bool> moved(scored_.size(), false);
    const std::set<int64_t> tests{0, (guess.samples - 1) / 2, guess.samples - 2};
    for (const auto sample : tests) {
      std::vector<NamedOutput> after;
      try {
        after = OutputLayout::select(
            runner_.run(handler_, replaceSample(runner_.inputs().values, guess, sample, touch)), target_);
      } catch (const Error&) {
        return {Trial::Verdict::failed, {}};
      }
      if (!sameShapes(after, scored_)) {
        if (floats_alone) refuseShape();
        return {Trial::Verdict::failed, {}};
      }
      bool any = false;
      for (size_t i = 0; i < scored_.size(); ++i) {
        const auto changed = changedEntries(scored_[i].value, after[i].value);
        if (changed.any().item<bool>()) moved[i] = true;
        const auto found = dimsMoved(changed, guess.samples, sample);
        if (sample == *tests.begin())
          dims[i] = found;
        else
          std::erase_if(dims[i], [&](int64_t dim) { return found.count(dim) == 0; });
        any |= !dims[i].empty();
      }
      if (any) continue;
      const bool still = std::none_of(moved.begin(), moved.end(), [](bool one) { return one; });
      return {still ? Trial::Verdict::still : Trial::Verdict::spread, {}};
    }
    return verdict(dims, moved);
  }

  Trial verdict(const std::vector<std::set<int64_t>>& dims, const std::vector<bool>& moved) const {
    Trial trial{Trial::Verdict::still, {}};
    for (size_t i = 0; i < dims.size(); ++i) {
      const auto wanted = fixed_[i].value_or(-1);
      if (wanted >= 0 && dims[i].count(wanted) == 0) return {Trial::Verdict::spread, {}};
      trial.dims.push_back(dims[i].empty() || (fixed_[i] && wanted < 0) ? -1 : wanted >= 0 ? wanted : *dims[i].begin());
      if (moved[i] && trial.dims.back() >= 0) trial.verdict = Trial::Verdict::confined;
    }
    const bool any = std::any_of(moved.begin(), moved.end(), [](bool one) { return one; });
    if (any && trial.verdict == Trial::Verdict::still) trial.verdict = Trial::Verdict::spread;
    return trial;
  }

  Runner& runner_;
  PlainHandler& handler_;
  const OutputTarget& target_;
  std::vector<NamedOutput> scored_;
  std::vector<std::optional<int64_t>> fixed_;  ///< where a person says that an output's samples are
};

/// "dimension 0 of x, dimension 1 of hidden.0 and hidden.1"
std::string whereText(const Guess& guess, const std::vector<std::string>& names) {
  std::map<int64_t, std::vector<std::string>> by_dim;
  for (size_t i = 0; i < names.size(); ++i) {
    if (guess.dims[i] >= 0) by_dim[guess.dims[i]].push_back(names[i]);
  }
  std::string text;
  for (const auto& [dim, some] : by_dim) {
    text += (text.empty() ? "dimension " : ", dimension ") + std::to_string(dim) + " of ";
    for (size_t i = 0; i < some.size(); ++i) text += (i == 0 ? "" : i + 1 < some.size() ? ", " : " and ") + some[i];
  }
  return text;
}

void refuseMovingShape(Runner& runner, PlainHandler& handler, const OutputTarget& target,
                       const std::vector<NamedOutput>& scored) {
  const auto shrunk = mapTensors(
      runner.inputs().values, [](const at::Tensor& tensor, size_t) { return floats(tensor) ? tensor * -0.5 : tensor; });
  try {
    if (!sameShapes(OutputLayout::select(runner.run(handler, shrunk), target), scored)) refuseShape();
  } catch (const Error& error) {
    if (error.fault() == Fault::unsupported) throw;  // other failures say nothing about the given inputs
  }
}

}  // namespace

at::Tensor changedEntries(const at::Tensor& before, const at::Tensor& after) {
  constexpr double kRounding = 1e-7;
  const auto size = before.abs();
  const auto finite = size.masked_fill(at::isfinite(size).logical_not(), 0);
  const auto scale = before.numel() > 0 ? finite.max().item<double>() : 0.0;
  const auto close = (before - after).abs().le(kRounding * scale);
  return close.logical_or(before.eq(after)).logical_not();
}

bool changedOnlyAt(const at::Tensor& changed, int64_t dim, int64_t index) {
  auto others = changed.clone();
  others.select(dim, index).fill_(false);
  return !others.any().item<bool>();
}

Batch findBatch(Runner& runner, PlainHandler& handler, const OutputTarget& target,
                const std::vector<NamedOutput>& baseline, const GivenDims& given) {
  const auto tensors = inputTensors(runner.inputs().values);
  const auto names = inputTensorNames(runner.inputs());
  const auto scored = OutputLayout::select(baseline, target);
  refuseMovingShape(runner, handler, target, scored);

  Finder finder(runner, handler, target, scored, given);
  Batch batch;
  std::string partly;
  for (const auto& guess : guessesOf(tensors, names, given, runner.streams())) {
    batch.interact = true;
    const auto trial = finder.tried(guess);
    if (trial.verdict != Trial::Verdict::confined) continue;
    if (std::any_of(trial.dims.begin(), trial.dims.end(), [](int64_t dim) { return dim < 0; })) {
      if (!partly.empty()) continue;
      batch.found_dims = trial.dims;
      batch.input_dims = guess.dims;
      partly = std::to_string(guess.samples) + " samples were found (" + whereText(guess, names) + "), but not in " +
               outputName(finder.lacking(trial.dims)) + ", so the inputs count as one sample; " +
               settingName("output-target") + " names the outputs to score";
      continue;
    }
    batch.samples = guess.samples;
    batch.output_dims = batch.found_dims = trial.dims;
    batch.input_dims = guess.dims;
    batch.interact = false;
    batch.note = std::to_string(guess.samples) + " samples (" + whereText(guess, names) + ")";
    return batch;
  }
  batch.note = !partly.empty() ? partly
               : batch.interact
                   ? "the samples influence each other or none were found, so the inputs count as one sample"
                   : "the inputs are one sample";
  return batch;
}

}  // namespace heft
