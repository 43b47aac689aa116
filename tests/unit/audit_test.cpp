#include "analysis/audit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "analysis/random.hpp"

namespace heft {
namespace {

// For j = 0 the supremum is at t = log(1 + 1 / E).
TEST(Audit, EvidenceForNoneMissingHasAClosedForm) {
  for (const double alpha : {0.2, 0.05, 0.025, 0.001}) {
    const double e = evidenceFor(0, alpha);
    EXPECT_NEAR(std::pow(e / (1 + e), e) / (1 + e) / alpha, 1, 1e-6) << alpha;
  }
}

TEST(Audit, EvidenceKeepsTheErrorOfTheFormulaForMoreMembers) {
  for (const std::size_t j : {1U, 2U, 5U}) {
    const double e = evidenceFor(j, 0.05);
    double worst = 0;
    for (int step = 1; step < 40'000; ++step) {
      const double t = 1e-3 * step;
      double term = std::exp(-t), at_most = 0;
      for (std::size_t i = 0; i <= j; ++i) {
        at_most += term;
        term *= t / static_cast<double>(i + 1);
      }
      worst = std::max(worst, std::exp(-e * t) * (1 - at_most));
    }
    EXPECT_NEAR(worst, 0.05, 1e-5) << j;
  }
}

TEST(Audit, MoreMembersOrMoreErrorNeedLessEvidence) {
  EXPECT_GT(evidenceFor(0, 0.05), evidenceFor(1, 0.05));
  EXPECT_GT(evidenceFor(1, 0.05), evidenceFor(50, 0.05));
  EXPECT_GT(evidenceFor(0, 0.01), evidenceFor(0, 0.05));
}

TEST(Audit, TheBoundIsTheSmallestThatTheEvidenceGives) {
  for (const std::size_t j : {0U, 1U, 7U, 200U}) {
    EXPECT_EQ(missedAtMost(evidenceFor(j, 0.05), 0.05, 1000), j);
    EXPECT_GT(missedAtMost(0.99 * evidenceFor(j, 0.05), 0.05, 1000), j);
  }
  EXPECT_EQ(missedAtMost(0, 0.05, 20), 20U);
  EXPECT_EQ(missedAtMost(INFINITY, 0.05, 20), 0U);
}

TEST(Audit, ADesignHasTheEvidenceAskedForAndNotMuchMore) {
  std::vector<double> h;
  Random random(1, "test");
  for (int i = 0; i < 5000; ++i) h.push_back(steep(random.uniform()));
  for (const double evidence : {0.5, 3.0, 14.0}) {
    const AuditDesign design = designAudit(h, evidence, 5000);
    double caught = 0, left = 0, draws = 0;
    for (const double x : h) {
      const double pi = std::min(1.0, design.scale * x);
      caught += x * pi;
      left += x * (1 - pi);
      draws += pi;
    }
    EXPECT_NEAR(caught / left, design.evidence, 1e-9 * design.evidence);
    EXPECT_NEAR(draws, design.draws, 1e-9 * draws);
    EXPECT_GE(design.evidence, evidence);
    EXPECT_LT(design.evidence, 1.02 * evidence);
  }
}

TEST(Audit, ADesignKeepsToItsLimit) {
  const std::vector<double> h(1000, 1.0);
  const AuditDesign design = designAudit(h, 14, 100);
  EXPECT_LE(design.draws, 100);
  EXPECT_GT(design.draws, 99);
  EXPECT_NEAR(design.evidence, 0.1 / 0.9, 0.002);
  EXPECT_EQ(designAudit(h, 14, 0).evidence, 0);
}

TEST(Audit, WhereNothingCanReachTheThresholdNothingIsDrawn) {
  const AuditDesign design = designAudit(std::vector<double>(10, 0.0), 14, 100);
  EXPECT_EQ(design.draws, 0);
  EXPECT_TRUE(std::isinf(design.evidence));
  EXPECT_EQ(designAudit({}, 14, 100).draws, 0);
}

// The promise itself, at its assumption's edge (phi constant) and at the mean that is worst for it.
TEST(Audit, TheErrorIsTheOnePromisedAtTheEdgeOfTheAssumption) {
  std::vector<double> h;
  Random random(2, "test");
  double total = 0;
  for (int i = 0; i < 3000; ++i) {
    h.push_back(steep(std::pow(random.uniform(), 0.5)));
    total += h.back();
  }
  constexpr int repeats = 20'000;
  for (const std::size_t j : {0U, 1U}) {
    const AuditDesign design = designAudit(h, evidenceFor(j, 0.05), 3000);
    double worst = 0;
    for (const double left : {0.03, 0.13, 0.6, 1.0, 2.0}) {
      // Members are rare: first their number, then their places by h.
      int errors = 0;
      const double mean = left * (1 + design.evidence);
      std::vector<double> sums;
      double sum = 0;
      for (const double x : h) sums.push_back(sum += x);
      for (int r = 0; r < repeats; ++r) {
        int members = 0;
        double product = random.uniform();
        while (product > std::exp(-mean)) {
          product *= random.uniform();
          ++members;
        }
        bool found = false;
        for (int i = 0; i < members; ++i) {
          const auto place = std::lower_bound(sums.begin(), sums.end(), random.uniform() * total) - sums.begin();
          found = found || random.uniform() < design.scale * h[static_cast<std::size_t>(place)];
        }
        if (!found && members > static_cast<int>(j)) ++errors;
      }
      worst = std::max(worst, static_cast<double>(errors) / repeats);
    }
    EXPECT_LT(worst, 0.05 + 4 * std::sqrt(0.05 / repeats)) << j;
    EXPECT_GT(worst, 0.04) << j << ": the audit draws more than it needs";
  }
}

}  // namespace
}  // namespace heft
