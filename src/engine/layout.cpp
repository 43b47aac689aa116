#include "engine/layout.hpp"

#include <ATen/ATen.h>

#include <sstream>

#include "heft/error.hpp"

namespace heft {
namespace {

constexpr auto kShapeHint = "--output-target module:NAME scores what a submodule returns instead";

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
                           std::vector<int64_t> batch_dims, int64_t samples)
    : target_(target), samples_(samples) {
  const auto kept = select(outputs, target);
  for (size_t i = 0; i < kept.size(); ++i) {
    parts_.push_back({kept[i].path, kept[i].value.sizes().vec(), batch_dims.empty() ? -1 : batch_dims.at(i)});
    const auto last = kept[i].value.dim() == 0 ? 1 : kept[i].value.size(-1);
    if (i == 0)
      classes_ = last;
    else if (classes_ != last)
      classes_ = -1;
  }
  elements_ = table(outputs).size(1);
  if (target.klass) classes_ = 1;
  if (classes_ <= 0 || elements_ % classes_ != 0) classes_ = elements_;
  if (elements_ == 0)
    throw Error(Fault::unsupported, std::string("the output is empty, so there is nothing to measure; ") + kShapeHint);
}

at::Tensor OutputLayout::table(const std::vector<NamedOutput>& outputs, bool variants) const {
  const auto kept = select(outputs, target_);
  if (kept.size() != parts_.size()) {
    throw Error(Fault::unsupported, std::string("the number of outputs changes from run to run; ") + kShapeHint);
  }
  std::vector<at::Tensor> tables;
  for (size_t i = 0; i < kept.size(); ++i) {
    const auto& part = parts_[i];
    auto value = kept[i].value;
    const int64_t lead = variants ? 1 : 0;
    if (value.sizes().slice(static_cast<size_t>(lead)) != at::IntArrayRef(part.shape)) {
      throw Error(Fault::unsupported,
                  std::string("the output's shape depends on the data, so runs can't be compared; ") + kShapeHint);
    }
    value = value.to(kept[0].value.device(), at::kDouble);  // forward may leave one on a device and one on the CPU
    value = part.batch_dim >= 0 ? value.movedim(part.batch_dim + lead, lead) : value.unsqueeze(lead);
    if (target_.step) {
      const auto dim = lead + 1;
      if (value.dim() < dim + 2)
        throw Error(Fault::usage, "output target step:N needs an output with a dimension of time; it has none");
      value = value.narrow(dim, wrapIndex(*target_.step, value.size(dim), "step"), 1);
    }
    if (target_.klass) value = value.narrow(-1, wrapIndex(*target_.klass, value.size(-1), "class"), 1);
    tables.push_back(value.flatten(lead + 1 >= value.dim() ? lead : lead + 1));
    if (tables.back().dim() == lead + 1) tables.back() = tables.back().unsqueeze(-1);
  }
  return tables.size() == 1 ? tables[0] : at::cat(tables, -1);
}

std::vector<OutputLayout::Piece> OutputLayout::pieces() const {
  std::vector<Piece> pieces;
  for (const auto& part : parts_) {
    Piece piece{part.path, part.shape, {}};
    if (part.batch_dim >= 0) piece.shape.erase(piece.shape.begin() + part.batch_dim);
    piece.first.assign(piece.shape.size(), 0);
    const auto narrow = [&](std::size_t dim, int64_t index, const char* what) {
      piece.first[dim] = wrapIndex(index, piece.shape[dim], what);
      piece.shape[dim] = 1;
    };
    if (target_.step) narrow(0, *target_.step, "step");
    if (target_.klass && !piece.shape.empty()) narrow(piece.shape.size() - 1, *target_.klass, "class");
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::string OutputLayout::describe() const {
  std::ostringstream text;
  for (size_t i = 0; i < parts_.size(); ++i) {
    text << (i == 0 ? "" : ", ") << (parts_[i].path.empty() ? "output" : parts_[i].path) << " "
         << at::IntArrayRef(parts_[i].shape);
  }
  return text.str();
}

}  // namespace heft
