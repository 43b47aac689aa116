#pragma once

#include <optional>
#include <span>

#include "analysis/bootstrap.hpp"

namespace heft {

/// Is one criterion better than another on the same inputs, or do they differ by chance? Both tests are two-sided and add 1 to
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

struct SignFlip {
  double difference = 0;  ///< the mean over inputs of first - second
  double p = 1;
};

/// The sign-flip permutation test of Fisher and Pitman: were the criteria alike, each input's difference could as well have
/// the other sign. p = (1 + flips with |mean| >= that measured) / (1 + flips), `flips` draws of all signs, draw r from the
/// stream ("sign flip", r) of the seed; means within a relative 1e-12 of the measured one count as equal. NaN pairs are left
/// out; no value where none is left. Throws Error(Fault::internal) for lists of two lengths and for no flips.
[[nodiscard]] std::optional<SignFlip> signFlipTest(std::span<const double> first, std::span<const double> second,
                                                   std::size_t flips = 10000, std::uint64_t seed = 0);

}  // namespace heft
