#include "measure/rank/ranking_executor.hpp"

#include <algorithm>

#include "engine/estimate/take_emission_adjoints.hpp"
#include "engine/execute/spread_executor.hpp"

namespace heft {

namespace {

std::unique_ptr<Executor> executorOn(Session& session, const RankSettings& settings) {
  if (settings.method == Method::reference || settings.precision == Precision::as_model)
    return makeLoopExecutor(session.runner(), session.layout());
  const auto products = settings.precision == Precision::bfloat16 ? ProductForm::rounded : ProductForm::halves;
  return makeBatchExecutor(session.runner(), session.layout(), {.products = products, .adjoints = emissionAdjoints});
}

/// Executes on a session of its own.
class ExecutorElsewhere : public Executor {
 public:
  ExecutorElsewhere(const SessionOptions& options, const RankSettings& settings)
      : session_(options), executor_(executorOn(session_, settings)) {}

  void execute(std::span<const Variant> variants, const ReceiveOutputs& receive) override {
    executor_->execute(variants, receive);
  }
  void prepare(std::span<const Variant> variants) override { executor_->prepare(variants); }
  [[nodiscard]] std::vector<std::string> notes() const override { return executor_->notes(); }

 private:
  Session session_;
  std::unique_ptr<Executor> executor_;
};

}  // namespace

std::unique_ptr<Executor> rankingExecutor(Session& session, const RankSettings& settings) {
  const auto& devices = session.options().devices;
  if (devices.size() == 1) return executorOn(session, settings);
  std::vector<std::unique_ptr<Executor>> all;
  all.push_back(executorOn(session, settings));
  for (std::size_t other = 1; other < devices.size(); ++other) {
    auto options = session.options();
    options.devices = {devices[other]};
    all.push_back(std::make_unique<ExecutorElsewhere>(options, settings));
  }
  return makeSpreadExecutor(std::move(all), blockOf(session), session.options().device());
}

std::vector<std::uint64_t> executorProbes(const Measurer& measurer, const SelectedWeights& selected) {
  constexpr std::size_t kEach = 16;
  std::vector<std::uint64_t> probes;
  for (std::size_t p = 0; p < selected.places().size(); ++p) {
    const auto& places = selected.places()[p];
    const auto count = std::min(kEach, places.size());
    for (std::size_t i = 0; i < count; ++i)
      probes.push_back(measurer.flatWeights().flat(static_cast<std::int64_t>(p), places[i * places.size() / count]));
  }
  return probes;
}

}  // namespace heft
