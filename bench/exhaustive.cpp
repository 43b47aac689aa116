// Time of one executed variant: Heft's exhaustive method beside LibTorch's own loop in float32 (change a weight, run the module,
// put the weight back), and beside the bare matrix products of Heft's chunks. All in one run, in turns, since machines drift.
//
//   heft_bench_exhaustive [--quick] [--cell lstm|gru] [--hidden N] [--batch N] [--steps N] [--threads N]
//                         [--products halves|rounded|float32]
//
// One JSON object a line on stdout.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/estimate/take_emission_adjoints.hpp"
#include "engine/execute/executor.hpp"
#include "engine/kernels/products/delta_product.hpp"
#include "engine/kernels/products/small_products.hpp"
#include "products.hpp"
#include "saved_model.hpp"

namespace heft::bench {
namespace {

using Clock = std::chrono::steady_clock;
double seconds(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// A weight to change, and its variant.
struct Choice {
  std::string name;
  int64_t index;
};

/// Weights of every recurrent parameter, in turn.
std::vector<Choice> choose(const torch::jit::Module& module, const std::string& parameter, int64_t count) {
  const auto size = module.attr(parameter).toTensor().numel();
  std::vector<Choice> choices;
  for (int64_t i = 0; i < count; ++i) choices.push_back({parameter, (i * 7919 + 13) % size});
  return choices;
}

double loopSeconds(torch::jit::Module& module, const at::Tensor& inputs, const at::Tensor& baseline,
                   const std::vector<Choice>& choices) {
  double moved = 0;
  const auto begin = Clock::now();
  for (const auto& choice : choices) {
    auto* weight = module.attr(choice.name).toTensor().data_ptr<float>() + choice.index;
    const float kept = *weight;
    *weight = 0;
    const auto outputs = module.forward({inputs}).toTensor();
    moved += (outputs - baseline).square().mean().item<double>();
    *weight = kept;
  }
  if (moved < 0) std::cerr << moved;  // so that it isn't left out
  return seconds(begin) / static_cast<double>(choices.size());
}

/// The products of differences with the recurrent weights of one layer that a chunk needs, a variant: LibTorch's in float32, or
/// Heft's own.
double productSeconds(const Shape& shape, int64_t variants, ProductForm form, bool own) {
  const auto block = std::max<int64_t>(1, 256 / shape.batch);
  const auto gates = shape.kind == CellKind::gru ? 3 : 4;
  const auto weights = at::randn({shape.hidden, gates * shape.hidden});
  const DeltaProduct product(weights, form);
  const auto begin = Clock::now();
  at::parallel_for(0, (variants + block - 1) / block, 1, [&](int64_t first, int64_t last) {
    Workspace workspace;
    for (auto i = first; i < last; ++i) {
      const auto rows = std::min(block, variants - i * block) * shape.batch;
      const auto room = DeltaProduct::roomFor(rows);
      const auto states = at::randn({room, shape.hidden});
      auto out = at::empty({room, gates * shape.hidden});
      const auto prepared = product.prepare(states, workspace, 0);
      for (int64_t t = 2; t < shape.steps; ++t) {
        if (own)
          product.multiply(prepared, rows, out, false);
        else
          at::mm_out(out, states, weights);
      }
    }
    releaseSmall();
  });
  return seconds(begin) / static_cast<double>(variants);
}

/// The largest relative error of the impacts (rms) of some variants, beside one run of the module in float64 for each.
double worstError(Session& session, Executor& executor, std::span<const Variant> variants) {
  const auto impacts = [&](Executor& one) {
    std::vector<at::Tensor> parts;
    one.execute(variants, [&](size_t, const at::Tensor& outputs) {
      parts.push_back((outputs - session.baseline()).square().mean(at::IntArrayRef{1, 2}).sqrt());
    });
    return at::cat(parts);
  };
  const auto loop = makeLoopExecutor(session.runner(), session.layout());
  const auto truth = impacts(*loop);
  const auto error = ((impacts(executor) - truth) / truth).abs();
  return error.masked_select(truth.gt(1e-12)).max().item<double>();
}

nlohmann::json measure(const Shape& shape, const std::string& parameter, int64_t variants, int repeats,
                       ProductForm products) {
  auto module = makeModule(shape);
  const auto inputs = makeInputs(shape);
  const SavedModel saved(module, inputs);
  Session session(saved.options());
  const auto executor =
      makeBatchExecutor(session.runner(), session.layout(), {.products = products, .adjoints = emissionAdjoints});
  const auto parameterIndex = [&] {
    for (size_t p = 0; p < session.model().parameters.size(); ++p) {
      if (session.model().parameters[p].name == parameter) return static_cast<int64_t>(p);
    }
    throw std::runtime_error("no parameter " + parameter);
  }();
  const auto choices = choose(module, parameter, variants);
  std::vector<Variant> changed;
  for (const auto& choice : choices) changed.push_back({{{parameterIndex, {choice.index}, {0.0}}}});
  const auto baseline = module.forward({inputs}).toTensor();
  const auto run = [&] {
    const auto begin = Clock::now();
    double moved = 0;
    executor->execute(changed, [&](size_t, const at::Tensor& outputs) {
      moved += (outputs - session.baseline()).square().mean().item<double>();
    });
    if (moved < 0) std::cerr << moved;
    return seconds(begin) / static_cast<double>(changed.size());
  };
  const auto some = std::vector<Choice>(choices.begin(), choices.begin() + std::min<int64_t>(variants, 64));
  run();
  loopSeconds(module, inputs, baseline, some);
  std::vector<double> loop, heft, product, own;
  for (int i = 0; i < repeats; ++i) {
    loop.push_back(loopSeconds(module, inputs, baseline, some));
    heft.push_back(run());
    product.push_back(productSeconds(shape, variants, products, false));
    own.push_back(productSeconds(shape, variants, products, true));
  }
  const auto few = std::span(changed).first(std::min<size_t>(changed.size(), 64));
  const double error = worstError(session, *executor, few);
  for (const auto& note : executor->notes()) std::cerr << note << '\n';
  return {{"cell", shape.kind == CellKind::lstm ? "LSTM" : "GRU"},
          {"parameter", parameter},
          {"hidden", shape.hidden},
          {"batch", shape.batch},
          {"steps", shape.steps},
          {"variants", variants},
          {"threads", at::get_num_threads()},
          {"products", nameOf(products)},
          {"tiles", products != ProductForm::floats && DeltaProduct::fastest(products) == DeltaProduct::By::tiles},
          {"loop_us", 1e6 * median(loop)},
          {"heft_us", 1e6 * median(heft)},
          {"ratio", median(loop) / median(heft)},
          {"worst_relative_error", error},
          {"product_us", 1e6 * median(product)},
          {"product_share", median(product) / median(heft)},
          {"own_product_share", median(own) / median(heft)}};
}

int run(int argc, char** argv) {
  Shape shape;
  std::vector<int64_t> hidden{32, 64, 128, 256, 512, 1024}, batch{1, 4, 16, 64};
  std::vector<CellKind> cells{CellKind::lstm, CellKind::gru};
  bool quick = false;
  auto products = ProductForm::halves;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&] { return std::string(i + 1 < argc ? argv[++i] : ""); };
    if (option == "--quick")
      quick = true;
    else if (option == "--hidden")
      hidden = {std::stoll(value())};
    else if (option == "--batch")
      batch = {std::stoll(value())};
    else if (option == "--steps")
      shape.steps = std::stoll(value());
    else if (option == "--threads")
      at::set_num_threads(std::stoi(value()));
    else if (option == "--products")
      products = parseProducts(value());
    else if (option == "--cell")
      cells = {value() == "gru" ? CellKind::gru : CellKind::lstm};
    else
      return std::cerr << "unknown option " << option << '\n', 2;
  }
  const at::NoGradGuard no_grad;
  at::set_num_threads(at::get_num_threads());
  for (const auto cell : cells) {
    for (const auto h : hidden) {
      for (const auto b : batch) {
        shape.kind = cell;
        shape.hidden = h;
        shape.batch = b;
        const double flops = 16.0 * static_cast<double>(h * h * b * shape.steps);
        const auto variants = std::clamp<int64_t>(static_cast<int64_t>((quick ? 2e10 : 1e11) / flops), 32, 4096);
        std::cout << measure(shape, "weight_hh_l0", variants, quick ? 3 : 5, products).dump() << std::endl;
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace heft::bench

int main(int argc, char** argv) {
  try {
    return heft::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
