#include "job/kept_work.hpp"

#include <utility>

#include "data/words.hpp"

namespace heft {

KeptWork::KeptWork(RunFolder& folder, std::string go_on, After after)
    : folder_(folder), go_on_(std::move(go_on)), after_(after) {
  nothing_yet_.emplace([this] {
    folder_.undo();
    return std::string("stopped");
  });
}

KeptWork::~KeptWork() {
  save_.reset();
  nothing_yet_.reset();
  if (!kept_) folder_.undo();
}

Checkpoint& KeptWork::begin(Checkpoint::Identity identity, std::size_t columns) {
  auto& checkpoint = checkpoint_.emplace(folder_.path(), std::move(identity), columns);
  save_.emplace([this] {
    checkpoint_->rescue(kSavingTime);
    return stopped();
  });
  return checkpoint;
}

void KeptWork::keepMeasured() {
  if (!checkpoint_ || checkpoint_->empty()) return;
  keep();
  try {
    checkpoint_->flush();
  } catch (const Error&) {  // a full disk, which is what ended the work, then
  }
}

void KeptWork::keepAfterFailure(const std::function<void(const std::string&)>& log) {
  if (after_ == After::a_stop) return;
  keepMeasured();
  if (checkpoint_ && !checkpoint_->empty() && log && !go_on_.empty())
    log("what the checkpoint holds is kept; go on with: " + go_on_);
}

std::string KeptWork::stopped() const {
  // A metric has two columns, and each estimate an error by each metric.
  const auto components = checkpoint_->lists("component ");
  const auto estimates = 2 * checkpoint_->listed("estimate error ") / checkpoint_->columns();
  auto kept = checkpoint_->weights() == 0 && components > 0 ? counted(components, "measured component")
                                                            : counted(checkpoint_->weights(), "measured weight");
  if (checkpoint_->weights() > 0 && components > 0) kept += " and " + counted(components, "component");
  return "stopped; " + kept + (estimates > 0 ? " and " + counted(estimates, "estimate") : "") + " kept in " +
         folder_.path().string() + (go_on_.empty() ? "" : ". Go on with: " + go_on_);
}

}  // namespace heft
