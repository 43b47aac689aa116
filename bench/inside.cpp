// The inside of a unit alone: nanoseconds a weight, sample and step on all threads together, of the kernel that estimates run for
// each row of a recurrent layer's matrices, with a unit's own recurrent weights inside and without.
//
//   heft_bench_inside [--threads N] [--rows N] [--steps N] [--columns N] [--seconds S]
//
// One JSON object a line on stdout.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "engine/kernels/cpu/unit_response.hpp"

namespace heft::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  int64_t threads = static_cast<int64_t>(std::thread::hardware_concurrency());
  int64_t rows = 16, steps = 32, columns = 1024;
  int64_t seconds = 2;
};

Options read(int argc, char** argv) {
  Options options;
  const std::map<std::string, int64_t*> numbers{{"--threads", &options.threads},
                                                {"--rows", &options.rows},
                                                {"--steps", &options.steps},
                                                {"--columns", &options.columns},
                                                {"--seconds", &options.seconds}};
  for (int i = 1; i < argc; i += 2) {
    const auto found = numbers.find(argv[i]);
    if (found == numbers.end() || i + 1 == argc || std::atoll(argv[i + 1]) < 1) {
      std::cerr << "heft_bench_inside: " << argv[i] << ": --threads, --rows, --steps, --columns or --seconds and a "
                << "number from 1 were expected\n";
      std::exit(2);
    }
    *found->second = std::atoll(argv[i + 1]);
  }
  return options;
}

/// What one unit's row needs, filled with plausible numbers.
struct Unit {
  Unit(CellKind kind, const Options& options)
      : points(static_cast<size_t>(options.rows * options.steps * kernels::pointSize(kind))),
        read(static_cast<size_t>(options.rows * options.steps * options.columns)),
        change(static_cast<size_t>(options.columns)),
        emission(read.size()),
        scratch(static_cast<size_t>(2 * options.columns)) {
    const auto fill = [](std::vector<float>& to, float low, float high) {
      for (size_t i = 0; i < to.size(); ++i)
        to[i] = low + (high - low) * static_cast<float>(0.5 + 0.5 * std::sin(0.7 * static_cast<double>(i)));
    };
    fill(points, 0.1f, 0.9f);
    fill(read, -1, 1);
    fill(change, -0.3f, 0.3f);
    task.kind = kind;
    task.rows = options.rows;
    task.steps = options.steps;
    task.columns = options.columns;
    task.points = points.data();
    task.read = read.data();
    task.read_width = options.columns;
    task.change = change.data();
  }

  std::vector<float> points, read, change, emission, scratch;
  kernels::UnitResponseTask task;
};

/// Nanoseconds a weight, sample and step: each thread runs rows of its own, gate after gate, for some seconds.
double measure(CellKind kind, int64_t gates, bool own, const Options& options) {
  constexpr float kOwn[4] = {0.2f, -0.1f, 0.3f, 0.05f};
  std::vector<int64_t> done(static_cast<size_t>(options.threads));
  std::vector<double> seconds(done.size());
  std::vector<std::thread> threads;
  for (size_t t = 0; t < done.size(); ++t) {
    threads.emplace_back([&, t] {
      Unit unit(kind, options);
      unit.task.own = own ? kOwn : nullptr;
      const auto row = [&](int64_t i) {
        unit.task.gate = i % gates;
        kernels::unitResponse(unit.task, unit.emission.data(), unit.scratch.data());
      };
      for (int64_t i = 0; i < gates; ++i) row(i);
      const auto begin = Clock::now();
      const auto since = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
      while (since() < static_cast<double>(options.seconds)) row(done[t]++);
      seconds[t] = since();
    });
  }
  for (auto& thread : threads) thread.join();
  double rate = 0;
  for (size_t t = 0; t < done.size(); ++t) rate += static_cast<double>(done[t]) / seconds[t];
  return 1e9 / (rate * static_cast<double>(options.rows * options.steps * options.columns));
}

int run(int argc, char** argv) {
  const auto options = read(argc, argv);
  struct Cell {
    const char* name;
    CellKind kind;
    int64_t gates;
    bool without;  ///< the others' kernels are the same without their own weights
  };
  constexpr Cell kCells[] = {{"lstm", CellKind::lstm, 4, true},
                             {"gru", CellKind::gru, 3, false},
                             {"rnn_tanh", CellKind::rnn_tanh, 1, false},
                             {"rnn_relu", CellKind::rnn_relu, 1, false}};
  for (const auto& cell : kCells) {
    for (const bool own : {false, true}) {
      if (!own && !cell.without) continue;
      std::cout << nlohmann::ordered_json{{"cell", cell.name},
                                          {"own_weights", own},
                                          {"threads", options.threads},
                                          {"rows", options.rows},
                                          {"steps", options.steps},
                                          {"columns", options.columns},
                                          {"nanoseconds", measure(cell.kind, cell.gates, own, options)}}
                << std::endl;
    }
  }
  return 0;
}

}  // namespace
}  // namespace heft::bench

int main(int argc, char** argv) { return heft::bench::run(argc, argv); }
