#include "measure/metrics/metrics.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <vector>

#include "file_helpers.hpp"

namespace heft {
namespace {

using test::errorOf;
using Values = std::vector<double>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::Tensor table(const Values& values, at::IntArrayRef shape) { return at::tensor(values, at::kDouble).reshape(shape); }

at::Tensor classNumbers(const std::vector<std::int64_t>& values, at::IntArrayRef shape) {
  return at::tensor(values, at::kLong).reshape(shape);
}

/// Outputs [samples, groups, classes] whose dimensions are known.
OutputLayout layoutOf(std::int64_t samples, std::int64_t elements, std::int64_t classes) {
  OutputDims dims;
  dims.samples = 0;
  dims.steps = 1;
  dims.classes = 2;
  dims.roles = {DimRole::samples, DimRole::steps, DimRole::classes};
  return {{{"", at::zeros({samples, elements / classes, classes}, at::kDouble)}}, {}, {dims}, samples};
}

Targets prepared(const at::Tensor& targets, std::int64_t samples, std::int64_t elements, std::int64_t classes) {
  return prepareTargets(targets, layoutOf(samples, elements, classes));
}

Values valuesOf(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

/// KL(softmax(y) || softmax(y')) in extended precision: the textbook form, or, where its noise would show,
/// the cumulants of the differences, log E exp(e) = k2/2 + k3/6 + k4/24 + ...
long double divergence(const Values& y, const Values& y_changed) {
  long double norm = 0, mean = 0, moment2 = 0, moment3 = 0, moment4 = 0, grown = 0, largest = 0;
  for (const double score : y) norm += std::exp(static_cast<long double>(score));
  const auto p = [&](std::size_t c) { return std::exp(static_cast<long double>(y[c])) / norm; };
  const auto d = [&](std::size_t c) { return static_cast<long double>(y_changed[c]) - y[c]; };
  for (std::size_t c = 0; c < y.size(); ++c) mean += p(c) * d(c);
  for (std::size_t c = 0; c < y.size(); ++c) {
    const long double e = d(c) - mean;
    largest = std::max(largest, std::abs(e));
    moment2 += p(c) * e * e;
    moment3 += p(c) * e * e * e;
    moment4 += p(c) * e * e * e * e;
    grown += p(c) * std::exp(e);
  }
  if (largest > 1e-3L) return std::log(grown);
  return moment2 / 2 + moment3 / 6 + (moment4 - 3 * moment2 * moment2) / 24;
}

TEST(Metrics, RmsAndMaxAreOverAllElements) {
  const OutputMetrics metrics(table({1, 2, 3, 4}, {2, 2}), 2);
  const at::Tensor outputs = table({1, 2, 3, 4, 1, 5, 3, 0}, {2, 2, 2});
  const auto rms = metrics.measure(Metric::rms, outputs);
  EXPECT_EQ(valuesOf(rms.value), (Values{0, 2.5}));  // sqrt((9 + 16) / 4)
  EXPECT_EQ(valuesOf(rms.sample), (Values{0, 0, 4.5, 8}));
  const auto max = metrics.measure(Metric::max, outputs);
  EXPECT_EQ(valuesOf(max.value), (Values{0, 4}));
  EXPECT_EQ(valuesOf(max.sample), (Values{0, 0, 3, 4}));
}

TEST(Metrics, KlOfTwoClassesHasItsClosedForm) {
  // p = (1/2, 1/2), q = (3/4, 1/4): KL = log(2/3)/2 + log(2)/2
  const OutputMetrics metrics(table({5, 5}, {1, 2}), 2);
  const auto kl = metrics.measure(Metric::kl, table({std::log(3.0), 0}, {1, 1, 2}));
  EXPECT_NEAR(kl.value.item<double>(), (std::log(2.0 / 3) + std::log(2.0)) / 2, 1e-15);
}

TEST(Metrics, KlKeepsItsRelativeAccuracyForDifferencesOfAnySize) {
  const Values y{0.3, -1.2, 2.5, 0.01, -7};
  const Values direction{0.7, -1, 0.4, 0.9, 0.2};
  const OutputMetrics metrics(table(y, {1, 5}), 5);
  for (const double size : {1e-14, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6, 1e-4, 9e-4, 2e-3, 0.1, 1.0, 3.0, 30.0}) {
    Values changed = y;
    for (std::size_t c = 0; c < y.size(); ++c) changed[c] += size * direction[c];
    const auto expected = static_cast<double>(divergence(y, changed));
    const double kl = metrics.measure(Metric::kl, table(changed, {1, 1, 5})).value.item<double>();
    // Between 1e-4 and 1e-3 the reference leaves out the fifth cumulant.
    EXPECT_NEAR(kl / expected, 1, size > 1e-5 && size < 1e-3 ? 1e-9 : 1e-12) << "at " << size;
  }
}

TEST(Metrics, KlIsNeverNegativeAndBlindToAShiftOfAllScores) {
  at::Tensor y = at::empty({4, 30}, at::kDouble);
  at::Tensor d = at::empty({50, 4, 30}, at::kDouble);
  for (std::int64_t i = 0; i < y.numel(); ++i) y.view(-1)[i] = 5 * std::sin(37.0 * static_cast<double>(i));
  double* tiny = d.data_ptr<double>();
  for (std::int64_t i = 0; i < d.numel(); ++i)
    tiny[i] = std::sin(91.0 * static_cast<double>(i)) * std::pow(10.0, -static_cast<double>(i % 17));
  const OutputMetrics metrics(y, 10);
  EXPECT_GE(metrics.measure(Metric::kl, y + d).sample.min().item<double>(), 0);
  EXPECT_GE(metrics.measure(Metric::kl, y + 1e-9 * d).sample.min().item<double>(), 0);
  // 0.5 changes no bit of scores that are multiples of 1/8.
  const at::Tensor coarse = (8 * y).round() / 8;
  EXPECT_LT(OutputMetrics(coarse, 10).measure(Metric::kl, (coarse + 0.5).unsqueeze(0)).value.item<double>(), 1e-31);
}

TEST(Metrics, KlHoldsWhereProbabilitiesUnderflow) {
  const OutputMetrics metrics(table({0, -800}, {1, 2}), 2);
  const auto kl = [&](double first, double second) {
    return metrics.measure(Metric::kl, table({first, second}, {1, 1, 2})).value.item<double>();
  };
  EXPECT_NEAR(kl(0, -10) / std::log1p(std::exp(-10.0)), 1, 1e-12);
  EXPECT_NEAR(kl(0, 0), std::log(2.0), 1e-12);
  EXPECT_NEAR(kl(0, 1000), 1000, 1e-9);
  EXPECT_NEAR(kl(-2000, 3000), 5000, 1e-9);
}

TEST(Metrics, KlIsTheMeanOverGroupsAndSamples) {
  const Values first{0, 1, 2}, second{1, 0, -1}, changed_first{0.5, 1, 1}, changed_second{1, 3, -1};
  const OutputMetrics metrics(table({0, 1, 2, 1, 0, -1, 0, 1, 2, 1, 0, -1}, {2, 6}), 3);
  const auto kl = metrics.measure(Metric::kl, table({0.5, 1, 1, 1, 3, -1, 0, 1, 2, 1, 3, -1}, {1, 2, 6}));
  const auto a = static_cast<double>(divergence(first, changed_first));
  const auto b = static_cast<double>(divergence(second, changed_second));
  EXPECT_NEAR(kl.sample[0][0].item<double>(), (a + b) / 2, 1e-14);
  EXPECT_NEAR(kl.sample[0][1].item<double>(), b / 2, 1e-14);
  EXPECT_NEAR(kl.value.item<double>(), (a + 2 * b) / 4, 1e-14);
}

TEST(Metrics, LossOfClassesIsTheChangeOfCrossEntropy) {
  const at::Tensor y = table({0, 1, 2, 1, 0, -1}, {2, 3});
  const at::Tensor changed = table({0.5, 1, 1, 1, 3, -1}, {1, 2, 3});
  const OutputMetrics metrics(y, 3, prepared(classNumbers({2, 1}, {2}), 2, 3, 3));
  const auto entropy = [](const Values& scores, std::size_t of) {
    double norm = 0;
    for (const double score : scores) norm += std::exp(score);
    return std::log(norm) - scores[of];
  };
  const double first = entropy({0.5, 1, 1}, 2) - entropy({0, 1, 2}, 2);   // does worse
  const double second = entropy({1, 3, -1}, 1) - entropy({1, 0, -1}, 1);  // does better, by more
  ASSERT_GT(first, 0);
  ASSERT_LT(first + second, 0);
  const auto loss = metrics.measure(Metric::loss, changed);
  EXPECT_NEAR(loss.sample[0][0].item<double>(), first, 1e-14);
  EXPECT_NEAR(loss.sample[0][1].item<double>(), second, 1e-14);
  EXPECT_NEAR(signedLoss(loss.sample).item<double>(), (first + second) / 2, 1e-14);
  EXPECT_NEAR(loss.value.item<double>(), -(first + second) / 2, 1e-14);
}

TEST(Metrics, ATinyChangeOfTheLossIsAsExactAsItsDifferences) {
  // d loss / d y = p - onehot; the scores are such that y + d is exact.
  const double d = 0x1p-40;
  const OutputMetrics classes(table({0, 0}, {1, 2}), 2, prepared(classNumbers({0}, {1}), 1, 2, 2));
  EXPECT_NEAR(signedLoss(classes.measure(Metric::loss, table({0, d}, {1, 1, 2})).sample).item<double>() / (d / 2), 1,
              1e-11);
  const OutputMetrics values(table({1}, {1, 1}), 1, prepared(table({3}, {1}), 1, 1, 1));
  EXPECT_NEAR(
      signedLoss(values.measure(Metric::loss, table({1 + d}, {1, 1, 1})).sample).item<double>() / (-4 * d + d * d), 1,
      1e-15);
}

TEST(Metrics, LossOfValuesIsTheChangeOfTheMeanSquaredError) {
  const OutputMetrics metrics(table({1, 2, 3, 4}, {2, 2}), 1, prepared(table({0, 2, 5, 4}, {2, 2}), 2, 2, 1));
  const auto loss = metrics.measure(Metric::loss, table({2, 2, 3, 4, 1, 2, 5, 4}, {2, 2, 2}));
  EXPECT_EQ(valuesOf(loss.sample), (Values{1.5, 0, 0, -2}));
  EXPECT_EQ(valuesOf(loss.value), (Values{0.75, 1}));
  EXPECT_EQ(valuesOf(signedLoss(loss.sample)), (Values{0.75, -1}));
}

TEST(Metrics, FlipsAreTheShareOfChangedWinners) {
  const OutputMetrics metrics(table({0, 1, 5, 2, 0, 1, 5, 2}, {2, 4}), 2);
  const auto flips = metrics.measure(Metric::flips, table({0, 1, 5, 2, 0, 1, 5, 2, 3, 1, 5, 2, 9, 8, 1, 2}, {2, 2, 4}));
  EXPECT_EQ(valuesOf(flips.value), (Values{0, 0.75}));
  EXPECT_EQ(valuesOf(flips.sample), (Values{0, 0, 0.5, 1}));
}

TEST(Metrics, CosineIsTheMeanDistanceOfTheGroupsDirections) {
  const OutputMetrics metrics(table({1, 0, 3, 4}, {1, 4}), 2);
  const auto cosine =
      metrics.measure(Metric::cosine, table({5, 0, 6, 8, 0, 2, 3, 4, -1, 0, 3, 4, 1, 1, 4, 3, 0, 0, 3, 4}, {5, 1, 4}));
  const auto values = valuesOf(cosine.value);
  EXPECT_EQ(values[0], 0) << "lengths don't count";
  EXPECT_NEAR(values[1], 0.5, 1e-15) << "a right angle and none";
  EXPECT_NEAR(values[2], 1, 1e-15) << "turned round, and not";
  EXPECT_NEAR(values[3], ((1 - std::sqrt(0.5)) + (1 - 24.0 / 25)) / 2, 1e-15);
  EXPECT_NEAR(values[4], 0.5, 1e-15) << "nothing is left of the first";
}

TEST(Metrics, ATinyTurnIsAsExactAsItsDifferences) {
  // 1 - cos of an angle t is t^2 / 2, where 1 - 1 would be all that the textbook's form leaves.
  const double t = 0x1p-40;
  const OutputMetrics metrics(table({1, 0}, {1, 2}), 2);
  const auto turned = metrics.measure(Metric::cosine, table({1, t, 1 + t, 0}, {2, 1, 2}));
  EXPECT_NEAR(turned.value[0].item<double>() / (t * t / 2), 1, 1e-12);
  EXPECT_EQ(turned.value[1].item<double>(), 0);
}

TEST(Metrics, EqualInfinitiesAreNoDifferenceAndNewOnesAreNotHidden) {
  const OutputMetrics metrics(table({1, -kInfinity, 2}, {1, 3}), 3);
  const at::Tensor outputs = table({1, -kInfinity, 3}, {1, 1, 3});
  EXPECT_NEAR(metrics.measure(Metric::rms, outputs).value.item<double>(), std::sqrt(1.0 / 3), 1e-15);
  EXPECT_NEAR(metrics.measure(Metric::kl, outputs).value.item<double>(),
              static_cast<double>(divergence({1, 2}, {1, 3})), 1e-14);
  EXPECT_NEAR(metrics.measure(Metric::cosine, outputs).value.item<double>(), 1 - 7 / std::sqrt(50), 1e-14);
  EXPECT_FALSE(std::isfinite(metrics.measure(Metric::cosine, table({1, 0, 2}, {1, 1, 3})).value.item<double>()));
  EXPECT_FALSE(std::isfinite(metrics.measure(Metric::rms, table({1, 0, 2}, {1, 1, 3})).value.item<double>()));
  EXPECT_FALSE(
      std::isfinite(metrics.measure(Metric::kl, table({1, -kInfinity, std::nan("")}, {1, 1, 3})).value.item<double>()));
}

TEST(Metrics, AVariantsImpactDoesNotDependOnWhatIsMeasuredWithIt) {
  // Long enough for ATen to split a single sum over threads.
  const std::int64_t elements = 120000;
  const at::Tensor y = at::arange(elements, at::kDouble).sin_().unsqueeze(0);
  const at::Tensor outputs = at::stack({y + 0.1 * (3 * y).cos(), y * 1.01, y + 1e-9 * (5 * y).sin()});
  const OutputMetrics metrics(y, elements, prepared(classNumbers({7}, {1}), 1, elements, elements));
  for (const Metric metric : {Metric::rms, Metric::max, Metric::kl, Metric::loss, Metric::flips, Metric::cosine}) {
    const Values together = valuesOf(metrics.measure(metric, outputs).value);
    for (std::int64_t v = 0; v < 3; ++v) {
      const double alone = metrics.measure(metric, outputs.narrow(0, v, 1)).value.item<double>();
      EXPECT_EQ(alone, together[static_cast<std::size_t>(v)]) << name(metric);
    }
  }
}

TEST(Metrics, StandardErrorsAreThoseOfMeansAndOfTheirRoot) {
  const at::Tensor sample = table({1, 2, 3, 6, 4, 4, 4, 4, 0, 0, 0, 0}, {3, 4});
  // Squared deviations from 3: 4 + 1 + 0 + 9 = 14.
  const double error = std::sqrt(14.0 / 3 / 4);
  EXPECT_NEAR(standardError(Metric::kl, sample)[0].item<double>(), error, 1e-15);
  EXPECT_NEAR(standardError(Metric::loss, sample)[0].item<double>(), error, 1e-15);
  EXPECT_NEAR(standardError(Metric::rms, sample)[0].item<double>(), error / (2 * std::sqrt(3.0)), 1e-15);
  EXPECT_EQ(valuesOf(standardError(Metric::rms, sample).narrow(0, 1, 2)), (Values{0, 0}));
  EXPECT_TRUE(standardError(Metric::max, sample).isnan().all().item<bool>());
  EXPECT_TRUE(standardError(Metric::rms, sample.narrow(1, 0, 1)).isnan().all().item<bool>());
}

TEST(Metrics, AMetricWithoutMeaningIsRefused) {
  const OutputMetrics regression(table({1, 2}, {2, 1}), 1);
  const at::Tensor outputs = table({1, 2}, {1, 2, 1});
  for (const Metric metric : {Metric::kl, Metric::flips, Metric::cosine}) {
    const std::string text = errorOf([&] { (void)regression.measure(metric, outputs); }, Fault::usage);
    EXPECT_NE(text.find("no more than one; rms, max or loss fit it"), std::string::npos) << text;
  }
  EXPECT_NE(errorOf([&] { regression.require(Metric::loss); }, Fault::usage).find("targets FILE brings them"),
            std::string::npos);
  EXPECT_NO_THROW(regression.require(Metric::max));
}

TEST(Targets, ClassesAreOneASampleOrOneAPosition) {
  const auto classes = [](const at::Tensor& targets) { return prepared(targets, 2, 9, 3).classes; };
  const at::Tensor expected = classNumbers({0, 1, 2, 2, 1, 0}, {2, 3});
  EXPECT_TRUE(at::equal(classes(expected), expected));
  EXPECT_TRUE(at::equal(classes(expected.reshape({6})), expected));
  EXPECT_TRUE(at::equal(classes(expected.t().contiguous()), expected)) << "samples in the second dimension";
  EXPECT_TRUE(at::equal(classes(expected.to(at::kByte)), expected));
  EXPECT_TRUE(at::equal(classes(classNumbers({1, 2}, {2})), classNumbers({1, 1, 1, 2, 2, 2}, {2, 3})));
  EXPECT_TRUE(at::equal(classes(classNumbers({1, 2}, {1, 2})), classNumbers({1, 1, 1, 2, 2, 2}, {2, 3})));
}

TEST(Targets, ValuesAreOneAnElement) {
  const at::Tensor expected = table({1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_TRUE(at::equal(prepared(expected.to(at::kFloat), 2, 3, 3).values, expected));
  EXPECT_TRUE(at::equal(prepared(expected.t(), 2, 3, 1).values, expected)) << "samples in the second dimension";
  EXPECT_TRUE(at::equal(prepared(expected.reshape({2, 1, 3}), 2, 3, 1).values, expected));
}

TEST(Targets, WhatDoesNotFitIsAnsweredWithWhatWasExpected) {
  const auto refusal = [](const at::Tensor& targets, std::int64_t elements, std::int64_t classes) {
    return errorOf([&] { (void)prepared(targets, 2, elements, classes); });
  };
  EXPECT_EQ(refusal(classNumbers({0, 0, 0}, {3}), 4, 4),
            "targets have shape [3]; one class a sample, [2], was expected");
  EXPECT_NE(refusal(classNumbers({0, 0, 0, 0}, {4}), 9, 3).find("or one a sample and step, [2, 3], was expected"),
            std::string::npos);
  EXPECT_EQ(refusal(classNumbers({0, 4}, {2}), 4, 4), "targets hold class 4; the output has 4 classes, 0 to 3");
  EXPECT_NE(
      refusal(classNumbers({0, -1}, {2}), 4, 4).find("class -1; the output has 4 classes, 0 to 3, and -100 leaves"),
      std::string::npos);
  EXPECT_NE(refusal(classNumbers({0, 1}, {2}), 1, 1).find("floating targets were expected"), std::string::npos);
  EXPECT_NE(refusal(table({1, 2, 3}, {3}), 4, 4).find("[2, 1, 4], were expected, or classes"), std::string::npos);
  EXPECT_NE(refusal(table({1, kInfinity}, {2}), 1, 1).find("hold inf"), std::string::npos);
  EXPECT_NE(refusal(at::zeros({2}, at::kComplexDouble), 1, 1).find("ComplexDouble"), std::string::npos);
}

TEST(Targets, OneHotTargetsAreClasses) {
  const at::Tensor hot = classNumbers({0, 1, 0, 0, 0, 1}, {2, 3});
  EXPECT_TRUE(at::equal(prepared(hot, 2, 3, 3).classes, classNumbers({1, 2}, {2, 1})));
  EXPECT_TRUE(at::equal(prepared(hot.t(), 2, 3, 3).classes, classNumbers({1, 2}, {2, 1})));
  EXPECT_NE(errorOf([&] { (void)prepared(hot * 2, 2, 3, 3); }).find("have shape [2, 3]"), std::string::npos);
}

TEST(Targets, WhatCanBeReadInTwoWaysIsAskedForWithBoth) {
  const at::Tensor square = classNumbers({0, 1, 2, 0}, {2, 2});
  const auto text = errorOf([&] { (void)prepared(square, 2, 6, 3); }, Fault::usage);
  EXPECT_NE(text.find("dims targets=samples,steps or dims targets=steps,samples"), std::string::npos) << text;
  const auto layout = layoutOf(2, 6, 3);
  const auto read = [&](const char* how) {
    return prepareTargets(square, layout, GivenDims::parse({std::string("targets=") + how})).classes;
  };
  EXPECT_TRUE(at::equal(read("samples,steps"), square));
  EXPECT_TRUE(at::equal(read("steps,samples"), square.t()));
  // Values in the outputs' own shape are read as those are.
  const at::Tensor values = table({1, 2, 3, 4}, {2, 2});
  EXPECT_TRUE(at::equal(prepared(values, 2, 2, 1).values, values));
}

TEST(Targets, PlacesOfMinus100AreLeftOut) {
  const Targets targets = prepared(classNumbers({1, -100, 0, -100, -100, 2}, {2, 3}), 2, 9, 3);
  EXPECT_EQ(valuesOf(targets.weight), (Values{2, 0, 2, 0, 0, 2}));
  const at::Tensor y = table({0, 1, 2, 9, 9, 9, 1, 0, -1, 7, 7, 7, 5, 5, 5, 0, 0, 3}, {2, 9});
  const at::Tensor changed = table({0, 2, 2, 0, 9, 5, 1, 3, -1, 7, 0, 7, 5, 1, 5, 0, 1, 3}, {1, 2, 9});
  const auto entropy = [](const at::Tensor& scores, const Targets&) {
    const auto losses = -scores.reshape({6, 3}).log_softmax(-1);
    return (losses[0][1] + losses[2][0] + losses[5][2]).item<double>() / 3;  // as cross_entropy(ignore_index=-100)
  };
  EXPECT_NEAR(meanLoss(y, targets, 3), entropy(y, targets), 1e-14);
  const OutputMetrics metrics(y, 3, targets);
  EXPECT_NEAR(signedLoss(metrics.measure(Metric::loss, changed).sample).item<double>(),
              entropy(changed[0], targets) - entropy(y, targets), 1e-13);
  EXPECT_NEAR(accuracy(y.unsqueeze(0), targets, 3).item<double>(), 2.0 / 3, 1e-14);
  EXPECT_NE(errorOf([&] {
              (void)prepared(classNumbers({-100, -100}, {2}), 2, 6, 3);
            }).find("are all -100"),
            std::string::npos);
}

TEST(Metrics, ComplexChangesAreThoseOfTheModulus) {
  const OutputLayout layout({{"", at::complex(at::zeros({2, 2}, at::kDouble), at::zeros({2, 2}, at::kDouble))}}, {}, {},
                            1);
  EXPECT_EQ(layout.elements(), 8);
  const at::Tensor changed = at::complex(table({3, 0, 0, 1}, {2, 2}), table({4, 0, 0, 0}, {2, 2}));
  const at::Tensor y = at::zeros({1, 8}, at::kDouble);
  const OutputMetrics metrics(y, 1, std::nullopt, {layout.realParts(), layout.scale()});
  const at::Tensor outputs = layout.table({{"", changed.unsqueeze(0)}}, true);
  EXPECT_NEAR(metrics.measure(Metric::rms, outputs).value.item<double>(), std::sqrt(26.0 / 4), 1e-14);
  EXPECT_NEAR(metrics.measure(Metric::max, outputs).value.item<double>(), 5, 1e-14);
}

TEST(Targets, AccuracyIsTheShareOfRightWinners) {
  const Targets targets = prepareTargets(classNumbers({1, 0, 1, 1}, {2, 2}), layoutOf(2, 4, 2),
                                         GivenDims::parse({"targets=samples,steps"}));
  const at::Tensor outputs = table({0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0}, {2, 2, 4});
  EXPECT_EQ(valuesOf(accuracy(outputs, targets, 2)), (Values{1, 0.5}));
  const Targets values = prepared(table({1, 0, 1, 1}, {2, 2}), 2, 2, 1);
  EXPECT_NE(errorOf([&] { (void)accuracy(outputs, values, 2); }).find("accuracy needs classes"), std::string::npos);
}

}  // namespace
}  // namespace heft
