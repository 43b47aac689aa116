#include "data/process_age.hpp"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace heft {

double processAge() {
  // proc(5): field 22 is the start in clock ticks after the system's; field 2, a name, may hold blanks and brackets.
  std::ifstream stat("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(stat), {}};
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 2)));
  std::string word;
  for (int field = 3; field <= 22; ++field) fields >> word;
  timespec now{};
  if (!fields || clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return std::max(0.0,
                  static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec) - std::stod(word) / ticks);
}

}  // namespace heft
