#include "measure/session/first_run.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "data/setting_name.hpp"
#include "data/words.hpp"
#include "heft/error.hpp"
#include "measure/session/run_time.hpp"

namespace heft {
namespace {

/// Outputs of a model that is run twice differ by no more, relative or in units of the output.
constexpr double kRelative = 1e-7, kAbsolute = 1e-12;

bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && at::allclose(a, b, kRelative, kAbsolute, /*equal_nan=*/true);
}

/// The inputs with another first step; nothing where all steps are the same.
std::optional<std::vector<c10::IValue>> otherFirstStep(const Runner& runner) {
  auto values = runner.inputs().values;
  auto sequence = values[0].toTensor().clone();
  auto first = sequence[0];
  if (at::isFloatingType(sequence.scalar_type())) {
    first.mul_(-0.5).add_(0.25);
  } else {
    int64_t other = 1;
    while (other < sequence.size(0) && at::equal(sequence[other], first)) ++other;
    if (other == sequence.size(0)) return std::nullopt;
    first.copy_(sequence[other].clone());
  }
  values[0] = sequence;
  return values;
}

/// True when something goes on from call to call: the module changes, or an output depends on an earlier step.
bool remembers(Runner& runner, const std::vector<NamedOutput>& first) {
  if (runner.changedState()) return true;
  const auto values = otherFirstStep(runner);
  if (!values) return true;  // nobody can tell
  try {
    PlainHandler plain(runner.model());
    const auto after = runner.run(plain, *values);
    for (size_t i = 0; i < first.size(); ++i) {
      if (after.size() != first.size() || !same(first[i].value.slice(0, 1), after[i].value.slice(0, 1))) return true;
    }
  } catch (const Error&) {
    return true;
  }
  return false;
}

}  // namespace

double repeatRun(Runner& runner, const std::vector<NamedOutput>& first) {
  const at::NoGradGuard no_grad;
  PlainHandler plain(runner.model());
  std::vector<NamedOutput> second;
  const auto seconds = leastSecondsOfRun([&] { return second = runner.run(plain); });
  bool equal = first.size() == second.size();
  for (size_t i = 0; equal && i < first.size(); ++i) equal = same(first[i].value, second[i].value);
  if (equal) return seconds;
  throw Error(
      Fault::unsupported,
      "two runs of the unchanged model differ, so forward is random in a way that can't be held (the same random "
      "numbers were given to both); impacts can't be told from chance: take what differs out, or score a part before "
      "it with " +
          settingName("output-target") + " module:NAME");
}

bool storedInFloat(const Model& model) {
  return std::any_of(model.parameters.begin(), model.parameters.end(),
                     [](const Parameter& one) { return one.stored == at::kFloat || one.stored == at::kDouble; });
}

std::string noteRounding(const std::vector<NamedOutput>& exact, const std::vector<NamedOutput>& own) {
  double squares = 0, all = 0, count = 0;
  for (size_t i = 0; i < exact.size() && exact.size() == own.size(); ++i) {
    const auto value = exact[i].value.to(at::kDouble);
    squares += (own[i].value.to(at::kDouble) - value).square().sum().item<double>();
    all += value.square().sum().item<double>();
    count += static_cast<double>(value.numel());
  }
  const auto rms = [&](double sum) { return std::sqrt(sum / std::max(count, 1.0)); };
  std::ostringstream text;
  text.precision(2);
  text << "measured in the model's own types, one weight at a time: their rounding alone moves the outputs by rms "
       << rms(squares) << " of " << rms(all) << " (beside float64), so impacts below " << rms(squares)
       << " say little of the weight";
  return text.str();
}

int64_t drawsOf(const Runner& runner, int64_t asked, uint64_t seed, std::vector<std::string>& notes) {
  if (asked < 1 || asked > 10'000)
    throw Error(Fault::usage,
                settingName("draws") + " " + std::to_string(asked) + ": a number from 1 to 10000 was expected");
  const auto names = runner.drawing();
  if (names.empty()) {
    if (asked > 1)
      notes.push_back(settingName("draws") + " " + std::to_string(asked) +
                      ": forward draws no random numbers on these inputs, so one run says what all would");
    return 1;
  }
  const auto from = "torch.manual_seed(" + std::to_string(seed) + ")";
  if (asked == 1) {
    notes.push_back("forward draws random numbers (" + names +
                    "): every run and every changed weight gets the same ones, those "
                    "after " +
                    from + "; " + settingName("draws") + " N averages over N draws, " + settingName("seed") +
                    " takes others");
  } else {
    notes.push_back("forward draws random numbers (" + names +
                    "): every changed weight gets the same ones as the unchanged "
                    "model, in " +
                    std::to_string(asked) + " draws, after " + from +
                    " and the seeds that follow; impacts are "
                    "means over draws");
  }
  return asked;
}

void checkStream(Runner& runner, const std::vector<NamedOutput>& first, const std::vector<std::string>& asked,
                 std::vector<std::string>& notes) {
  if (!runner.streams()) return;
  if (!runner.carried().empty()) {
    notes.push_back("handed on from call to call: " + runner.carried().describe() +
                    "; the first call gets the given values. What is handed on is scored where " +
                    settingName("output-target") + " names it");
    return;
  }
  const at::NoGradGuard no_grad;
  if (runner.inputs().values[0].toTensor().size(0) < 2 || remembers(runner, first)) return;
  const auto& fitting = runner.fitting();
  if (!fitting.empty() && asked.empty()) {
    throw Error(Fault::usage, settingName("stream") +
                                  ": nothing goes on from call to call, but outputs fit arguments: add " +
                                  settingName("carry") + " " + joined(fitting, " ") + " to hand them on, or " +
                                  settingName("carry") + " none where each step is to start from the given state");
  }
  notes.push_back(
      "the stream has no memory: no buffer or attribute of the model changes and no output depends on an earlier step, "
      "so "
      "every call starts from the same state. Tracing freezes a state that is no buffer written in place; script the "
      "model, "
      "or hand the state on with " +
      settingName("carry"));
}

}  // namespace heft
