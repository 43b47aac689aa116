#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "data/hard_stop.hpp"
#include "heft/error.hpp"
#include "run/folder/run_folder.hpp"
#include "run/stored/checkpoint.hpp"

namespace heft {

/// The work of a job in its run folder: whatever ends it, what was measured is kept there to go on with, and a folder in which
/// nothing was measured goes again.
class KeptWork {
 public:
  /// After which ends what was measured is kept: where parts of a ranking are merged the parts themselves hold it, but for what was
  /// executed beside them.
  enum class After { any_end, a_stop };

  /// `go_on`: the command or call that goes on with it, for messages; empty: none is named.
  KeptWork(RunFolder& folder, std::string go_on, After after = After::any_end);
  KeptWork(const KeptWork&) = delete;
  KeptWork& operator=(const KeptWork&) = delete;
  ~KeptWork();

  /// Opens the folder's checkpoint, once. Throws as Checkpoint does.
  Checkpoint& begin(Checkpoint::Identity identity, std::size_t columns);

  /// Returns what `measure` returns. Where that throws, what was measured is written first; Error(Fault::interrupted) then says
  /// how much is kept and how to go on, and `log` tells the way on after every other failure.
  template <class Measure>
  auto keeping(const std::function<void(const std::string&)>& log, const Measure& measure) {
    try {
      return measure();
    } catch (const Error& error) {
      if (error.fault() == Fault::interrupted) {
        keepMeasured();
        keep();
        throw Error(Fault::interrupted, stopped());
      }
      keepAfterFailure(log);
      throw;
    } catch (...) {
      keepAfterFailure(log);
      throw;
    }
  }

  /// The folder stays, whatever comes.
  void keep() { kept_ = true; }

 private:
  void keepMeasured();
  void keepAfterFailure(const std::function<void(const std::string&)>& log);
  /// The line that a stopped job ends with.
  [[nodiscard]] std::string stopped() const;

  RunFolder& folder_;
  std::string go_on_;
  After after_;
  bool kept_ = false;
  std::optional<Checkpoint> checkpoint_;
  std::optional<SaveAtHardStop> nothing_yet_, save_;
};

}  // namespace heft
