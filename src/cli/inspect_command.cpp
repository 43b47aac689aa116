#include <ATen/ATen.h>

#include <iostream>
#include <sstream>

#include "cli/command.hpp"
#include "cli/inspection.hpp"
#include "cli/options.hpp"
#include "data/stored_types.hpp"
#include "engine/estimate/describe.hpp"
#include "engine/estimate/describe_sites.hpp"
#include "engine/forward/device.hpp"
#include "heft/error.hpp"
#include "job/options.hpp"
#include "model/graph_sites.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {
namespace {

constexpr auto kFooter = R"(Examples:
  heft inspect model.pt                          what the file and its graph show
  heft inspect model.pt --inputs inputs.pt       runs it: outputs, samples, calls, how each parameter is estimated
  heft inspect policy.pt --inputs x.npy --stream
Where the model can't be ranked, the listing holds what is known and the exit status is 5.)";

std::string tensorText(const at::Tensor& tensor, at::ScalarType type) {
  std::ostringstream text;
  text << typeName(type) << " " << tensor.sizes();
  return text.str();
}

/// `stored`: what the tensors were in the file, from `next` on; they are computed with as float64.
std::string givenText(const c10::IValue& value, const std::vector<at::ScalarType>& stored, size_t& next) {
  std::ostringstream text;
  if (value.isTensor()) {
    const auto& tensor = value.toTensor();
    if (tensor.defined()) text << tensorText(tensor, next < stored.size() ? stored[next++] : tensor.scalar_type());
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict())
      text << (text.tellp() > 0 ? ", " : "(") << entry.key() << ": " << givenText(entry.value(), stored, next);
    text << (text.tellp() > 0 ? ")" : "()");
  } else if (value.isList() || value.isTuple()) {
    const auto parts = value.isTuple() ? value.toTupleRef().elements().vec() : value.toListRef().vec();
    for (const auto& part : parts) text << (text.tellp() > 0 ? ", " : "(") << givenText(part, stored, next);
    text << (parts.empty() ? "()" : ")");
  } else {
    text << value;
  }
  return text.str();
}

/// The file's facts: parameters, buffers, arguments.
void takeModel(Inspection& found, const Model& model, c10::Device device) {
  found.model = model.path.string();
  found.sha256 = model.sha256;
  found.device = device.str();
  for (const auto& buffer : model.buffers) {
    found.buffers.push_back({buffer.name, buffer.value.sizes().vec(), typeName(buffer.stored), ""});
  }
  for (const auto& named : model.module.named_parameters()) {
    const auto& value = named.value;
    if (value.numel() > 0 && at::isFloatingType(value.scalar_type())) continue;
    const auto why = value.numel() == 0                       ? "empty"
                     : at::isComplexType(value.scalar_type()) ? "complex numbers; floating-point weights are ranked"
                                                              : "whole numbers; floating-point weights are ranked";
    found.others.push_back({named.name, value.sizes().vec(), typeName(value.scalar_type()), why});
  }
  const auto forward = model.module.find_method("forward");
  if (!forward) return;
  const auto& arguments = forward->function().getSchema().arguments();
  for (size_t i = 1; i < arguments.size(); ++i) {
    Inspection::Argument argument{arguments[i].name(), arguments[i].type()->repr_str(), {}, ""};
    if (arguments[i].default_value()) {
      std::ostringstream text;
      text << *arguments[i].default_value();
      argument.otherwise = text.str();
    }
    found.arguments.push_back(std::move(argument));
  }
}

std::vector<std::vector<at::ScalarType>> storedIn(const SessionOptions& options, const Model& model) {
  return storedTypes(options.inputs, model.module.get_method("forward").function().getSchema());
}

void takeInputs(Inspection& found, const Inputs& inputs, const std::vector<std::vector<at::ScalarType>>& stored) {
  for (size_t i = 0; i < inputs.values.size() && i < found.arguments.size(); ++i) {
    size_t next = 0;
    found.arguments[i].given = givenText(inputs.values[i], stored[i], next);
  }
}

void takeDims(Inspection::Output& output, const OutputLayout::Part& part) {
  const auto known = [](int64_t dim) { return dim < 0 ? std::nullopt : std::optional(dim); };
  output.batch_dim = known(part.dims.samples);
  output.steps_dim = known(part.dims.steps);
  output.classes_dim = known(part.dims.classes);
  output.scored_shape = OutputLayout::scoredShape(part);
}

/// Outputs as forward returned them; `layout` where their dimensions are known.
void takeOutputs(Inspection& found, const std::vector<NamedOutput>& outputs, const OutputTarget& target,
                 const OutputLayout* layout) {
  size_t scored = 0;
  for (const auto& output : outputs) {
    Inspection::Output one{output.path, output.value.sizes().vec(), false, {}, {}, {}, {}, 0};
    one.scored =
        target.element.empty() || output.path == target.element || output.path.starts_with(target.element + ".");
    if (one.scored && layout != nullptr) takeDims(one, layout->parts()[scored]);
    if (one.scored) ++scored;
    one.rms = output.value.abs().to(at::kDouble).square().mean().sqrt().item<double>();
    found.outputs.push_back(std::move(one));
  }
}

/// What the graph shows of a model that does not run.
void takeGraph(Inspection& found, const Model& model) {
  found.structure = describeParameters(model);
  found.sites = graphSites(model);
  found.notes = model.notes;
}

Inspection withoutRun(const SessionOptions& options) {
  const auto model = loadModel(options.model, {options.device(), false});
  Inspection found;
  takeModel(found, model, options.device());
  takeGraph(found, model);
  if (model.parameters.empty())
    found.refusal = "the model has no weights (no floating-point parameters or constants), so there is nothing to rank";
  else if (!model.module.find_method("forward"))
    found.refusal = "the module has no forward method, so it can't be run";
  if (!found.refusal.empty()) found.refusal = found.model + ": " + found.refusal;
  return found;
}

Inspection withRun(const SessionOptions& options) {
  Session session(options);
  Inspection found;
  takeModel(found, session.model(), options.device());
  takeInputs(found, session.runner().inputs(), storedIn(options, session.model()));
  found.ran = true;
  found.structure = session.structure();
  found.sites = session.sites();
  found.samples = session.batch().samples;
  if (options.carry.empty() || options.carry[0] == "none") found.carries = session.runner().fitting();
  found.samples_note = session.batch().note;
  if (session.targets())
    found.targets = session.targets()->classes.defined()
                        ? "classes, " + tensorText(session.targets()->classes, at::kLong)
                        : "values, " + tensorText(session.targets()->values, at::kDouble);
  const at::NoGradGuard no_grad;
  PlainHandler plain(session.model());
  takeOutputs(found, session.runner().run(plain), OutputTarget::parse(options.output_target), &session.layout());
  for (const auto& note : session.notes()) {
    if (note != found.samples_note) found.notes.push_back(note);
  }
  return found;
}

/// A model that runs but can't be ranked: one run shows all the same what it reads and returns.
Inspection refused(const SessionOptions& options, const std::string& why) {
  auto found = withoutRun(options);
  found.refusal = why;
  if (found.structure.parameters.empty() || found.arguments.empty()) return found;
  const auto target = OutputTarget::parse(options.output_target);
  for (const bool native : {false, true}) {
    try {
      auto model = loadModel(options.model, {options.device(), native});
      auto inputs = readInputs(options.inputs, model.module.get_method("forward").function().getSchema(),
                               options.device(), native);
      Runner runner(model, std::move(inputs),
                    {options.stream, target.module_name, target.element, parseCarries(options.carry)});
      const at::AutoGradMode grad(true);
      RecordHandler record(model);
      const auto outputs = runner.run(record);
      found.structure = describeStructure(model, record.sites());
      found.sites = describeSites(model, found.structure, record.sites());
      takeInputs(found, runner.inputs(), storedIn(options, model));
      const at::NoGradGuard no_grad;
      takeOutputs(found, outputs, target, nullptr);
      found.ran = true;
      return found;
    } catch (const std::exception&) {
      // The graph's facts stand; why the model is refused is known already.
    }
  }
  return found;
}

Inspection inspect(const SessionOptions& options) {
  if (options.inputs.empty()) return withoutRun(options);
  try {
    return withRun(options);
  } catch (const Error& error) {
    if (error.fault() != Fault::unsupported) throw;
    return refused(options, error.what());
  }
}

int inspectCommand(const ModelOptions& options, const Context& context) {
  auto session_options = sessionOf(options);
  setThreads(options.threads);
  session_options.draws = 1;  // of more there is nothing more to see
  // What fits is shown, and need not be chosen.
  if (options.stream && session_options.carry.empty()) session_options.carry = {"none"};
  if (options.inputs.empty() &&
      (options.stream || !options.output_target.empty() || !options.targets.empty() || !options.dims.empty())) {
    throw Error(Fault::usage,
                "--stream, --output-target, --dims and --targets say how the model is run, so they need --inputs FILE");
  }
  const auto found = inspect(session_options);
  std::cout << (context.json ? jsonText(inspectionJson(found)) : inspectionText(found)) << std::flush;
  if (!found.refusal.empty()) throw Error(Fault::unsupported, found.refusal);
  return 0;
}

}  // namespace

Action addInspect(CLI::App& program) {
  auto options = std::make_shared<ModelOptions>();
  auto* command = program.add_subcommand(
      "inspect", "List what a model is made of: sites, parameters, gates, inputs it expects, outputs");
  command->footer(kFooter);
  addModelOptions(*command, *options, false);
  return [options](const Context& context) { return inspectCommand(*options, context); };
}

}  // namespace heft::cli
