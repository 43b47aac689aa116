#include <algorithm>
#include <set>

#include "cli/inspection.hpp"
#include "cli/table.hpp"
#include "data/words.hpp"

namespace heft::cli {
namespace {

constexpr std::size_t kIndent = 2;
constexpr std::size_t kLabel = 10;
constexpr std::size_t kNamesListed = 6;

std::string listed(const std::vector<std::string>& names, const std::string& between) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : between) + name;
  return text;
}

/// "a, b, c and 4 more"
std::string some(std::vector<std::string> names) {
  const auto more = names.size() > kNamesListed ? names.size() - kNamesListed : 0;
  names.resize(names.size() - more);
  return listed(names, ", ") + (more > 0 ? " and " + grouped(more) + " more" : "");
}

std::string shapeText(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const auto size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text.empty() ? "scalar" : text;
}

std::string number(std::int64_t value) { return grouped(static_cast<std::size_t>(value)); }

std::string callsText(const SiteFacts& site) {
  if (!site.calls) return {};
  auto text = *site.calls == 1   ? "called once"
              : *site.calls == 2 ? "called twice"
                                 : "called " + number(*site.calls) + " times";
  if (!site.steps || site.cell) return text;
  return text + (*site.calls == 1 ? ", " + counted(static_cast<std::size_t>(*site.steps), "step")
                                  : ", " + number(*site.steps) + " steps in all");
}

std::string detail(const SiteFacts& site) {
  std::vector<std::string> parts;
  if (site.recurrent && site.cell) parts.emplace_back("cell");
  if (site.recurrent && !site.cell && site.layers)
    parts.push_back(counted(static_cast<std::size_t>(*site.layers), "layer"));
  if (site.directions && *site.directions == 2) parts.emplace_back("both directions");
  if (site.inputs && site.outputs) {
    parts.push_back(number(*site.inputs) + (site.kind == "embedding" || site.kind == "Embedding" ? " tokens" : "") +
                    " -> " + number(*site.outputs) + (site.recurrent ? " units" : ""));
  }
  if (site.projection) parts.push_back("projected to " + number(*site.projection));
  if (site.gates.size() > 1) parts.push_back("gates " + listed(site.gates, " "));
  if (site.packed) parts.emplace_back("packed sequences");
  if (site.batch_first) parts.emplace_back(*site.batch_first ? "batch first" : "time first");
  if (const auto calls = callsText(site); !calls.empty()) parts.push_back(calls);
  if (!site.recurrent && !site.inputs) parts.push_back(some(site.parameters));
  return listed(parts, ", ");
}

std::string sitesText(const Inspection& inspection) {
  if (inspection.sites.empty()) return {};
  std::size_t names = 0, kinds = 0;
  const auto nameOf = [](const SiteFacts& site) { return site.name.empty() ? std::string("(model)") : site.name; };
  for (const auto& site : inspection.sites) {
    names = std::max(names, std::min<std::size_t>(widthOf(nameOf(site)), 32));
    kinds = std::max(kinds, widthOf(site.kind));
  }
  std::string text =
      inspection.ran ? "\nsites, where parameters are read\n" : "\nsites, as far as the graph shows them\n";
  for (const auto& site : inspection.sites) {
    const auto label = std::string(kIndent, ' ') + padded(shortenedInTheMiddle(nameOf(site), names), names) + "  " +
                       padded(site.kind, kinds) + "  ";
    text += labelled(label, detail(site), widthOf(label));
  }
  return text;
}

std::string shareText(double share) {
  char text[32];
  std::snprintf(text, sizeof text, share >= 0.0995 ? "%.0f %%" : share >= 0.00095 ? "%.1f %%" : "<0.1 %%", 100 * share);
  return text;
}

/// The type that all parameters have, or "".
std::string commonType(const Structure& structure) {
  std::set<std::string> types;
  for (const auto& info : structure.parameters) types.insert(info.dtype);
  return types.size() == 1 ? *types.begin() : std::string();
}

std::string parametersText(const Inspection& inspection) {
  const auto& parameters = inspection.structure.parameters;
  if (parameters.empty()) return {};
  const bool one_type = !commonType(inspection.structure).empty();
  const auto all = static_cast<double>(inspection.weights());
  Table table("lrlrrlll");
  table.row({"", "shape", one_type ? "" : "type", "weights", "share", "site", "role", "estimated by"});
  for (const auto& info : parameters) {
    const auto read = inspection.ran && info.site.empty() ? "not read" : info.site;
    table.row({info.name, shapeText(info.shape), one_type ? "" : info.dtype, number(info.weights()),
               shareText(static_cast<double>(info.weights()) / all), read, info.role, info.method});
  }
  return "\nparameters\n" + table.text(kIndent);
}

std::string tensorsText(const std::string& title, const std::vector<Inspection::Tensor>& tensors) {
  if (tensors.empty()) return {};
  Table table("lrll");
  table.row({"", "shape", "type", ""});
  for (const auto& one : tensors) table.row({one.name, shapeText(one.shape), one.dtype, one.why_not});
  return "\n" + title + "\n" + table.text(kIndent);
}

std::string outputsText(const Inspection& inspection) {
  if (inspection.outputs.empty()) return {};
  Table table("lrlllll");
  table.row({"", "shape", "rms", "samples along", "steps", "classes", ""});
  const auto place = [](const std::optional<std::int64_t>& dim) {
    return dim ? "dimension " + std::to_string(*dim) : std::string();
  };
  for (const auto& one : inspection.outputs) {
    table.row({one.path.empty() ? "(one tensor)" : one.path, shapeText(one.shape), significant(one.rms),
               place(one.batch_dim), place(one.steps_dim), place(one.classes_dim),
               !one.scored                                                 ? "not scored"
               : one.scored_shape == one.shape || one.scored_shape.empty() ? ""
                                                                           : "scored: " + shapeText(one.scored_shape)});
  }
  return "\noutputs\n" + table.text(kIndent);
}

std::string forwardText(const Inspection& inspection) {
  std::string text;
  for (const auto& one : inspection.arguments) {
    text += (text.empty() ? "" : ", ") + one.name + ": " + one.type + (one.otherwise ? " = " + *one.otherwise : "");
    if (!one.given.empty()) text += " (given: " + one.given + ")";
  }
  return text.empty() ? "takes no inputs" : text;
}

/// How what fits may be handed on.
std::string carriesText(const Inspection& inspection) {
  return "outputs fit arguments: --stream --carry " + listed(inspection.carries, " ") +
         " calls forward once a step of the first input, [steps, …], and hands them on";
}

std::string conclusion(const Inspection& inspection) {
  if (!inspection.refusal.empty()) return {};  // an error: its line follows on standard error
  if (!inspection.ran)
    return "heft inspect " + inspection.model +
           " --inputs FILE runs it and shows the rest: outputs, samples, how often sites are called, how each "
           "parameter is estimated.";
  std::vector<std::string> unread;
  std::int64_t weights = 0;
  for (const auto& info : inspection.structure.parameters) {
    if (whyNot(inspection, info).empty())
      weights += info.weights();
    else
      unread.push_back(info.name);
  }
  auto text = unread.empty() ? "All " + number(weights) + " weights can be ranked."
                             : number(weights) + " of " + number(inspection.weights()) + " weights can be ranked.";
  if (!unread.empty()) text += " Not read on these inputs, so they move nothing: " + some(unread) + ".";
  return text;
}

}  // namespace

std::int64_t Inspection::weights() const {
  std::int64_t sum = 0;
  for (const auto& info : structure.parameters) sum += info.weights();
  return sum;
}

std::string whyNot(const Inspection& inspection, const ParameterInfo& parameter) {
  return inspection.ran && parameter.site.empty() ? "not read on these inputs" : "";
}

std::string inspectionText(const Inspection& inspection) {
  const auto type = commonType(inspection.structure);
  auto text = labelled("model", inspection.model + ", sha256 " + inspection.sha256.substr(0, 12) + "…", kLabel);
  text += labelled("weights",
                   number(inspection.weights()) + " in " +
                       counted(inspection.structure.parameters.size(), "parameter") + (type.empty() ? "" : ", " + type),
                   kLabel);
  text += labelled("device", inspection.device, kLabel);
  text += labelled("forward", forwardText(inspection), kLabel);
  if (!inspection.samples_note.empty()) text += labelled("samples", inspection.samples_note, kLabel);
  if (!inspection.carries.empty()) text += labelled("state", carriesText(inspection), kLabel);
  if (!inspection.targets.empty()) text += labelled("targets", inspection.targets, kLabel);
  text += sitesText(inspection) + parametersText(inspection) +
          tensorsText("parameters that are no weights", inspection.others) +
          tensorsText("buffers", inspection.buffers) + outputsText(inspection);
  if (!inspection.notes.empty()) text += "\nnotes\n";
  for (const auto& note : inspection.notes) text += labelled(std::string(kIndent, ' '), note, kIndent);
  const auto end = conclusion(inspection);
  return end.empty() ? text : text + "\n" + wrapped(end, kTerminalWidth) + "\n";
}

}  // namespace heft::cli
