#pragma once

#include <stdexcept>
#include <string>

namespace heft {

/// What went wrong, in the words a script can act on: each kind is one exit code of the program.
enum class Fault : int {
  internal = 70,     ///< a defect of Heft itself
  usage = 2,         ///< an argument that is unknown or without meaning
  model = 3,         ///< the model file can't be read, or is no TorchScript
  input = 4,         ///< inputs or targets can't be read or don't fit the model
  unsupported = 5,   ///< the model was read but can't be measured, with the reason
  output = 6,        ///< the run folder can't be read or written
  memory = 7,        ///< more memory is needed than there is
  verify = 1,        ///< a check that was asked for did not pass
  interrupted = 130  ///< stopped by Ctrl-C after saving what was measured
};

/// The only exception that Heft throws on purpose. The text is one line: what was found, what was expected, what to do;
/// control characters in it, of names that somebody wrote, stand as \xHH.
class Error : public std::runtime_error {
 public:
  Error(Fault fault, const std::string& what);
  [[nodiscard]] Fault fault() const noexcept { return fault_; }

 private:
  Fault fault_;
};

}  // namespace heft
