#include <ATen/core/jit_type.h>

#include <algorithm>
#include <cctype>

#include "engine/forward/carry.hpp"

namespace heft {
namespace {

/// A tensor somewhere in arguments or outputs.
struct Leaf {
  std::string path;  ///< as --carry writes it
  std::string name;  ///< what it is called there, if anything
  at::Tensor tensor;
};

void collect(const c10::IValue& value, const std::string& path, const std::string& name, std::vector<Leaf>& leaves) {
  const auto inside = [&](const std::string& part) { return path.empty() ? part : path + "." + part; };
  if (value.isTensor()) {
    if (value.toTensor().defined()) leaves.push_back({path.empty() ? "0" : path, name, value.toTensor()});
  } else if (value.isTuple()) {
    const auto schema = value.type()->castRaw<c10::TupleType>()->schema();
    const auto& elements = value.toTupleRef().elements();
    for (size_t i = 0; i < elements.size(); ++i)
      collect(elements[i], inside(std::to_string(i)), schema ? schema->arguments()[i].name() : name, leaves);
  } else if (value.isList()) {
    const auto elements = value.toListRef();
    for (size_t i = 0; i < elements.size(); ++i) collect(elements[i], inside(std::to_string(i)), name, leaves);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      if (entry.key().isString())
        collect(entry.value(), inside(entry.key().toStringRef()), entry.key().toStringRef(), leaves);
    }
  }
}

/// "h0", "new_h" and "h_n" are "h" in other words.
std::string root(const std::string& name) {
  std::string text;
  for (const char c : name) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0)
      text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (const auto* word : {"next", "new", "out", "prev", "last", "old", "initial", "init", "in"}) {
    const auto at = text.find(word);
    if (at != std::string::npos && text.size() > std::string(word).size()) text.erase(at, std::string(word).size());
  }
  if (text.size() > 1 && (text == "hn" || text == "cn" || text == "ht" || text == "ct")) text.pop_back();
  return text;
}

bool alike(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type();
}

/// Joins "1.0=state.0", "1.1=state.1" to "1=state" where these are all that both hold.
std::vector<std::string> joined(std::vector<std::pair<std::string, std::string>> pairs,
                                const std::vector<Leaf>& arguments, const std::vector<Leaf>& outputs) {
  const auto headOf = [](const std::string& path) { return path.substr(0, path.find('.')); };
  const auto held = [&](const std::vector<Leaf>& leaves, const std::string& head) {
    return std::count_if(leaves.begin(), leaves.end(), [&](const Leaf& one) { return headOf(one.path) == head; });
  };
  std::vector<std::string> texts;
  for (const auto& [output, argument] : pairs) {
    const auto from = headOf(output), to = headOf(argument);
    const auto together = std::count_if(pairs.begin(), pairs.end(), [&](const auto& one) {
      return headOf(one.first) == from && headOf(one.second) == to &&
             one.first.substr(from.size()) == one.second.substr(to.size());
    });
    const bool whole =
        from != output && to != argument && together == held(outputs, from) && together == held(arguments, to);
    const auto text = whole ? from + "=" + to : output + "=" + argument;
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
  }
  return texts;
}

}  // namespace

std::vector<std::string> fittingCarries(const std::vector<std::string>& names,
                                        const std::vector<c10::IValue>& arguments, const c10::IValue& returned) {
  std::vector<Leaf> into, outputs;
  for (size_t i = 1; i < arguments.size() && i < names.size(); ++i) collect(arguments[i], names[i], names[i], into);
  collect(returned, "", "", outputs);
  std::vector<const Leaf*> of(into.size(), nullptr);
  std::vector<bool> taken(outputs.size(), false);
  // By name where there are names, then in order: states are returned last, in the order of the arguments.
  for (size_t i = 0; i < into.size(); ++i) {
    for (size_t o = 0; o < outputs.size() && of[i] == nullptr; ++o) {
      if (taken[o] || outputs[o].name.empty() || root(outputs[o].name) != root(into[i].name) ||
          !alike(into[i].tensor, outputs[o].tensor))
        continue;
      of[i] = &outputs[o];
      taken[o] = true;
    }
  }
  for (size_t i = into.size(), last = outputs.size(); i-- > 0;) {
    if (of[i] != nullptr) continue;
    for (size_t o = last; o-- > 0;) {
      if (taken[o] || !alike(into[i].tensor, outputs[o].tensor)) continue;
      of[i] = &outputs[o];
      taken[o] = true;
      last = o;
      break;
    }
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (size_t i = 0; i < into.size(); ++i) {
    // Lengths, ids and the like are no states.
    if (of[i] != nullptr &&
        (at::isFloatingType(into[i].tensor.scalar_type()) || at::isComplexType(into[i].tensor.scalar_type())))
      pairs.emplace_back(of[i]->path, into[i].path);
  }
  return joined(std::move(pairs), into, outputs);
}

}  // namespace heft
