#pragma once

#include <optional>

#include "analysis/bootstrap.hpp"

namespace heft {

/// Is one criterion better than another on the same inputs, or do they differ by chance? The test is two-sided and adds 1 to
/// the count and to the draws, so that a p-value is never 0 (Phipson, Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).
struct PairedBootstrap {
  BootstrapInterval difference;  ///< first minus second
  double p = 1;
};

/// Both statistics on the same resamples of inputs. p = min(1, 2 (1 + min(draws with difference <= 0, draws with
/// difference >= 0)) / (1 + draws)): the confidence at which the percentile interval just reaches 0 (Efron, Tibshirani 1993,
/// section 15.4, Davison, Hinkley 1997, section 4.4). No value where `bootstrap` gives none.
[[nodiscard]] std::optional<PairedBootstrap> pairedBootstrap(std::size_t samples, const SampleStatistic& first,
                                                             const SampleStatistic& second,
                                                             const BootstrapOptions& options = {});

}  // namespace heft
