#include "cli/plan_text.hpp"

#include <cmath>

#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "data/memory.hpp"
#include "data/words.hpp"
#include "run/stored/json_text.hpp"

namespace heft::cli {
namespace {

using nlohmann::ordered_json;

std::size_t whole(double number) { return static_cast<std::size_t>(std::llround(number)); }

/// "1.2", "310": two digits, and all of those before the point.
std::string digits(double number) { return number >= 10 ? grouped(whole(number)) : significant(number, 2); }

std::string operations(double flop) {
  if (flop >= 1e15) return digits(flop / 1e15) + " PFLOP";
  if (flop >= 1e12) return digits(flop / 1e12) + " TFLOP";
  if (flop >= 1e9) return digits(flop / 1e9) + " GFLOP";
  return flop > 0 ? digits(flop / 1e6) + " MFLOP" : "–";
}

std::string stagesText(const Plan& plan) {
  Table table("lr");
  table.row({"one run of the unchanged model", shortTime(plan.run)});
  table.row({"loading, and finding out about the model", shortTime(plan.start)});
  if (plan.adjoints > 0) {
    table.row({"estimates: " + counted(plan.adjoints, "adjoint"), shortTime(plan.adjoint)});
    table.row({"estimates: responses of " + counted(plan.weights, "weight"), shortTime(plan.response)});
  }
  if (plan.variants > 0) table.row({"trying how variants are executed", shortTime(plan.prepare)});
  std::string executed = plan.whole ? "" : "about ";
  executed += counted(whole(plan.variants), "variant");
  if (plan.components > 0) executed += " and " + counted(plan.components, "component");
  table.row({"executing " + executed, shortTime(plan.execute)});
  table.row({"ranking and writing", shortTime(plan.finish)});
  table.row({"together, on this machine", shortTime(plan.seconds())});
  return table.text(0);
}

std::string parametersText(const Plan& plan) {
  Table table("lrrrrr");
  table.row({"parameter", "weights", "executed", "operations each", "time each", "together"});
  for (const auto& one : plan.parameters) {
    table.row({one.name, grouped(one.weights), grouped(whole(one.variants)), operations(one.flop),
               shortTime(one.variant_seconds), shortTime(one.seconds)});
  }
  return table.text(0);
}

std::string jobsText(const PlannedJobs& jobs) {
  const auto time = std::to_string(jobs.minutes / 60) + ":" + (jobs.minutes % 60 < 10 ? "0" : "") +
                    std::to_string(jobs.minutes % 60) + ":00";
  const auto asked = "--time=" + time + " --mem=" + std::to_string(jobs.mebibytes) + "M";
  if (jobs.shards == 1) return "one job is enough: " + asked;
  return "scripts/slurm/submit … --shards " + std::to_string(jobs.shards) + " --sbatch '" + asked +
         "': " + shortTime(jobs.shard_seconds) + " a part, then " + shortTime(jobs.merge_seconds) +
         " to merge (heft help cluster)";
}

}  // namespace

std::string textOf(const Plan& plan, const PlannedJobs& jobs) {
  std::string text = stagesText(plan) + "\n";
  if (plan.whole && !executesAll(plan.settings.method))
    text +=
        wrapped("Every weight is executed, since that takes less than estimates, or little.", kTerminalWidth) + "\n\n";
  if (plan.without > 0)
    text += wrapped("No derivative leads to " + counted(plan.without, "weight") +
                        ", so they have no estimate and are executed, as many as a budget allows.",
                    kTerminalWidth) +
            "\n\n";
  if (plan.variants > 0) text += parametersText(plan) + "\n";
  text += labelled("memory", "about " + bytesInWords(plan.memory), 8);
  std::string devices;
  for (const auto& one : deviceTimes(plan))
    devices += (devices.empty() ? "" : ", ") + one.device + " " + shortTime(one.seconds);
  if (!devices.empty())
    text +=
        labelled("devices", devices + ": executing alone, at the speed of large products; small models are slower", 8);
  text += labelled("Slurm", jobsText(jobs), 8);
  std::string part;
  if (plan.cut.cuts())
    part = "One run on all of the inputs takes long, so this was measured on " +
           grouped(static_cast<std::size_t>(plan.cut.size)) + " of the " +
           grouped(static_cast<std::size_t>(plan.cut.of)) + " places in dimension " + std::to_string(plan.cut.dim) +
           " of the first one, and scaled by what runs on more of them take. ";
  text +=
      "\n" +
      wrapped(
          part + "Measured on this machine for " + shortTime(plan.calibration) +
              " and continued to the whole. Of variants that a device or a budget of time will execute, and of what "
              "auto needs for its top, this is a guess.",
          kTerminalWidth) +
      "\n";
  return text;
}

ordered_json jsonOf(const Plan& plan, const PlannedJobs& jobs) {
  auto parameters = ordered_json::array();
  for (const auto& one : plan.parameters)
    parameters.push_back({{"name", one.name},
                          {"weights", one.weights},
                          {"variants", finiteOrNull(one.variants)},
                          {"flop_each", finiteOrNull(one.flop)},
                          {"seconds", finiteOrNull(one.seconds)}});
  auto devices = ordered_json::array();
  for (const auto& one : deviceTimes(plan))
    devices.push_back({{"device", one.device}, {"execute_seconds", finiteOrNull(one.seconds)}});
  return {
      {"method", std::string(name(plan.settings.method))},
      {"weights", plan.weights},
      {"variants", whole(plan.variants)},
      {"components", plan.components},
      {"every_weight_is_executed", plan.whole},
      {"without_estimate", plan.without},
      {"adjoints", plan.adjoints},
      {"flop", finiteOrNull(plan.flop)},
      {"seconds",
       {{"run", finiteOrNull(plan.run)},
        {"start", finiteOrNull(plan.start)},
        {"adjoints", finiteOrNull(plan.adjoint)},
        {"responses", finiteOrNull(plan.response)},
        {"prepare", finiteOrNull(plan.prepare)},
        {"execute", finiteOrNull(plan.execute)},
        {"finish", finiteOrNull(plan.finish)},
        {"total", finiteOrNull(plan.seconds())},
        {"calibration", finiteOrNull(plan.calibration)}}},
      {"part_of_inputs",
       plan.cut.cuts() ? ordered_json{{"dimension", plan.cut.dim}, {"measured", plan.cut.size}, {"of", plan.cut.of}}
                       : ordered_json()},
      {"memory_bytes", finiteOrNull(plan.memory)},
      {"devices", devices},
      {"parameters", parameters},
      {"shards",
       {{"count", jobs.shards},
        {"seconds_each", finiteOrNull(jobs.shard_seconds)},
        {"merge_seconds", finiteOrNull(jobs.merge_seconds)},
        {"slurm",
         {{"array", "1-" + std::to_string(jobs.shards)}, {"minutes", jobs.minutes}, {"mem_mib", jobs.mebibytes}}}}}};
}

}  // namespace heft::cli
