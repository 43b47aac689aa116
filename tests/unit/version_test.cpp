#include "heft/version.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <string>

TEST(Version, IsThreeNumbersWithDotsBetween) {
  EXPECT_TRUE(std::regex_match(std::string(heft::version()), std::regex(R"(\d+\.\d+\.\d+)"))) << heft::version();
}
