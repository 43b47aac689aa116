#include "cli/sleeping_threads.hpp"

#include <unistd.h>

#include <cstddef>

namespace heft::cli {
namespace {

constexpr std::size_t kMostVariables = 4096;
constexpr std::size_t kLongestPath = 4096;

// Not on the stack, and by no library's functions: none has begun.
char* anew[kMostVariables + 2];
char path[kLongestPath];
constexpr const char* choices[] = {"OMP_WAIT_POLICY=", "GOMP_SPINCOUNT=", "KMP_BLOCKTIME="};
char policy[] = "OMP_WAIT_POLICY=passive";

bool begins(const char* text, const char* with) {
  while (*with != '\0') {
    if (*text++ != *with++) return false;
  }
  return true;
}

}  // namespace

void letThreadsSleep(int /*count*/, char** arguments, char** environment) {
  std::size_t variables = 0;
  for (; environment[variables] != nullptr; ++variables) {
    const char* one = environment[variables];
    for (const char* chosen : choices) {
      if (begins(one, chosen)) return;
    }
    if (variables == kMostVariables) return;
    anew[variables] = environment[variables];
  }
  anew[variables] = policy;
  // By its path, since what is started by the link is called "exe" in lists of processes.
  const auto length = ::readlink("/proc/self/exe", path, kLongestPath - 1);
  if (length <= 0) return;
  path[length] = '\0';
  ::execve(path, arguments, anew);
}

}  // namespace heft::cli
