#include "engine/batch.hpp"

#include <ATen/ATen.h>

#include <functional>
#include <set>

#include "heft/error.hpp"

namespace heft {
namespace {

using TensorMap = std::function<at::Tensor(const at::Tensor&, size_t index)>;

/// Applies `map` to every tensor inside `value`, counting them in `index`.
c10::IValue mapTensors(const c10::IValue& value, const TensorMap& map, size_t& index) {
  if (value.isTensor()) return map(value.toTensor(), index++);
  if (value.isTuple()) {
    std::vector<c10::IValue> elements;
    for (const auto& element : value.toTupleRef().elements()) elements.push_back(mapTensors(element, map, index));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (value.isTensorList()) {
    c10::List<at::Tensor> list;
    for (const auto& tensor : value.toTensorVector()) list.push_back(map(tensor, index++));
    return list;
  }
  return value;
}

std::vector<c10::IValue> mapAll(const std::vector<c10::IValue>& values, const TensorMap& map) {
  std::vector<c10::IValue> mapped;
  size_t index = 0;
  for (const auto& value : values) mapped.push_back(mapTensors(value, map, index));
  return mapped;
}

std::vector<at::Tensor> allTensors(const std::vector<c10::IValue>& values) {
  std::vector<at::Tensor> tensors;
  mapAll(values, [&](const at::Tensor& tensor, size_t) {
    tensors.push_back(tensor);
    return tensor;
  });
  return tensors;
}

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
              "--output-target module:NAME scores what a submodule returns instead");
}

/// One guess at where the samples are: by input tensor, -1 where the tensor is shared by all samples.
using Guess = std::vector<int64_t>;

std::vector<Guess> guesses(const std::vector<at::Tensor>& tensors, int64_t first_dim) {
  std::vector<Guess> all;
  if (tensors.empty()) return all;
  for (int64_t dim = first_dim; dim < tensors[0].dim(); ++dim) {
    const auto samples = tensors[0].size(dim);
    if (samples < 2) continue;
    std::vector<Guess> partial{{dim}};
    for (size_t i = 1; i < tensors.size(); ++i) {
      std::vector<Guess> next;
      for (const auto& guess : partial) {
        bool any = false;
        for (int64_t other = 0; other < tensors[i].dim() && next.size() < 16; ++other) {
          if (tensors[i].size(other) != samples) continue;
          next.push_back(guess);
          next.back().push_back(other);
          any = true;
        }
        if (!any) {
          next.push_back(guess);
          next.back().push_back(-1);
        }
      }
      partial = std::move(next);
    }
    all.insert(all.end(), partial.begin(), partial.end());
  }
  return all;
}

/// The inputs with sample `to` replaced by its neighbour. Only floating values are touched where there are any, so that
/// lengths and ids stay valid; else integers of two dimensions or more (tokens), else all.
std::vector<c10::IValue> replaceSample(const std::vector<c10::IValue>& values, const Guess& guess, int64_t to) {
  const auto tensors = allTensors(values);
  const auto batched = [&](size_t i) { return guess[i] >= 0; };
  bool floats = false;
  bool wide = false;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!batched(i)) continue;
    floats |= at::isFloatingType(tensors[i].scalar_type());
    wide |= tensors[i].dim() >= 2;
  }
  return mapAll(values, [&](const at::Tensor& tensor, size_t i) {
    const bool touch = batched(i) && (floats ? at::isFloatingType(tensor.scalar_type()) : (!wide || tensor.dim() >= 2));
    if (!touch) return tensor;
    auto copy = tensor.clone();
    copy.select(guess[i], to).copy_(tensor.select(guess[i], to + 1));
    if (floats) copy.select(guess[i], to).mul_(0.75);
    return copy;
  });
}

/// Output dims of size `samples` along which only index `sample` changed; sets `moved` when anything did. What lies within
/// the rounding of float32 is no change: a busy machine may share a product among its threads in another way.
std::set<int64_t> dimsMoved(const at::Tensor& before, const at::Tensor& after, int64_t samples, int64_t sample,
                            bool& moved) {
  std::set<int64_t> dims;
  constexpr double kRounding = 1e-7;
  const auto scale = before.numel() > 0 ? before.abs().max().item<double>() : 0.0;
  const auto changed = (before - after).abs().gt(kRounding * scale);
  const bool any = changed.any().item<bool>();
  moved |= any;
  for (int64_t dim = 0; dim < before.dim(); ++dim) {
    if (before.size(dim) != samples) continue;
    auto others = changed.clone();
    others.select(dim, sample).fill_(false);
    if (!others.any().item<bool>()) dims.insert(dim);
  }
  return dims;
}

}  // namespace

Batch findBatch(Runner& runner, PlainHandler& handler, const OutputTarget& target,
                const std::vector<NamedOutput>& baseline) {
  const auto& values = runner.inputs().values;
  const auto tensors = allTensors(values);
  const auto scored = OutputLayout::select(baseline, target);

  const auto shrunk = mapAll(values, [](const at::Tensor& tensor, size_t) {
    return at::isFloatingType(tensor.scalar_type()) ? tensor * -0.5 : tensor;
  });
  try {
    if (!sameShapes(OutputLayout::select(runner.run(handler, shrunk), target), scored)) refuseShape();
  } catch (const Error& error) {
    if (error.fault() == Fault::unsupported) throw;  // other failures say nothing about the given inputs
  }

  bool tried = false;
  // In a stream the first dimension of the first input is time.
  for (const auto& guess : guesses(tensors, runner.streams() ? 1 : 0)) {
    const auto samples = tensors[0].size(guess[0]);
    std::vector<std::set<int64_t>> dims(scored.size());
    bool moved = false;
    bool possible = true;
    std::set<int64_t> tests{0, (samples - 1) / 2, samples - 2};
    for (const auto sample : tests) {
      std::vector<NamedOutput> after;
      try {
        after = OutputLayout::select(runner.run(handler, replaceSample(values, guess, sample)), target);
      } catch (const Error&) {
        possible = false;
        break;
      }
      if (!sameShapes(after, scored)) refuseShape();
      for (size_t i = 0; i < scored.size() && possible; ++i) {
        auto found = dimsMoved(scored[i].value, after[i].value, samples, sample, moved);
        if (sample == *tests.begin()) {
          dims[i] = found;
        } else {
          std::erase_if(dims[i], [&](int64_t dim) { return found.count(dim) == 0; });
        }
        possible = !dims[i].empty();
      }
      if (!possible) break;
    }
    tried = true;
    if (!possible || !moved) continue;
    Batch batch;
    batch.samples = samples;
    batch.input_dim = guess[0];
    for (const auto& found : dims) batch.output_dims.push_back(*found.begin());
    batch.note = std::to_string(samples) + " samples (dimension " + std::to_string(guess[0]) + " of the first input)";
    return batch;
  }
  Batch batch;
  batch.interact = tried;
  batch.note = tried ? "the samples influence each other or none were found, so the inputs count as one sample"
                     : "the inputs are one sample";
  return batch;
}

}  // namespace heft
