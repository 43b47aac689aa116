#include "engine/forward/carry.hpp"

#include <ATen/core/jit_type.h>

#include <algorithm>
#include <optional>
#include <span>
#include <sstream>

#include "data/printable.hpp"
#include "data/setting_name.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::usage, settingName("carry") + " " + what); }

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::stringstream text(path);
  for (std::string part; std::getline(text, part, '.');) parts.push_back(part);
  return parts;
}

std::optional<size_t> numberIn(const std::string& text) {
  if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::stoul(text);
}

/// Where a tuple holds `name`: a number, or a field of a named tuple.
std::optional<size_t> placeInTuple(const c10::IValue& tuple, const std::string& name) {
  const auto size = tuple.toTupleRef().elements().size();
  if (const auto number = numberIn(name)) return *number < size ? number : std::nullopt;
  const auto schema = tuple.type()->castRaw<c10::TupleType>()->schema();
  const auto index = schema ? schema->argumentIndexWithName(name) : std::nullopt;
  return index ? std::optional<size_t>(static_cast<size_t>(*index)) : std::nullopt;
}

/// One step of a path, and what the step is called in NamedOutput's paths.
struct Step {
  c10::IValue value;
  std::string name;
};

std::optional<Step> stepInto(const c10::IValue& value, const std::string& name) {
  if (value.isTuple()) {
    const auto place = placeInTuple(value, name);
    if (!place) return std::nullopt;
    return Step{value.toTupleRef().elements()[*place], std::to_string(*place)};
  }
  if (value.isList()) {
    const auto place = numberIn(name);
    if (!place || *place >= value.toListRef().size()) return std::nullopt;
    return Step{value.toListRef()[*place], std::to_string(*place)};
  }
  if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      if (entry.key().isString() && entry.key().toStringRef() == name) return Step{entry.value(), name};
    }
  }
  if (value.isObject()) {
    const auto object = value.toObject();
    if (object->type()->findAttribute(name)) return Step{object->getAttr(name), name};
  }
  return std::nullopt;
}

/// What `path` leads to, and the path with numbers for names of tuples.
std::optional<Step> follow(const c10::IValue& value, const std::string& path) {
  if (value.isTensor() && path == "0") return Step{value, ""};
  Step at{value, ""};
  for (const auto& part : split(path)) {
    const auto next = stepInto(at.value, part);
    if (!next) return std::nullopt;
    at = {next->value, at.name.empty() ? next->name : at.name + "." + next->name};
  }
  return at;
}

/// `value` with `put` in the place that the path leads to.
std::optional<c10::IValue> with(const c10::IValue& value, std::span<const std::string> path, const c10::IValue& put) {
  if (path.empty()) return put;
  const auto inner = stepInto(value, path[0]);
  const auto changed = inner ? with(inner->value, path.subspan(1), put) : std::nullopt;
  if (!changed) return std::nullopt;
  if (value.isTuple()) {
    auto elements = value.toTupleRef().elements().vec();
    elements[*placeInTuple(value, path[0])] = *changed;
    const auto type = value.type()->cast<c10::TupleType>();
    if (type->schema()) return c10::ivalue::Tuple::createNamed(std::move(elements), type);
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (value.isList()) {
    auto list = value.toList().copy();
    list.set(*numberIn(path[0]), *changed);
    return list;
  }
  if (!value.isGenericDict()) return std::nullopt;
  auto dict = value.toGenericDict().copy();
  dict.insert_or_assign(path[0], *changed);
  return dict;
}

std::string kindOf(const c10::IValue& value) {
  std::ostringstream text;
  if (value.isTensor() && value.toTensor().defined())
    text << "a tensor of shape " << value.toTensor().sizes();
  else
    text << "a value of type " << value.type()->repr_str();
  return text.str();
}

/// True when a call may be given `returned` where it was given `given`: sizes may grow, as those of a cache do.
bool ofOneKind(const c10::IValue& given, const c10::IValue& returned) {
  if (given.isNone()) return true;  // an optional state that begins without one
  if (given.isTensor())
    return returned.isTensor() && returned.toTensor().defined() && given.toTensor().dim() == returned.toTensor().dim();
  if (given.isTuple() && returned.isTuple()) {
    const auto& a = given.toTupleRef().elements();
    const auto& b = returned.toTupleRef().elements();
    bool same = a.size() == b.size();
    for (size_t i = 0; same && i < a.size(); ++i) same = ofOneKind(a[i], b[i]);
    return same;
  }
  if (given.isList()) return returned.isList();
  if (given.isGenericDict()) return returned.isGenericDict();
  return given.tagKind() == returned.tagKind();
}

}  // namespace

Carry Carry::parse(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    refuse("'" + printable(text) + "': OUTPUT=ARGUMENT was expected, as in 1=h0 or 1.0=state.0");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::vector<Carry> parseCarries(const std::vector<std::string>& texts) {
  std::vector<Carry> carries;
  if (texts.size() == 1 && texts[0] == "none") return carries;
  for (const auto& text : texts) carries.push_back(Carry::parse(text));
  return carries;
}

CarriedState::CarriedState(std::vector<Carry> carries, std::vector<std::string> names) {
  std::string known;
  for (size_t i = 1; i < names.size(); ++i) known += (known.empty() ? "" : ", ") + names[i];
  for (auto& carry : carries) {
    const auto text = printable(carry.output + "=" + carry.argument);
    auto inside = split(carry.argument);
    const auto named = std::find(names.begin(), names.end(), inside[0]);
    const auto number = numberIn(inside[0]);
    if (named == names.end() && !(number && *number < names.size()))
      refuse(text + ": forward has no argument " + printable(inside[0]) +
             (known.empty() ? "; it takes one alone"
                            : "; beside the first there " + std::string(names.size() > 2 ? "are: " : "is: ") + known));
    const auto index = named != names.end() ? static_cast<size_t>(named - names.begin()) : *number;
    if (index == 0) refuse(text + ": the first argument is the stream, a slice a call; name one of the others");
    inside.erase(inside.begin());
    carries_.push_back({std::move(carry), index, std::move(inside)});
  }
}

void CarriedState::hand(const c10::IValue& returned, std::vector<c10::IValue>& arguments) const {
  for (const auto& way : carries_) {
    const auto text = printable(way.carry.output + "=" + way.carry.argument);
    const auto found = follow(returned, way.carry.output);
    if (!found)
      refuse(text + ": forward returns no output " + printable(way.carry.output) + ", but " + kindOf(returned));
    auto& argument = arguments[way.argument];
    auto given = std::optional(argument);
    for (const auto& part : way.inside) {
      const auto inner = given ? stepInto(*given, part) : std::nullopt;
      given = inner ? std::optional(inner->value) : std::nullopt;
    }
    if (!given) refuse(text + ": there is no such part of the argument, which is " + kindOf(argument));
    if (!ofOneKind(*given, found->value))
      refuse(text + ": the output is " + kindOf(found->value) + ", but the argument " + kindOf(*given));
    auto changed = with(argument, way.inside, found->value);
    if (!changed) refuse(text + ": this part of the argument can't be replaced");
    argument = std::move(*changed);
  }
}

std::vector<std::string> CarriedState::paths(const c10::IValue& returned) const {
  std::vector<std::string> paths;
  for (const auto& way : carries_) {
    if (const auto found = follow(returned, way.carry.output)) paths.push_back(found->name);
  }
  return paths;
}

std::string CarriedState::describe() const {
  std::string text;
  for (const auto& way : carries_)
    text +=
        (text.empty() ? "" : ", ") + ("output " + printable(way.carry.output)) + " to " + printable(way.carry.argument);
  return text;
}

}  // namespace heft
