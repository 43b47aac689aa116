// The weights of a network that matter most on some inputs:  top_weights MODEL INPUTS [PARAMETERS]
#include <cstdio>
#include <heft/error.hpp>
#include <heft/rank.hpp>

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: top_weights MODEL INPUTS [PARAMETERS]\n");
    return 2;
  }
  heft::RankOptions options;
  options.model = arguments[1];
  options.inputs = {arguments[2]};
  if (count > 3) options.parameters = {arguments[3]};
  options.top = 5;
  options.progress = [](const std::string& stage, double share) {
    std::fprintf(stderr, "%s: %.0f %%\n", stage.c_str(), 100 * share);
  };
  try {
    const heft::Ranking ranking = heft::rank(options);
    for (const auto& weight : ranking.top) {
      std::printf("%-24s weight %9.5f  impact %.6f  %s, %zu. by magnitude\n", weight.name.c_str(), weight.weight,
                  weight.impact, weight.executed ? "executed" : "estimated", weight.magnitude_rank);
    }
    std::printf("magnitude tells impact with a Spearman correlation of %.2f\n", ranking.spearman);
  } catch (const heft::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.fault());
  }
}
