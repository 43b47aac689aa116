#pragma once

#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

namespace heft {

/// An output of one streamed call that is an argument of the next one.
struct Carry {
  std::string output;    ///< "1", "1.0", "state": its path; "0" of an output that is one tensor too
  std::string argument;  ///< "h0", "state.0", or a number: "1" is forward's second argument

  /// Reads "1=h0". Throws Error(Fault::usage).
  static Carry parse(const std::string& text);
};

/// "none" stands for no carries. Throws Error(Fault::usage).
std::vector<Carry> parseCarries(const std::vector<std::string>& texts);

/// Hands outputs of a call to arguments of the next.
class CarriedState {
 public:
  CarriedState() = default;
  /// `names` are those of forward's arguments. Throws Error(Fault::usage) where a carry names none of them, or the first,
  /// which is the stream.
  CarriedState(std::vector<Carry> carries, std::vector<std::string> names);

  [[nodiscard]] bool empty() const { return carries_.empty(); }
  /// Puts what `returned` holds into `arguments`. Throws Error(Fault::usage) where an output is not there, or is of another kind
  /// than the argument.
  void hand(const c10::IValue& returned, std::vector<c10::IValue>& arguments) const;
  /// Paths of the outputs, as NamedOutput has them, in what forward returned.
  [[nodiscard]] std::vector<std::string> paths(const c10::IValue& returned) const;
  /// "output 1 to h0, output 2 to c0".
  [[nodiscard]] std::string describe() const;

 private:
  struct Way {
    Carry carry;
    size_t argument = 0;              ///< index among forward's arguments
    std::vector<std::string> inside;  ///< path in it
  };
  std::vector<Way> carries_;
};

/// Which outputs may be the arguments of the next call, by names and shapes: "1=h0", "2=c0"; `arguments` are those of one call,
/// the first of which is the stream.
std::vector<std::string> fittingCarries(const std::vector<std::string>& names,
                                        const std::vector<c10::IValue>& arguments, const c10::IValue& returned);

}  // namespace heft
