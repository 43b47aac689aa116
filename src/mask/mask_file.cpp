#include "data/safetensors.hpp"
#include "data/words.hpp"
#include "mask/mask.hpp"

namespace heft {

void writeMask(const Mask& mask, const Structure& structure, const std::string& criterion, const MaskSettings& settings,
               const std::filesystem::path& file) {
  std::vector<TensorView> views;
  for (std::size_t p = 0; p < mask.kept.size(); ++p) {
    const auto& info = structure.parameters[p];
    const auto bytes = std::as_bytes(std::span(mask.kept[p]));
    views.push_back({info.name, Scalar::boolean, info.shape, bytes});
    for (const auto& name : info.tied) views.push_back({name, Scalar::boolean, info.shape, bytes});
  }
  std::map<std::string, std::string> facts = {{"format", "heft"},
                                              {"by", criterion},
                                              {"keep", significant(settings.keep, 9)},
                                              {"scope", settings.per_matrix ? "matrix" : "global"},
                                              {"biases", settings.biases ? "ranked" : "kept"}};
  if (!settings.level.empty()) facts["level"] = settings.level;
  writeSafetensors(file, views, facts);
}

}  // namespace heft
