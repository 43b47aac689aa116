#include "run/stored/run_json.hpp"

#include "data/printable.hpp"
#include "run/stored/json_reader.hpp"
#include "run/stored/run_fields.hpp"

namespace heft {

using nlohmann::ordered_json;

ordered_json settingsJson(const RankSettings& settings) { return storedJson(settings); }

ordered_json settledJson(const std::optional<SettledFacts>& settled) { return storedJson(settled); }

ordered_json costJson(const Cost& cost) { return storedJson(cost); }

ordered_json outputJson(const OutputFacts& output) { return storedJson(output); }

ordered_json runJson(const Run& run) { return storedJson(run); }

Run readRunJson(const std::filesystem::path& file) {
  const nlohmann::json document = readJsonFile(file);
  return readStored<Run>(JsonReader(document, printablePath(file)));
}

}  // namespace heft
