#include "cli/last_words.hpp"

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

#include "heft/error.hpp"

namespace heft::cli {
namespace {

/// Nothing here may take memory: there may be none.
[[noreturn]] void end(std::string_view words, Fault fault) {
  (void)!::write(STDERR_FILENO, words.data(), words.size());
  std::_Exit(static_cast<int>(fault));
}

[[noreturn]] void sayLastWords() {
  try {
    if (const auto error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    end("out of memory, and no way to give some back; give heft more (ulimit -v, the job's limit)\n", Fault::memory);
  } catch (...) {
  }
  end("a defect of heft, please report it: it ended where it could not go on\n", Fault::internal);
}

}  // namespace

void prepareLastWords() { std::set_terminate(sayLastWords); }

}  // namespace heft::cli
