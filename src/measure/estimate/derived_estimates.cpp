#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

#include "engine/forward/weight_functions.hpp"
#include "measure/estimate/row_estimator.hpp"
#include "measure/estimate/row_values.hpp"

// Estimates of parameters that forward reads through functions: what a weight's change makes of the derived weights is worked
// out exactly, and then followed as a change of those.

namespace heft {
namespace {

constexpr int64_t kRowBytes = int64_t{1} << 28;  ///< that the changed rows of a derived weight may take

/// Where a derived weight is no number any more, there is no estimate.
void spoil(const ColumnImpacts& places, const uint8_t* broken, int64_t weights) {
  for (int64_t i = 0; i < weights; ++i) {
    for (auto* impact : places.impact) {
      if (broken[i] != 0) impact[i] = std::numeric_limits<double>::quiet_NaN();
    }
  }
}

}  // namespace

void RowEstimator::estimateDerived(size_t parameter, const uint8_t* wanted, const std::vector<const WeightLink*>& links,
                                   ResponseResult& result, const std::function<void(int64_t)>& advance) const {
  const auto& model = session_.model();
  const auto indexOf = [&](const WeightLink& link) { return model.parameters.size() + link.derived; };
  if (links.size() == 1 && !links[0]->by_row && uses_[parameter].empty())
    return estimateElements(parameter, wanted, *links[0], result, advance);
  const Site* first_site = uses_[parameter].empty() ? nullptr : uses_[parameter][0].site;
  for (const auto* link : links) {
    if (first_site == nullptr && !uses_[indexOf(*link)].empty()) first_site = uses_[indexOf(*link)][0].site;
  }
  if (first_site == nullptr) return;
  const auto kept = first_site->keptSeeds(count_);
  const auto changes = changesOf(parameter);
  const auto columns = columnsOf(model.parameters[parameter].value);
  const auto rows = std::ssize(changes.before) / columns;
  int64_t bytes = 1;
  for (const auto* link : links) bytes = std::max(bytes, 4 * columns * columnsOf(model.derived[link->derived].value));
  const auto together = std::max<int64_t>(1, kRowBytes / bytes);
  std::vector<float> change(changes.before.size());
  for (size_t i = 0; i < change.size(); ++i) change[i] = static_cast<float>(changes.after[i] - changes.before[i]);
  const auto out = options_.take_row ? ColumnImpacts() : placesIn(result, parameter);
  const Task task{parameter, rows, columns, kept, change.data(), wanted, out};
  for (int64_t first = 0; first < rows; first += together) {
    const auto count = std::min(together, rows - first);
    std::vector<DerivedRows> all;
    for (const auto* link : links)
      all.push_back(derivedRows(model, *link, changes.before, changes.after, first, count));
    at::parallel_for(first, first + count, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> block(static_cast<size_t>(samples_ * kept * columns));
      RowValues own;
      if (out.impact.empty()) own = RowValues(seeds_.values(), columns);
      for (auto row = begin; row < end; ++row) {
        if (!selected(task, row)) continue;
        std::fill(block.begin(), block.end(), 0.0f);
        const ResponseBlock whole{samples_, kept, columns, block.data()};
        for (const auto& use : uses_[parameter])
          use.site->addResponse(use.role, {row, {change.data() + row * columns, static_cast<size_t>(columns)}}, whole);
        for (const auto& made : all) addDerivedRow(indexOf(*made.link), made, row, columns, whole);
        const auto places = out.impact.empty() ? own.places() : placesFrom(out, row * columns);
        reduce(task, block.data(), places);
        for (const auto& made : all) {
          const auto from = made.link->by_row ? (row - made.first) * columns : row * columns;
          spoil(places, made.broken.const_data_ptr<uint8_t>() + from, columns);
        }
        if (out.impact.empty()) options_.take_row(parameter, row, places);
      }
    });
    advance(count * columns);
  }
}

/// Adds what the weights of a row do through one derived weight.
void RowEstimator::addDerivedRow(size_t index, const DerivedRows& made, int64_t row, int64_t columns,
                                 const ResponseBlock& block) const {
  const auto& target = made.link->target;
  if (made.link->by_row) {
    const auto to = target[static_cast<size_t>(row)];
    if (to < 0) return;
    for (const auto& use : uses_[index]) use.site->addCombined(use.role, to, made.rows[row - made.first], block);
    return;
  }
  // The elements lie in one row, in any order.
  const auto first = row * columns;
  const auto* elements = made.elements.const_data_ptr<float>();
  std::vector<float> change(static_cast<size_t>(made.columns), 0.0f);
  int64_t to = -1;
  for (auto i = first; i < first + columns; ++i) {
    const auto place = target[static_cast<size_t>(i)];
    if (place < 0) continue;
    to = place / made.columns;
    change[static_cast<size_t>(place % made.columns)] = elements[i];
  }
  if (to < 0) return;
  std::vector<float> there(static_cast<size_t>(block.samples * block.seeds * made.columns), 0.0f);
  for (const auto& use : uses_[index])
    use.site->addResponse(use.role, {to, change}, {block.samples, block.seeds, made.columns, there.data()});
  for (int64_t line = 0; line < block.samples * block.seeds; ++line) {
    for (int64_t j = 0; j < columns; ++j) {
      const auto place = target[static_cast<size_t>(first + j)];
      if (place >= 0)
        block.data[line * columns + j] += there[static_cast<size_t>(line * made.columns + place % made.columns)];
    }
  }
}

void RowEstimator::estimateElements(size_t parameter, const uint8_t* wanted, const WeightLink& link,
                                    ResponseResult& result, const std::function<void(int64_t)>& advance) const {
  const auto& model = session_.model();
  const auto index = model.parameters.size() + link.derived;
  if (uses_[index].empty()) return;
  const auto changes = changesOf(parameter);
  const auto made = derivedRows(model, link, changes.before, changes.after, 0, 0);
  const auto* elements = made.elements.const_data_ptr<float>();
  const auto size = static_cast<size_t>(model.derived[link.derived].value.numel());
  std::vector<float> change(size, 0.0f);
  std::vector<uint8_t> there_wanted(size, 0);
  for (size_t i = 0; i < link.target.size(); ++i) {
    if (link.target[i] < 0) continue;
    const auto to = static_cast<size_t>(link.target[i]);
    change[to] = elements[i];
    there_wanted[to] = wanted == nullptr ? 1 : wanted[i];
  }
  RowValues there(seeds_.values(), static_cast<int64_t>(size));
  const auto columns = made.columns;
  estimateTask({index, static_cast<int64_t>(size) / columns, columns, uses_[index][0].site->keptSeeds(count_),
                change.data(), there_wanted.data(), there.places()},
               result, advance);
  const auto weights = std::ssize(link.target);
  RowValues own;
  if (options_.take_row) own = RowValues(seeds_.values(), weights);
  const auto out = options_.take_row ? own.places() : placesIn(result, parameter);
  for (int64_t i = 0; i < weights; ++i) {
    const auto to = link.target[static_cast<size_t>(i)];
    for (size_t m = 0; m < out.impact.size() && to >= 0; ++m) {
      out.impact[m][i] = there.impact[m][static_cast<size_t>(to)];
      out.standard_error[m][i] = there.standard_error[m][static_cast<size_t>(to)];
    }
  }
  spoil(out, made.broken.const_data_ptr<uint8_t>(), weights);
  if (!options_.take_row) return;
  const auto width = columnsOf(model.parameters[parameter].value);
  const Task task{parameter, weights / width, width, 0, nullptr, wanted, {}};
  for (int64_t row = 0; row < task.rows; ++row) {
    if (selected(task, row)) options_.take_row(parameter, row, placesFrom(out, row * width));
  }
}

}  // namespace heft
