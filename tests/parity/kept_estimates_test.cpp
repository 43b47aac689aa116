#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <map>

#include "heft/error.hpp"
#include "measure/estimate/response.hpp"
#include "parity/fixtures.hpp"

namespace heft::test {
namespace {

/// Keeps whatever it is given, at once.
class InMemory : public EstimateStore {
 public:
  std::optional<std::vector<at::Tensor>> adjoints(const std::string& name, std::span<const at::Tensor>,
                                                  int64_t) override {
    const auto found = adjoints_.find(name);
    if (found == adjoints_.end()) return std::nullopt;
    ++adjoints_given;
    return found->second;
  }
  void keepAdjoints(const std::string& name, std::span<const at::Tensor> all, double) override {
    for (const auto& one : all) adjoints_[name].push_back(one.defined() ? one.clone() : one);
    ++adjoints_kept;
  }
  int64_t restoreRows(size_t parameter, ResponseResult& result) override {
    const auto& kept = rows_[parameter];
    for (size_t m = 0; m < kept.impact.size(); ++m) {
      std::copy(kept.impact[m].begin(), kept.impact[m].end(), result.impact[m][parameter].begin());
      std::copy(kept.error[m].begin(), kept.error[m].end(), result.standard_error[m][parameter].begin());
    }
    rows_given += kept.rows;
    return kept.rows;
  }
  [[nodiscard]] bool due() const override { return true; }
  void keepRows(size_t parameter, int64_t rows, const ResponseResult& result) override {
    auto& kept = rows_[parameter];
    kept.rows = rows;
    kept.impact.clear();
    kept.error.clear();
    const auto columns = columnsOf(parameter);
    for (size_t m = 0; m < result.impact.size(); ++m) {
      const auto& impact = result.impact[m][parameter];
      const auto& error = result.standard_error[m][parameter];
      kept.impact.emplace_back(impact.begin(), impact.begin() + rows * columns);
      kept.error.emplace_back(error.begin(), error.begin() + rows * columns);
    }
  }

  std::function<int64_t(size_t)> columnsOf;
  int adjoints_given = 0, adjoints_kept = 0;
  int64_t rows_given = 0;

 private:
  struct Rows {
    int64_t rows = 0;
    std::vector<std::vector<double>> impact;
    std::vector<std::vector<float>> error;
  };
  std::map<std::string, std::vector<at::Tensor>> adjoints_;
  std::map<size_t, Rows> rows_;
};

/// Every bit, NaN included.
template <class Number>
bool same(const std::vector<Number>& a, const std::vector<Number>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Number)) == 0;
}

void expectSame(const ResponseResult& found, const ResponseResult& expected) {
  ASSERT_EQ(found.impact.size(), expected.impact.size());
  for (size_t m = 0; m < expected.impact.size(); ++m) {
    for (size_t p = 0; p < expected.impact[m].size(); ++p) {
      EXPECT_TRUE(same(found.impact[m][p], expected.impact[m][p])) << m << " " << p;
      EXPECT_TRUE(same(found.standard_error[m][p], expected.standard_error[m][p])) << m << " " << p;
    }
  }
}

double toZero(int64_t, int64_t, double) { return 0; }

/// Stopped once the stage has come to that share, and begun again, until it ends.
ResponseResult inParts(Session& session, ResponseOptions options, InMemory& store, const std::string& stop_in,
                       const std::vector<double>& shares) {
  options.store = &store;
  for (const double share : shares) {
    const auto stop = [&](const std::string& stage, double done) {
      if (stage == stop_in && done >= share) throw Error(Fault::interrupted, "stopped");
    };
    EXPECT_THROW(estimateAll(session, toZero, options, stop), Error);
  }
  return estimateAll(session, toZero, options, [](const std::string&, double) {});
}

class KeptEstimates : public testing::TestWithParam<std::string> {};

TEST_P(KeptEstimates, GoOnAfterAStopWithTheSameBits) {
  for (const std::string stage : {"adjoints", "response"}) {
    Session session(fixture(GetParam()).options());
    ResponseOptions options;
    options.metrics = {Metric::rms, Metric::max};
    const auto whole = estimateAll(session, toZero, options, [](const std::string&, double) {});
    InMemory store;
    store.columnsOf = [&](size_t p) { return session.structure().parameters[p].columns(); };
    expectSame(inParts(session, options, store, stage, {0.01, 0.4, 0.7}), whole);
    // What was kept was not taken again.
    EXPECT_GT(store.adjoints_kept, 0);
    EXPECT_GT(store.adjoints_given, 0) << stage;
    if (stage == "response") {
      EXPECT_GT(store.rows_given, 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, KeptEstimates,
                         testing::Values("lstm_2_layers_batch_first", "seeded_gru", "rnn_relu_1_layer",
                                         "embedding_lstm", "hand_lstm_linear", "seeded_conv_norm",
                                         "attention_over_time"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace heft::test
