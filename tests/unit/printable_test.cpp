#include "data/printable.hpp"

#include <gtest/gtest.h>

#include "heft/error.hpp"

namespace heft {
namespace {

TEST(Printable, TextOfOthersCantBreakTheLineOrFloodIt) {
  EXPECT_EQ(printable("a\nb\x1b[31m"), "a\\x0ab\\x1b[31m");
  EXPECT_EQ(printable(std::string(200, 'x')).size(), 83U);
  EXPECT_EQ(printablePath(std::string(200, 'x')).size(), 200U);
}

TEST(Printable, AnErrorIsOneLineWhateverItsNamesAre) {
  const Error error(Fault::usage, "component 'a\r\nb': " + std::string(200, 'x'));
  EXPECT_EQ(std::string(error.what()), "component 'a\\x0d\\x0ab': " + std::string(200, 'x'));
  EXPECT_EQ(error.fault(), Fault::usage);
}

}  // namespace
}  // namespace heft
