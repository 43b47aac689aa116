#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "measure/estimate/response.hpp"
#include "parity/fixtures.hpp"

namespace heft::test {
namespace {

const StageProgress kSilent = [](const std::string&, double) {};

/// Every way to take outputs, and to work rows of weights out from them.
std::vector<ResponseOptions> everyWay() {
  ResponseOptions exact, fallback, linear, probes, kl;
  fallback.metrics = {Metric::rms, Metric::max};
  linear.own = false;
  probes.exact_elements = 0;
  probes.exact_flop = 0;
  probes.probe_flop = 0;
  probes.probes = 70;
  probes.rounded_probes = false;  // in other places on a device, so it would be another estimate
  kl = probes;
  kl.probes = 9;
  kl.metrics = {Metric::kl, Metric::rms};
  return {exact, fallback, linear, probes, kl};
}

class DeviceCode : public testing::TestWithParam<Fixture> {};

/// What devices run, on the device that tests run on or else on the host: its values and their errors are those of the host's own
/// way, to rounding.
TEST_P(DeviceCode, GivesTheHostsResponses) {
  auto on_host = GetParam().options();
  on_host.devices = {c10::kCPU};
  Session session(on_host), device_session(GetParam().options());
  const double scale = session.outputRms();
  const auto zero = [](int64_t, int64_t, double) { return 0.0; };
  int64_t rows = 0;
  for (auto options : everyWay()) {
    const auto host = estimateAll(session, zero, options, kSilent);
    EXPECT_EQ(host.row_weights, 0);
    options.device_code = true;
    const auto device = estimateAll(device_session, zero, options, kSilent);
    rows += device.row_weights;
    for (size_t m = 0; m < host.impact.size(); ++m) {
      // kl is of the second order of the outputs' changes.
      const double least = options.metrics[m] == Metric::kl ? 1e-12 * scale * scale : 1e-8 * scale;
      for (size_t p = 0; p < host.impact[m].size(); ++p) {
        // Sums over steps that nearly cancel keep what float32 loses of their terms.
        double squares = 0;
        for (const double one : host.impact[m][p]) squares += one * one;
        const double lost = least + 1e-5 * std::sqrt(squares / static_cast<double>(host.impact[m][p].size()));
        const auto& name = session.structure().parameters[p].name;
        for (size_t i = 0; i < host.impact[m][p].size(); ++i) {
          const double want = host.impact[m][p][i];
          ASSERT_NEAR(device.impact[m][p][i], want, 2e-5 * want + lost) << m << " " << name << " " << i;
          const auto error = host.standard_error[m][p][i];
          const auto found = device.standard_error[m][p][i];
          ASSERT_EQ(std::isnan(found), std::isnan(error)) << m << " " << name << " " << i;
          if (std::isnan(error)) continue;
          ASSERT_NEAR(found, error, 1e-4 * want + lost) << m << " " << name << " " << i;
        }
      }
    }
  }
  EXPECT_EQ(rows > 0, !GetParam().has("relu"));
}

INSTANTIATE_TEST_SUITE_P(
    Cells, DeviceCode,
    testing::Values(fixture("lstm_2_layers_batch_first"), fixture("lstm_3_layers_bidirectional"), fixture("lstm_proj"),
                    fixture("lstm_head_on_c_n"), fixture("lstm_returns_all"), fixture("gru_2_layers_bidirectional"),
                    fixture("gru_no_bias"), fixture("gru_returns_all"), fixture("rnn_tanh_2_layers_bidirectional"),
                    fixture("rnn_relu_1_layer"), fixture("packed_lstm_bidirectional"), fixture("packed_lstm_proj"),
                    fixture("packed_gru_sorted"), fixture("packed_rnn_tanh"), fixture("trained_lstm"),
                    fixture("trained_gru"), fixture("tied_recurrent"), fixture("embedding_lstm"),
                    fixture("blocks_called_twice"), fixture("batch_mean_subtracted"), fixture("cell_gru"),
                    fixture("cell_lstm_stacked"), fixture("stream_policy_lstm"), fixture("seeded_front_packed"),
                    fixture("seeded_front_linear_lstm")),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace heft::test
