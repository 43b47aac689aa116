#include "engine/kernels/cuda/delta_rows_host.hpp"

#include "engine/kernels/cuda/delta_rows_body.hpp"

namespace heft::kernels::host {
namespace {

template <CellKind kind>
void everyUnit(const DeltaRows& step) {
  for (int64_t sample = 0; sample < step.samples; ++sample) {
    for (int64_t unit = 0; unit < step.hidden; ++unit) deltaUnit<kind>(step, unit, sample, 0, step.variants, 1);
  }
}

}  // namespace

void deltaRows(const DeltaRows& step) {
  forKind(step.kind, [&]<CellKind kind>() { everyUnit<kind>(step); });
}

void takeRows(const TakenRows& rows) {
  for (int64_t row = 0; row < rows.rows; ++row) {
    for (int64_t column = 0; column < rows.width; ++column) takeValue(rows, row, column);
  }
}

void addWeightChanges(const WeightChanges& changes, const ChangeSource& first, const ChangeSource& second, float* out,
                      int64_t width, int64_t samples) {
  for (int64_t place = 0; place < changes.places; ++place) {
    for (int64_t sample = 0; sample < samples; ++sample)
      addPlace(changes, first, second, out, width, samples, place, sample);
  }
}

}  // namespace heft::kernels::host
