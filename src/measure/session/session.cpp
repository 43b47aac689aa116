#include "measure/session/session.hpp"

#include <ATen/ATen.h>

#include <limits>

#include "data/setting_name.hpp"
#include "engine/derived/find_functions.hpp"
#include "engine/estimate/describe.hpp"
#include "engine/estimate/describe_sites.hpp"
#include "engine/estimate/differentiable_call.hpp"
#include "engine/estimate/units/plan_units.hpp"
#include "engine/forward/device.hpp"
#include "engine/forward/input_tensors.hpp"
#include "engine/forward/release_graph.hpp"
#include "engine/outputs/following.hpp"
#include "heft/error.hpp"
#include "measure/metrics/metrics.hpp"
#include "measure/session/first_run.hpp"
#include "measure/session/record_sites.hpp"
#include "measure/session/run_time.hpp"
#include "model/autocast.hpp"

namespace heft {
namespace {

/// Refuses what is no number; how many are infinite, in a sentence, or nothing.
std::string checkNumbers(const std::vector<NamedOutput>& outputs) {
  int64_t infinite = 0, all = 0;
  for (const auto& output : outputs) {
    const auto name = output.path.empty() ? "" : " '" + output.path + "'";
    const auto bad = at::isnan(output.value).sum().item<int64_t>();
    if (bad > 0)
      throw Error(Fault::input, "the baseline's output" + name + " holds " + std::to_string(bad) +
                                    " values that are NaN, so no change of it can be measured; check inputs "
                                    "and model, or score another output with " +
                                    settingName("output-target"));
    infinite += at::isinf(output.value).sum().item<int64_t>();
    all += output.value.numel();
  }
  if (infinite == all && all > 0)
    throw Error(Fault::input,
                "all values of the baseline's output are infinite, so no change of it can be measured; check "
                "inputs and model, or score another output with " +
                    settingName("output-target"));
  if (infinite == 0) return {};
  return std::to_string(infinite) + " of " + std::to_string(all) +
         " scored values are infinite (masked scores, if they are meant): they count as unchanged where they stay so";
}

}  // namespace

Session::Session(const SessionOptions& options) : options_(options) {
  load(false);
  std::vector<NamedOutput> outputs;
  try {
    outputs = runBaseline();
    if (options_.as_model) {
      const auto exact = std::move(outputs);
      load(true);
      outputs = runBaseline();
      notes_.push_back(noteRounding(exact, outputs));
    } else if (const auto types = reducedTypesOf(model_.module); !types.empty() && storedInFloat(model_)) {
      notes_.push_back("forward has " + types + ": it ran in float64 all the same; " + settingName("precision") +
                       " as-model measures what it does in "
                       "its own types");
    }
  } catch (const Error& failure) {
    if (failure.fault() != Fault::input) throw;
    // Either the inputs are wrong, which the model's own types show as well, or it can't run in float64.
    load(true);
    outputs = runBaseline();
    notes_.push_back("the model can't run in float64 (" + std::string(failure.what()) +
                     "), so it is measured in its own types; small impacts drown in their rounding");
  }
  notes_.insert(notes_.begin(), model_.notes.begin(), model_.notes.end());
  checkStream(*runner_, outputs, options_.carry, notes_);
  run_seconds_ = repeatRun(*runner_, outputs);
  findOutputs(outputs);
  for (auto& note : deriveWeights(*runner_)) notes_.push_back(std::move(note));
  {
    const auto recording = recordSites(*this);
    structure_ = describeStructure(model_, recording.handler->sites());
    sites_ = describeSites(model_, structure_, recording.handler->sites());
  }
  takeDraws(drawsOf(*runner_, options_.draws, options_.seed, notes_));
  units_ = planUnits(*runner_);
  for (const auto& one : units_.parameters) {
    for (const auto parameter : parametersBehind(model_, one.parameter))
      structure_.parameters[static_cast<size_t>(parameter)].method = "traced unit response";
  }
}

void Session::findOutputs(const std::vector<NamedOutput>& outputs) {
  const auto target = OutputTarget::parse(options_.output_target);
  const auto given = GivenDims::parse(options_.dims);
  std::vector<std::string> paths;
  for (const auto& output : outputs) paths.push_back(output.path);
  given.check(inputTensorNames(runner_->inputs()), paths);
  const auto scored = OutputLayout::select(outputs, target);
  const auto infinite = checkNumbers(scored);
  if (!infinite.empty()) notes_.push_back(infinite);
  {
    const at::NoGradGuard no_grad;
    PlainHandler plain(model_);
    batch_ = findBatch(*runner_, plain, target, outputs, given);
    const auto following = findFollowing(*runner_, plain, target, outputs, batch_, given);
    layout_ =
        std::make_unique<OutputLayout>(outputs, target, nameDims(scored, batch_, following, given), batch_.samples);
  }
  if (!infinite.empty()) layout_->holdInfinities();
  baseline_ = layout_->table(outputs).detach();
  if (batch_.interact) notes_.push_back(batch_.note);
  if (options_.targets.empty()) return;
  targets_ = prepareTargets(readTargets(options_.targets), *layout_, given);
  if (!infinite.empty() && targets_->values.defined())
    throw Error(Fault::input,
                "targets are values, but some of the outputs beside them are infinite; finite outputs were "
                "expected");
}

void Session::load(bool native) {
  runner_.reset();
  model_ = loadModel(options_.model, {options_.device(), native});
  if (model_.parameters.empty()) {
    throw Error(
        Fault::unsupported,
        options_.model.string() +
            ": the model has no weights (no floating-point parameters or constants), so there is nothing to rank");
  }
  const auto forward = model_.module.find_method("forward");
  if (!forward) {
    throw Error(Fault::unsupported, options_.model.string() + ": the module has no forward method, so it can't be run");
  }
  auto inputs = readInputs(options_.inputs, forward->function().getSchema(), options_.device(), native);
  chooseThreads(runProducts(model_, inputs));
  const auto target = OutputTarget::parse(options_.output_target);
  const auto carries = parseCarries(options_.carry);
  runner_ = std::make_unique<Runner>(
      model_, std::move(inputs),
      RunnerOptions{options_.stream, target.module_name, target.element, carries, options_.seed});
  if (options_.as_model && native) applyAutocast(model_.module);
}

std::vector<NamedOutput> Session::runBaseline() {
  const at::NoGradGuard no_grad;
  PlainHandler plain(model_);
  return runner_->run(plain);
}

/// What was found out with one draw holds for all of them.
void Session::takeDraws(int64_t draws) {
  if (draws == 1) return;
  runner_->setDraws(draws);
  layout_->setDraws(draws);
  baseline_ = layout_->table(runBaseline()).detach();
  run_seconds_ *= static_cast<double>(draws);
  if (!targets_) return;
  for (auto* one : {&targets_->classes, &targets_->values}) {
    if (one->defined()) *one = one->repeat_interleave(draws, 0);
  }
}

void Session::Recording::releaseOutputs() {
  releaseGraph(outputs);
  outputs = at::Tensor();
}

Session::Recording Session::record(bool keep_arguments, const UnitPlan* plan, SiteOptions options) {
  const at::AutoGradMode grad(GraphScope::current() != GraphMode::none);
  auto handler = std::make_unique<RecordHandler>(model_, keep_arguments, plan, options);
  auto outputs = runner_->run(*handler);
  if (auto* exits = handler->exits()) {
    for (size_t i = 0; i < outputs.size(); ++i) outputs[i].value = exits->leaveOutput(i, outputs[i].value);
  }
  return {std::move(handler), layout_->table(outputs)};
}

Session::Recording recordSites(Session& session) {
  try {
    return session.record();
  } catch (const Error& error) {
    if (error.fault() == Fault::memory) throw;
    const GraphScope none(GraphMode::none);
    return session.record();
  }
}

double Session::noise() const {
  if (options_.as_model) return 0;  // one variant after the other, in the same operators: what rounds, rounds alike
  const double epsilon = model_.native ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  return 4 * epsilon * finiteBaseline().abs().max().item<double>();
}

at::Tensor Session::finiteBaseline() const {
  constexpr double kLargest = 1e299;  // beyond it infinities are held
  return baseline_.masked_fill(baseline_.abs() > kLargest, 0);
}

double Session::outputRms() const {
  const auto finite = finiteBaseline();
  const auto counted = (baseline_ == finite).sum().to(at::kDouble);
  return (finite.square().sum() / counted).sqrt().item<double>();
}

OutputMetrics metricsOf(const Session& session) {
  const auto& layout = session.layout();
  return {session.baseline(), layout.classes(), session.targets(), {layout.realParts(), layout.scale()}};
}

void requireMetrics(const Session& session, std::span<const Metric> metrics) {
  const auto known = metricsOf(session);
  for (const auto metric : metrics) {
    const auto& why = session.layout().whyNoClasses();
    if ((metric == Metric::kl || metric == Metric::flips) && !why.empty())
      throw Error(Fault::usage, "metric " + std::string(name(metric)) + " compares classes, but " + why);
    known.require(metric);
  }
}

}  // namespace heft
