#include "measure/response.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <limits>

#include "analysis/random.hpp"
#include "engine/adjoint.hpp"
#include "heft/error.hpp"

namespace heft {
namespace {

/// A part of the sites that one row of a parameter is read by.
struct RowUse {
  const Site* site;
  int role;
};

/// Every output by itself, the same one in all samples: they don't influence each other, so one adjoint serves all.
Seeds exactSeeds(int64_t samples, int64_t elements) {
  return {[=](int64_t index) {
            auto seed = at::zeros({samples, elements}, at::kDouble);
            seed.select(1, index).fill_(1);
            return seed;
          },
          elements};
}

/// Independent +-1 for every output of every sample: E[(r dy)^2] = |dy|^2 (Hutchinson 1990).
Seeds probeSeeds(int64_t samples, int64_t elements, int64_t probes, uint64_t seed) {
  return {[=](int64_t index) {
            auto signs = at::empty({samples, elements}, at::kDouble);
            auto* data = signs.mutable_data_ptr<double>();
            Random random(seed, "probe", static_cast<uint64_t>(index));
            for (int64_t i = 0; i < samples * elements; ++i) data[i] = random.sign();
            return signs;
          },
          probes};
}

/// Bytes of float32 adjoints a seed.
double adjointBytes(const std::vector<Site*>& sites, int64_t samples) {
  double bytes = 0;
  for (const auto* site : sites) {
    for (const auto& leaf : site->leaves()) {
      bytes += 4.0 * static_cast<double>(leaf.numel()) * static_cast<double>(site->kind() == SiteKind::gradient ? samples : 1);
    }
  }
  return bytes;
}

/// From [samples, seeds, columns] to each column's impact and its standard error.
void reduceRms(const float* block, int64_t samples, int64_t seeds, int64_t columns, double scale, double* impact, float* error) {
  std::vector<double> one(static_cast<size_t>(columns)), sum(one), sum2(one);
  for (int64_t b = 0; b < samples; ++b) {
    std::fill(one.begin(), one.end(), 0.0);
    for (int64_t k = 0; k < seeds; ++k) {
      const float* line = block + (b * seeds + k) * columns;
      for (int64_t j = 0; j < columns; ++j) one[static_cast<size_t>(j)] += static_cast<double>(line[j]) * static_cast<double>(line[j]);
    }
    for (size_t j = 0; j < one.size(); ++j) {
      const double square = one[j] * scale;
      sum[j] += square;
      sum2[j] += square * square;
    }
  }
  const auto n = static_cast<double>(samples);
  for (size_t j = 0; j < one.size(); ++j) {
    const double mean = sum[j] / n;
    impact[j] = std::sqrt(mean);
    // Delta method: sd(sqrt m) = sd(m) / (2 sqrt m).
    const double variance = samples < 2 ? std::numeric_limits<double>::quiet_NaN()
                                        : std::max(0.0, (sum2[j] / n - mean * mean) * n / (n - 1)) / n;
    error[j] = static_cast<float>(mean > 0 ? std::sqrt(variance) / (2 * impact[j]) : samples < 2 ? variance : 0.0);
  }
}

/// A recorded run whose rows know their samples, and its outputs [samples, elements].
std::pair<Session::Recording, at::Tensor> recordAssigned(Session& session, uint64_t seed, std::vector<std::string>& notes) {
  for (const bool keep_arguments : {false, true}) {
    auto recording = session.record(keep_arguments);
    auto outputs = recording.outputs;
    const auto sites = recording.handler->sites();
    try {
      if (outputs.requires_grad() && !assignSamples(sites, outputs, seed)) {
        notes.push_back("some weights act on several samples at once, so the estimates take the batch as one sample");
        outputs = outputs.reshape({1, -1});
        assignSamples(sites, outputs, seed);
      }
      return {std::move(recording), outputs};
    } catch (const c10::Error& error) {
      const bool overwritten = std::string_view(error.what()).find("modified by an inplace operation") != std::string_view::npos;
      if (keep_arguments || !overwritten) throw;
    }
  }
  throw Error(Fault::internal, "recording the model ended without a recording");
}

}  // namespace

ResponseResult estimateAll(Session& session, const NewValue& new_value, const ResponseOptions& options, const StageProgress& progress) {
  ResponseResult result;
  auto [recording, outputs] = recordAssigned(session, options.seed, result.notes);
  const auto sites = recording.handler->sites();
  const auto samples = outputs.size(0);
  const auto elements = outputs.size(1);
  const double bytes = adjointBytes(sites, samples);
  const auto affordable = static_cast<int64_t>(std::max(1.0, static_cast<double>(options.memory) / std::max(bytes, 1.0)));
  const bool exact = elements <= std::min(std::max(options.exact_elements, int64_t{1}), affordable);
  auto seeds = exact ? exactSeeds(samples, elements) : probeSeeds(samples, elements, std::min(options.probes, affordable), options.seed);
  if (!exact) {
    result.probes = seeds.count;
    // Var of the mean of P squares of (r dy) is at most 2 |dy|^4 / P a sample; samples that share the impact average it.
    result.probe_error = std::sqrt(2.0 / static_cast<double>(seeds.count)) / 2;
  }
  if (outputs.requires_grad()) takeAdjoints(sites, outputs, seeds, [&](double share) { progress("adjoints", share); });
  else for (auto* site : sites) site->beginSeeds(seeds.count);
  result.adjoints = static_cast<size_t>(seeds.count);
  outputs = at::Tensor();
  recording.outputs = at::Tensor();

  const auto& parameters = session.structure().parameters;
  std::vector<std::vector<RowUse>> uses(parameters.size());
  for (const auto* site : sites) {
    for (const auto& use : site->uses()) uses[static_cast<size_t>(use.parameter)].push_back({site, use.role});
  }
  double total = 0, done = 0;
  for (const auto& info : parameters) total += static_cast<double>(info.weights());
  // The mean over elements of dy^2; with probes, the mean over probes of (r dy)^2 stands in for its sum.
  const double per_element = 1.0 / (static_cast<double>(elements) * (exact ? 1.0 : static_cast<double>(seeds.count)));
  for (size_t p = 0; p < parameters.size(); ++p) {
    const auto rows = parameters[p].rows();
    const auto columns = parameters[p].columns();
    result.impact.emplace_back(static_cast<size_t>(rows * columns), 0.0);
    result.standard_error.emplace_back(static_cast<size_t>(rows * columns), samples < 2 ? std::numeric_limits<float>::quiet_NaN() : 0.0f);
    auto& impact = result.impact.back();
    auto& error = result.standard_error.back();
    const auto weights = session.model().parameters[p].value.detach().to(at::kCPU, at::kDouble).contiguous();
    const auto* weight = weights.const_data_ptr<double>();
    constexpr int64_t kRows = 64;  // between two reports of progress
    for (int64_t first = 0; first < rows && !uses[p].empty(); first += kRows) {
      const auto last = std::min(rows, first + kRows);
      at::parallel_for(first, last, 1, [&](int64_t begin, int64_t end) {
        std::vector<float> block(static_cast<size_t>(samples * seeds.count * columns)), change(static_cast<size_t>(columns));
        for (int64_t r = begin; r < end; ++r) {
          if (!options.wanted.empty() && !options.wanted[p].empty() && options.wanted[p][static_cast<size_t>(r)] == 0) continue;
          for (int64_t j = 0; j < columns; ++j) {
            const auto flat = r * columns + j;
            change[static_cast<size_t>(j)] = static_cast<float>(new_value(static_cast<int64_t>(p), flat, weight[flat]) - weight[flat]);
          }
          std::fill(block.begin(), block.end(), 0.0f);
          for (const auto& use : uses[p]) {
            use.site->addResponse(use.role, {r, change}, {samples, seeds.count, columns, block.data()});
          }
          reduceRms(block.data(), samples, seeds.count, columns, per_element, impact.data() + r * columns, error.data() + r * columns);
        }
      });
      done += static_cast<double>((last - first) * columns);
      progress("response", done / total);
    }
  }
  return result;
}

}  // namespace heft
