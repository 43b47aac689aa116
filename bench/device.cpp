// Exhaustive measuring on one device: the time of a variant for each matrix of a network of recurrent layers, the time that all
// of its weights would take, and the products' rate beside the device's own on large square matrices of the same types.
//
//   heft_bench_device [--device cuda] [--hidden N] [--layers N] [--inputs N] [--batch N] [--steps N] [--outputs N]
//                     [--cell lstm|gru] [--variants N] [--products halves|rounded|float32]
//
// One JSON object a line on stdout.
#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/estimate/take_emission_adjoints.hpp"
#include "engine/execute/executor.hpp"
#include "products.hpp"
#include "saved_model.hpp"

namespace heft::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Seconds that `work` takes once, its device's work included.
template <class Work>
double secondsOf(const at::Tensor& on_device, const Work& work) {
  const auto wait = [&] { return on_device.sum().item<double>(); };
  wait();
  const auto begin = Clock::now();
  work();
  wait();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// FLOP/s of a square matrix product on random numbers, the best of several.
double productRate(const at::Device& device, bool halves) {
  const int64_t size = device.is_cpu() ? 1024 : 8192;
  const auto type = halves && !device.is_cpu() ? at::kBFloat16 : at::kFloat;
  const auto a = at::randn({size, size}, at::TensorOptions(device).dtype(type));
  const auto b = at::randn_like(a);
  auto out = at::empty({size, size}, at::TensorOptions(device).dtype(at::kFloat));
  const auto one = at::zeros({1}, at::TensorOptions(device));
  double best = 0;
  constexpr int kProducts = 10;
  for (int i = 0; i < 4; ++i) {
    const auto seconds = secondsOf(one, [&] {
      for (int k = 0; k < kProducts; ++k) {
        if (type == at::kBFloat16)
          at::mm_out(out, a, b, at::kFloat);
        else
          at::mm_out(out, a, b);
      }
    });
    best = std::max(best, kProducts * 2.0 * static_cast<double>(size * size * size) / seconds);
  }
  return best;
}

/// Multiplications and additions of the products of differences that one variant of a layer's weight asks for: the layer's own
/// recurrent ones from the second step on, and all of those of each layer behind it.
double flopOf(const Shape& shape, int64_t layer) {
  const double gates = shape.kind == CellKind::lstm ? 4 : 3;
  const auto hidden = static_cast<double>(shape.hidden), rows = static_cast<double>(shape.batch);
  const double product = 2 * gates * hidden * hidden * rows;
  const auto steps = static_cast<double>(shape.steps);
  return product * (steps - 1 + static_cast<double>(shape.layers - 1 - layer) * (2 * steps - 1));
}

struct Options {
  Shape shape{CellKind::lstm, 256, 1024, 2, 10, 16, 32};
  std::string device = "cuda";
  int64_t variants = 8192;
  ProductForm products = ProductForm::halves;
};

Options read(int argc, char** argv) {
  Options options;
  auto& shape = options.shape;
  const std::map<std::string, int64_t*> numbers{{"--hidden", &shape.hidden},      {"--layers", &shape.layers},
                                                {"--inputs", &shape.inputs},      {"--batch", &shape.batch},
                                                {"--steps", &shape.steps},        {"--outputs", &shape.outputs},
                                                {"--variants", &options.variants}};
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&] { return std::string(i + 1 < argc ? argv[++i] : ""); };
    if (const auto found = numbers.find(option); found != numbers.end())
      *found->second = std::stoll(value());
    else if (option == "--device")
      options.device = value();
    else if (option == "--cell")
      shape.kind = value() == "gru" ? CellKind::gru : CellKind::lstm;
    else if (option == "--products")
      options.products = parseProducts(value());
    else
      throw std::runtime_error("unknown option " + option);
  }
  return options;
}

/// `each`: seconds, `flop`: of its products of differences, a variant; `rate`: productRate().
nlohmann::json row(const std::string& parameter, double weights, double each, double flop, double rate,
                   ProductForm products) {
  const double times = products == ProductForm::halves ? 3 : 1;  // three products of halves stand for one of floats
  return {{"parameter", parameter},
          {"weights", weights},
          {"products", nameOf(products)},
          {"us", 1e6 * each},
          {"all_seconds", each * weights},
          {"gflop", 1e-9 * flop},
          {"tflop_per_s", 1e-12 * times * flop / each},
          {"large_product_tflop_per_s", 1e-12 * rate},
          {"share", times * flop / each / rate}};
}

int run(const Options& options) {
  const auto& shape = options.shape;
  const at::NoGradGuard no_grad;
  const SavedModel saved(makeModule(shape), makeInputs(shape));
  auto session_options = saved.options();
  session_options.devices = {at::Device(options.device)};
  Session session(session_options);
  const auto rate = productRate(session.baseline().device(), options.products != ProductForm::floats);
  const auto executor = makeBatchExecutor(session.runner(), session.layout(),
                                          {.products = options.products, .adjoints = emissionAdjoints});
  const auto& parameters = session.model().parameters;
  double all_seconds = 0, all_flop = 0, all_weights = 0;
  for (size_t p = 0; p < parameters.size(); ++p) {
    const auto& [name, value] = std::pair(parameters[p].name, parameters[p].value);
    const auto weights = value.numel();
    std::vector<Variant> variants;
    for (int64_t i = 0; i < std::min(options.variants, weights); ++i)
      variants.push_back({{{static_cast<int64_t>(p), {(i * 7919 + 13) % weights}, {0.0}}}});
    double moved = 0;
    const auto execute = [&](size_t count) {
      // As the measuring does: blocks, of which it looks at each.
      constexpr size_t kBlock = 2048;
      for (size_t first = 0; first < count; first += kBlock) {
        executor->execute(std::span(variants).subspan(first, std::min(kBlock, count - first)),
                          [&](size_t, const at::Tensor& outputs) {
                            moved += (outputs - session.baseline()).square().mean().item<double>();
                          });
      }
    };
    execute(std::min<size_t>(variants.size(), 4096));  // what is done once
    const auto seconds = secondsOf(session.baseline(), [&] { execute(variants.size()); });
    const auto each = seconds / static_cast<double>(variants.size());
    const auto layer =
        name.find("_l") == std::string::npos ? shape.layers : std::stoll(name.substr(name.rfind("_l") + 2));
    const auto flop = layer < shape.layers ? flopOf(shape, layer) : 0;
    all_seconds += each * static_cast<double>(weights);
    all_flop += flop * static_cast<double>(weights);
    all_weights += static_cast<double>(weights);
    if (moved < 0) std::cerr << moved;  // so that it isn't left out
    std::cout << row(name, static_cast<double>(weights), each, flop, rate, options.products).dump() << std::endl;
  }
  for (const auto& note : executor->notes()) std::cerr << note << '\n';
  std::cout << row("all", all_weights, all_seconds / all_weights, all_flop / all_weights, rate, options.products).dump()
            << std::endl;
  return 0;
}

}  // namespace
}  // namespace heft::bench

int main(int argc, char** argv) {
  try {
    return heft::bench::run(heft::bench::read(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
