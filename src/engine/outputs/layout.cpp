#include "engine/outputs/layout.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "data/setting_name.hpp"
#include "data/tensor_file.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

constexpr double kInfinite = 1e300;
std::string shapeHint() {
  return settingName("output-target") + " module:NAME scores what a submodule returns instead";
}

int64_t parseIndex(const std::string& text, const std::string& whole) {
  size_t used = 0;
  int64_t value = 0;
  try {
    value = std::stoll(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size())
    throw Error(Fault::usage, "output target '" + whole + "': '" + text + "' is no whole number");
  return value;
}

/// Counts from the end for negative indices; throws when out of range.
int64_t wrapIndex(int64_t index, int64_t size, const std::string& what) {
  const auto wrapped = index < 0 ? index + size : index;
  if (wrapped < 0 || wrapped >= size) {
    throw Error(Fault::usage, "output target " + what + ":" + std::to_string(index) + " is out of range; there are " +
                                  std::to_string(size));
  }
  return wrapped;
}

/// Dimensions that may hold the role by what is known: those that can't be told apart, else all but the samples'.
std::vector<int64_t> candidates(const OutputLayout::Part& part, const std::vector<int64_t>& maybe) {
  if (!maybe.empty()) return maybe;
  std::vector<int64_t> dims;
  for (int64_t dim = 0; dim < std::ssize(part.shape); ++dim) {
    if (dim != placeOf(part.dims.roles, DimRole::samples) && dim != part.dims.steps) dims.push_back(dim);
  }
  return dims;
}

/// The sentence that asks for --dims.
std::string askFor(const OutputLayout::Part& part, DimRole role, const std::vector<int64_t>& maybe) {
  const auto name = outputName(part.path);
  const auto open = candidates(part, maybe);
  std::string text = name + " " + shapeText(part.shape);
  if (open.empty()) return text + " has no dimension that may hold the " + std::string(heft::name(role));
  text += maybe.empty() ? ": no dimension is known to hold the " + std::string(heft::name(role))
                        : ": which dimension holds the " + std::string(heft::name(role)) + " can't be told";
  auto all = readings(name, part.shape, part.dims, role, open);
  if (maybe.size() == 1) {
    const auto other = role == DimRole::steps ? DimRole::classes : DimRole::steps;
    all += " or " + readings(name, part.shape, part.dims, other, maybe);
  }
  return text + "; say so with " + all;
}

/// Where a dimension stands once the samples' came first, or one of size 1 in its place.
int64_t placeInTable(const OutputLayout::Part& part, int64_t dim) {
  return part.dims.samples < 0 || dim < part.dims.samples ? dim + 1 : dim;
}

}  // namespace

OutputTarget OutputTarget::parse(const std::string& text) {
  OutputTarget target;
  std::stringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    if (part.starts_with("class:"))
      target.klass = parseIndex(part.substr(6), text);
    else if (part.starts_with("step:"))
      target.step = parseIndex(part.substr(5), text);
    else if (part.starts_with("module:"))
      target.module_name = part.substr(7);
    else if (part.find(':') != std::string::npos) {
      throw Error(Fault::usage,
                  "output target '" + part +
                      "' is unknown; an element (0, logits, 0.1), class:N, step:N or module:NAME was expected");
    } else
      target.element = part;
  }
  return target;
}

std::vector<NamedOutput> OutputLayout::select(const std::vector<NamedOutput>& outputs, const OutputTarget& target) {
  if (target.element.empty()) return outputs;
  std::vector<NamedOutput> kept;
  std::string known;
  for (const auto& output : outputs) {
    if (output.path == target.element || output.path.starts_with(target.element + ".")) kept.push_back(output);
    known +=
        (known.empty() ? "" : ", ") + (output.path.empty() ? std::string("(one tensor, without a name)") : output.path);
  }
  if (kept.empty())
    throw Error(Fault::usage, "output target '" + target.element + "' is not in the output; there are: " + known);
  return kept;
}

OutputLayout::OutputLayout(const std::vector<NamedOutput>& outputs, const OutputTarget& target,
                           std::vector<OutputDims> dims, int64_t samples)
    : target_(target), samples_(samples) {
  const auto kept = select(outputs, target);
  int64_t real = 0, columns = 0;
  std::vector<at::Tensor> real_parts;
  for (size_t i = 0; i < kept.size(); ++i) {
    Part part{kept[i].path, kept[i].value.sizes().vec(), dims.empty() ? OutputDims() : std::move(dims.at(i)), {},
              {},           kept[i].value.is_complex()};
    const auto size = [&](int64_t dim) { return part.shape[static_cast<size_t>(dim)]; };
    const auto narrow = [&](int64_t index, const char* word, int64_t dim, DimRole role,
                            const std::vector<int64_t>& maybe) {
      if (dim < 0)
        throw Error(Fault::usage, "output target " + std::string(word) + ":" + std::to_string(index) + ": " +
                                      askFor(part, role, maybe) +
                                      (kept.size() > 1 ? ", or name the output to score beside it" : ""));
      return wrapIndex(index, size(dim), word);
    };
    if (target.step) part.step = narrow(*target.step, "step", part.dims.steps, DimRole::steps, part.dims.maybe_steps);
    if (target.klass)
      part.klass = narrow(*target.klass, "class", part.dims.classes, DimRole::classes, part.dims.maybe_classes);
    const auto elements = kept[i].value.numel() / (part.step ? size(part.dims.steps) : 1) /
                          (part.klass ? size(part.dims.classes) : 1) / (part.dims.samples < 0 ? 1 : samples);
    real += elements;
    columns += elements * (part.complex ? 2 : 1);
    real_parts.push_back(part.complex ? at::tensor({1.0, 0.0}).repeat({elements}) : at::zeros({elements}, at::kDouble));
    parts_.push_back(std::move(part));
  }
  if (columns > real) real_parts_ = at::cat(real_parts).to(kept[0].value.device(), at::kDouble);
  if (real > 0) scale_ = std::sqrt(static_cast<double>(columns) / static_cast<double>(real));
  elements_ = table(outputs).size(1);
  if (elements_ == 0)
    throw Error(Fault::unsupported, "the output is empty, so there is nothing to measure; " + shapeHint());
  findClasses();
}

void OutputLayout::findClasses() {
  std::optional<int64_t> agreed;
  std::string sizes;
  bool differ = false;
  for (const auto& part : parts_) {
    if (part.complex) why_no_classes_ = outputName(part.path) + " is complex, and has no classes";
    if (!part.klass && part.dims.classes < 0 && !part.dims.maybe_classes.empty())
      why_no_classes_ = askFor(part, DimRole::classes, part.dims.maybe_classes);
    const auto own = part.klass || part.dims.classes < 0 ? 1 : part.shape[static_cast<size_t>(part.dims.classes)];
    differ |= agreed && *agreed != own;
    agreed = own;
    sizes += (sizes.empty() ? "" : ", ") + std::to_string(own) + " in " + outputName(part.path);
  }
  if (why_no_classes_.empty() && differ)
    why_no_classes_ = "the scored outputs have different numbers of classes (" + sizes +
                      "); name the outputs to score with " + settingName("output-target");
  if (why_no_classes_.empty()) classes_ = *agreed;
}

at::Tensor OutputLayout::table(const std::vector<NamedOutput>& outputs, bool variants) const {
  if (draws_ == 1) return tableOfDraw(outputs, variants);
  const int64_t lead = variants ? 1 : 0;
  std::vector<at::Tensor> tables;
  for (int64_t draw = 0; draw < draws_; ++draw) {
    auto one = outputs;
    for (auto& output : one) output.value = output.value.select(lead, draw);
    tables.push_back(tableOfDraw(one, variants));
  }
  return at::stack(tables, lead + 1).flatten(lead, lead + 1);
}

at::Tensor OutputLayout::tableOfDraw(const std::vector<NamedOutput>& outputs, bool variants) const {
  const auto kept = select(outputs, target_);
  if (kept.size() != parts_.size()) {
    throw Error(Fault::unsupported, "the number of outputs changes from run to run; " + shapeHint());
  }
  std::vector<at::Tensor> tables;
  for (size_t i = 0; i < kept.size(); ++i) {
    const auto& part = parts_[i];
    auto value = kept[i].value;
    const int64_t lead = variants ? 1 : 0;
    if (value.sizes().slice(static_cast<size_t>(lead)) != at::IntArrayRef(part.shape)) {
      throw Error(Fault::unsupported,
                  "the output's shape depends on the data, so runs can't be compared; " + shapeHint());
    }
    // forward may leave one on a device and one on the CPU
    value = value.to(kept[0].value.device(), part.complex ? at::kComplexDouble : at::kDouble);
    value = part.dims.samples >= 0 ? value.movedim(part.dims.samples + lead, lead) : value.unsqueeze(lead);
    const auto place = [&](int64_t dim) { return placeInTable(part, dim) + lead; };
    if (part.step) value = value.narrow(place(part.dims.steps), *part.step, 1);
    if (part.klass) value = value.narrow(place(part.dims.classes), *part.klass, 1);
    if (part.dims.classes >= 0) value = value.movedim(place(part.dims.classes), -1);
    if (part.complex) value = at::view_as_real(value.resolve_conj());
    tables.push_back(value.flatten(lead + 1 >= value.dim() ? lead : lead + 1));
    if (tables.back().dim() == lead + 1) tables.back() = tables.back().unsqueeze(-1);
  }
  auto all = tables.size() == 1 ? tables[0] : at::cat(tables, -1);
  if (scale_ != 1) all = all * scale_;
  if (!infinities_) return all;
  return all.nan_to_num(std::numeric_limits<double>::quiet_NaN(), kInfinite, -kInfinite);
}

std::vector<OutputLayout::Piece> OutputLayout::pieces() const {
  std::vector<Piece> pieces;
  for (const auto& part : parts_) {
    Piece piece;
    piece.path = part.path;
    const auto add = [&](int64_t dim) {
      const bool step = part.step && dim == part.dims.steps, klass = part.klass && dim == part.dims.classes;
      piece.shape.push_back(step || klass ? 1 : part.shape[static_cast<size_t>(dim)]);
      piece.first.push_back(step ? *part.step : klass ? *part.klass : 0);
      piece.order.push_back(placeInTable(part, dim) - 1);
    };
    for (int64_t dim = 0; dim < std::ssize(part.shape); ++dim) {
      if (dim != part.dims.samples && dim != part.dims.classes) add(dim);
    }
    if (part.dims.classes >= 0) add(part.dims.classes);
    if (part.complex) {
      piece.shape.push_back(2);
      piece.first.push_back(0);
      piece.order.push_back(std::ssize(piece.order));
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::vector<int64_t> OutputLayout::scoredShape(const Part& part) {
  if (!part.step && !part.klass) return part.shape;
  std::vector<int64_t> shape;
  for (int64_t dim = 0; dim < std::ssize(part.shape); ++dim) {
    const auto size = part.shape[static_cast<size_t>(dim)];
    const bool gone = (part.step && dim == part.dims.steps) || (part.klass && dim == part.dims.classes);
    if (!gone && (size > 1 || dim == part.dims.samples)) shape.push_back(size);
  }
  return shape;
}

std::string OutputLayout::describe() const {
  std::string text;
  for (const auto& part : parts_)
    text +=
        (text.empty() ? "" : ", ") + (part.path.empty() ? "output" : part.path) + " " + shapeText(scoredShape(part));
  return text;
}

std::string OutputLayout::describeDims() const {
  std::string text;
  for (const auto& part : parts_) {
    text += (text.empty() ? "" : ", ") + (part.path.empty() ? "output" : part.path) + " ";
    if (part.step || part.klass) text += shapeText(scoredShape(part)) + " of ";
    text += heft::describeDims(part.shape, part.dims.roles);
    if (part.complex) text += ", complex, by modulus";
    if (!part.dims.maybe_steps.empty() || !part.dims.maybe_classes.empty())
      text += " (which are steps and classes is not known; " + settingName("dims") + " says it)";
  }
  return text;
}

}  // namespace heft
