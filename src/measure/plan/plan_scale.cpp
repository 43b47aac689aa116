#include "measure/plan/plan_scale.hpp"

#include <ATen/ATen.h>
#include <torch/script.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "data/inputs.hpp"
#include "data/safetensors.hpp"
#include "data/scratch_folder.hpp"
#include "data/seconds_since.hpp"
#include "engine/forward/device.hpp"
#include "engine/outputs/layout.hpp"
#include "heft/error.hpp"
#include "measure/session/run_time.hpp"

namespace heft {
namespace {

using Clock = std::chrono::steady_clock;

/// Multiplications that one run does at most, about, if it is to be taken for short without a look: those of 50 ms on two slow
/// cores, where a plan runs the model some hundred times.
constexpr double kShort = 5e8;
/// A run of this long says what the whole takes.
constexpr double kTells = 0.4;
constexpr int64_t kFirst = 2;  // places, and as many times more with each further run
constexpr int64_t kMore = 4;

/// Runs of the model that a plan takes, about: finding out about it, and of each parameter's variants.
double runsOfPlan(const Model& model) { return 40 + 8 * static_cast<double>(model.parameters.size()); }

/// One part of the inputs and what a run on it took.
struct TimedSize {
  InputCut cut;
  double seconds = 0;
};

class Prober {
 public:
  Prober(Model& model, Runner& runner) : model_(model), runner_(runner) {}

  /// Ever larger parts along one dimension; empty where the model doesn't run on parts.
  std::vector<TimedSize> along(int64_t dim, int64_t of) {
    std::vector<TimedSize> timed;
    for (int64_t size = kFirst;; size = std::min(of, size * kMore)) {
      const InputCut cut{dim, of, size};
      const auto values = cutInputs(runner_.inputs().values, cut);
      try {
        if (timed.empty()) run(values);  // the first run pays for what later ones find done
        timed.push_back({cut, run(values)});
      } catch (const Error& error) {
        if (error.fault() != Fault::input && error.fault() != Fault::unsupported) throw;
        return {};
      }
      if (size == of || timed.back().seconds > kTells) return timed;
    }
  }

  double run(const std::vector<c10::IValue>& values) {
    PlainHandler plain(model_);
    return secondsOfRun([&] { return runner_.run(plain, values); });
  }

 private:
  Model& model_;
  Runner& runner_;
};

StoredTensor stored(const std::string& name, const at::Tensor& tensor) {
  static const std::map<at::ScalarType, Scalar> kinds{
      {at::kBool, Scalar::boolean}, {at::kByte, Scalar::u8},   {at::kChar, Scalar::i8},  {at::kShort, Scalar::i16},
      {at::kInt, Scalar::i32},      {at::kLong, Scalar::i64},  {at::kHalf, Scalar::f16}, {at::kBFloat16, Scalar::bf16},
      {at::kFloat, Scalar::f32},    {at::kDouble, Scalar::f64}};
  const auto kind = kinds.find(tensor.scalar_type());
  if (kind == kinds.end()) throw Error(Fault::unsupported, name + ": can't be written");
  const auto values = tensor.to(at::kCPU).contiguous();
  const auto* bytes = static_cast<const std::byte*>(values.const_data_ptr());
  return {name, kind->second, values.sizes().vec(), {bytes, bytes + values.nbytes()}};
}

void writeTensors(const std::filesystem::path& file, const std::vector<StoredTensor>& tensors) {
  writeSafetensors(file, viewsOf(tensors), {});
}

/// The session on that part of inputs and targets, which are written into the folder. Throws Error(Fault::unsupported) where they are
/// no tensors.
SessionOptions onPart(const SessionOptions& options, const InputCut& cut, const std::filesystem::path& folder) {
  auto model = torch::jit::load(options.model.string(), c10::kCPU);
  const auto& schema = model.get_method("forward").function().getSchema();
  const auto inputs = readInputs(options.inputs, schema, c10::kCPU, /*native=*/true);
  const auto values = cutInputs(inputs.values, cut);
  std::vector<StoredTensor> tensors;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].isNone()) continue;
    const auto& name = schema.arguments().at(i + 1).name();
    if (!values[i].isTensor()) throw Error(Fault::unsupported, name + ": is no tensor");
    tensors.push_back(stored(name, values[i].toTensor()));
  }
  auto own = options;
  own.inputs = {folder / "inputs.safetensors"};
  writeTensors(own.inputs[0], tensors);
  if (options.targets.empty()) return own;
  own.targets = folder / "targets.safetensors";
  const auto targets = cutInputs({readTargets(options.targets)}, cut);
  writeTensors(own.targets, {stored("targets", targets[0].toTensor())});
  return own;
}

}  // namespace

std::pair<std::unique_ptr<Session>, PlanScale> sessionToPlan(const SessionOptions& options, double seconds) {
  const auto begin = Clock::now();
  auto scale = planScale(options, seconds);
  scale.seconds = secondsSince(begin);
  if (scale.cut.cuts()) {
    const ScratchFolder scratch;
    try {
      return {std::make_unique<Session>(onPart(options, scale.cut, scratch.path())), scale};
    } catch (const Error& error) {
      if (error.fault() != Fault::input && error.fault() != Fault::unsupported) throw;
    }
  }
  // What is wrong may be wrong with the part alone.
  scale.cut = {};
  return {std::make_unique<Session>(options), scale};
}

PlanScale planScale(const SessionOptions& options, double seconds) {
  const at::NoGradGuard no_grad;
  const auto begin = Clock::now();
  PlanScale scale;
  auto model = loadModel(options.model, {options.device(), false});
  const auto forward = model.module.find_method("forward");
  if (model.parameters.empty() || !forward) return scale;  // refused by the session, with the reason
  auto inputs = readInputs(options.inputs, forward->function().getSchema(), options.device(), false);
  scale.load_seconds = secondsSince(begin);
  const auto sizes = firstSizes(inputs.values);
  const double products = runProducts(model, inputs);
  if (products < kShort) return scale;
  chooseThreads(products);
  const auto target = OutputTarget::parse(options.output_target);
  const auto carries = parseCarries(options.carry);
  Runner runner(model, std::move(inputs),
                RunnerOptions{options.stream, target.module_name, target.element, carries, options.seed});
  Prober prober(model, runner);
  std::vector<TimedSize> timed;
  // In a stream, where the first dimension is time, the samples come next.
  for (const int64_t dim : options.stream ? std::vector<int64_t>{1, 0} : std::vector<int64_t>{0, 1}) {
    if (dim >= std::ssize(sizes) || sizes[static_cast<size_t>(dim)] < 2 * kFirst) continue;
    timed = prober.along(dim, sizes[static_cast<size_t>(dim)]);
    if (!timed.empty()) break;
  }
  if (timed.empty()) return scale;
  scale.run_seconds = timed.back().seconds * timed.back().cut.times();
  const double each = seconds / runsOfPlan(model);
  if (scale.run_seconds <= each) return scale;
  auto chosen = timed.front();
  for (const auto& one : timed) {
    if (one.seconds <= each) chosen = one;
  }
  scale.cut = chosen.cut;
  scale.cut_seconds = chosen.seconds;
  return scale;
}

}  // namespace heft
