#include "measure/ranking_executor.hpp"

#include <algorithm>

namespace heft {

std::unique_ptr<Executor> rankingExecutor(Session& session, const RankSettings& settings) {
  if (settings.method == Method::reference) return makeLoopExecutor(session.runner(), session.layout());
  const auto products = settings.precision == Precision::bfloat16 ? ProductForm::rounded : ProductForm::halves;
  return makeBatchExecutor(session.runner(), session.layout(), {.products = products});
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
