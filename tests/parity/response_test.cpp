#include "measure/response.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "parity/fixtures.hpp"

namespace heft::test {
namespace {

class Response : public testing::TestWithParam<Fixture> {};

TEST_P(Response, ComesCloseToWhatPyTorchMeasures) {
  Session session(GetParam().options());
  const auto result = estimateAll(session, [](int64_t, int64_t, double) { return 0.0; }, {}, [](const std::string&, double) {});
  const double scale = session.baseline().square().mean().sqrt().item<double>();
  std::map<std::string, std::vector<double>> errors;
  for (const auto& expected : expectedImpacts(GetParam())) {
    const auto places = placesOf(expected, session.model());
    for (size_t i = 0; i < places.size(); ++i) {
      if (places[i].parameter < 0) { std::cout << GetParam().name << " MISSING " << expected.parameter << "\n"; break; }
      const auto found = result.impact[0][static_cast<size_t>(places[i].parameter)][static_cast<size_t>(places[i].flat)];
      const auto& info = session.structure().parameters[static_cast<size_t>(places[i].parameter)];
      if (expected.impact[i] > 1e-6 * scale) errors[info.method].push_back(std::abs(found / expected.impact[i] - 1));
      else EXPECT_LE(found, 2e-6 * scale) << expected.parameter << " " << places[i].flat;
    }
  }
  for (auto& [method, e] : errors) {
    std::sort(e.begin(), e.end());
    std::cout << GetParam().name << "  " << method << " n " << e.size() << " median " << e[e.size() / 2] << " max " << e.back() << " probes " << result.probes << "\n";
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Response, testing::ValuesIn(rankedFixtures()), [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace heft::test
