#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "analysis/bootstrap.hpp"
#include "analysis/curve_area.hpp"
#include "analysis/paired_test.hpp"
#include "analysis/rank_biased_overlap.hpp"
#include "analysis/rank_statistics.hpp"

// Every statistic against SciPy, numpy or brute force: tests/data/statistics/make_statistics.py.

namespace heft {
namespace {

using Json = nlohmann::json;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kResamples = 400;

double number(const Json& json) {
  if (json.is_null()) return kNaN;
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

std::vector<double> list(const Json& json) {
  std::vector<double> values;
  std::transform(json.begin(), json.end(), std::back_inserter(values), number);
  return values;
}

struct Table {
  Json expected;
  std::string name;
  std::vector<double> a, b;            // as they are
  std::vector<double> kept_a, kept_b;  // pairs without NaN
};

const std::vector<Table>& tables() {
  static const std::vector<Table> all = [] {
    std::vector<Table> read;
    std::ifstream file(HEFT_TEST_DATA "/statistics/statistics.json");
    for (const Json& json : Json::parse(file)) {
      Table table{json, json["name"], list(json["a"]), list(json["b"]), {}, {}};
      for (std::size_t i = 0; i < table.a.size(); ++i) {
        if (std::isnan(table.a[i]) || std::isnan(table.b[i])) continue;
        table.kept_a.push_back(table.a[i]);
        table.kept_b.push_back(table.b[i]);
      }
      read.push_back(std::move(table));
    }
    return read;
  }();
  return all;
}

/// Both NaN, both the same infinity, or the same to 12 digits.
void expectNear(double found, double expected, const std::string& where) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(found)) << where << ", found " << found;
  } else if (std::isinf(expected)) {
    EXPECT_EQ(found, expected) << where;
  } else {
    EXPECT_NEAR(found, expected, 1e-12 * std::max(1.0, std::abs(expected))) << where;
  }
}

SampleStatistic meanOf(const std::vector<double>& values) {
  return [&values](std::span<const std::size_t> samples) {
    double sum = 0;
    for (const std::size_t sample : samples) sum += values[sample];
    return sum / static_cast<double>(samples.size());
  };
}

TEST(Statistics, ThereAreTablesOfManyKindsAndSizes) {
  ASSERT_GT(tables().size(), 30U);
  const auto size = [](const Table& table) { return table.a.size(); };
  EXPECT_EQ(std::ranges::min(tables(), {}, size).a.size(), 2U);
  EXPECT_EQ(std::ranges::max(tables(), {}, size).a.size(), 5000U);
}

TEST(Statistics, RankCorrelationsAreSciPys) {
  for (const Table& table : tables()) {
    const auto rho = spearman(table.a, table.b), tau = kendallTauB(table.a, table.b);
    expectNear(rho.value_or(kNaN), number(table.expected.value("spearman", Json())), "Spearman, " + table.name);
    expectNear(tau.value_or(kNaN), number(table.expected.value("kendall_tau_b", Json())), "Kendall, " + table.name);
  }
}

TEST(Statistics, TopOverlapIsThatOfSets) {
  for (const Table& table : tables()) {
    for (const Json& one : table.expected.value("top_overlap", Json::array())) {
      expectNear(topOverlap(table.a, table.b, one["k"]).value(), number(one["value"]), table.name);
    }
  }
}

TEST(Statistics, RankBiasedOverlapIsThatOfTheDefinition) {
  for (const Table& table : tables()) {
    for (const Json& one : table.expected.value("rank_biased_overlap", Json::array())) {
      const std::string where = table.name + ", p = " + one["p"].dump() + ", tolerance " + one["tolerance"].dump();
      const auto found = rankBiasedOverlap(table.a, table.b, one["p"], one["tolerance"]).value();
      EXPECT_EQ(found.depth, one["depth"].get<std::size_t>()) << where;
      expectNear(found.value, number(one["value"]), where);
      EXPECT_LE(found.error, one["tolerance"].get<double>()) << where;
      EXPECT_LE(std::abs(found.value - number(one["whole"])), found.error + 1e-12) << where;
      const auto turned = rankBiasedOverlap(table.b, table.a, one["p"], one["tolerance"]).value();
      EXPECT_DOUBLE_EQ(turned.value, found.value) << where;
    }
  }
}

TEST(Statistics, CurveAreasAreNumpys) {
  for (const Table& table : tables()) {
    if (!table.expected.contains("areas")) continue;
    std::vector<CurvePoint> points;
    const auto last = static_cast<double>(table.kept_b.size() - 1);
    for (std::size_t i = 0; i < table.kept_b.size(); ++i)
      points.push_back({static_cast<double>(i) / last, table.kept_b[i]});
    const Json& areas = table.expected["areas"];
    expectNear(curveArea(points).value(), number(areas["linear"]), table.name);
    expectNear(curveArea(points, ShareAxis::logarithmic).value_or(kNaN), number(areas["logarithmic"]), table.name);
  }
}

TEST(Statistics, BootstrapQuantilesAreNumpysAndNearSciPys) {
  for (const Table& table : tables()) {
    if (!table.expected.contains("bootstrap")) continue;
    const Json& expected = table.expected["bootstrap"];
    const auto found = bootstrap(table.kept_b.size(), meanOf(table.kept_b), {.resamples = kResamples}).value();
    expectNear(found.value, number(expected["value"]), table.name);
    expectNear(found.lower, number(expected["lower"]), table.name);
    expectNear(found.upper, number(expected["upper"]), table.name);
    expectNear(found.standard_error, number(expected["error"]), table.name);
    if (!expected.contains("scipy")) continue;
    // An end's own error, of 400 draws at the 2.5 % quantile of a normal value, is 0.13 standard errors.
    const auto theirs = list(expected["scipy"]);
    EXPECT_NEAR(found.lower, theirs[0], 0.6 * found.standard_error) << table.name;
    EXPECT_NEAR(found.upper, theirs[1], 0.6 * found.standard_error) << table.name;
  }
}

TEST(Statistics, PairedBootstrapIsThatOfTheStream) {
  std::size_t compared = 0;
  for (const Table& table : tables()) {
    if (!table.expected.contains("paired_bootstrap")) continue;
    // Draws whose difference is 0 but for rounding fall on either side.
    if (table.expected["paired_bootstrap"]["unsure"].get<bool>()) continue;
    const auto found =
        pairedBootstrap(table.kept_a.size(), meanOf(table.kept_a), meanOf(table.kept_b), {.resamples = kResamples})
            .value();
    expectNear(found.p, number(table.expected["paired_bootstrap"]["p"]), table.name);
    expectNear(found.difference.value, number(table.expected["paired_bootstrap"]["difference"]), table.name);
    ++compared;
  }
  EXPECT_GT(compared, 15U);
}

}  // namespace
}  // namespace heft
