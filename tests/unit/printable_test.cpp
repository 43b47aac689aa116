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

TEST(Printable, WhatATerminalActsOnOrIsNoUtf8IsShownByItsBytes) {
  EXPECT_EQ(printable("häß → ✓ 𝄞"), "häß → ✓ 𝄞");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");  // CSI of eight bits
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b"),
            "a\\xe2\\x80\\xaeb");  // right-to-left override
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                    // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond Unicode
  EXPECT_EQ(printable("a\xe2\x82"), "a\\xe2\\x82");                  // ends within a character
  EXPECT_EQ(printable("\xe2\x28\xa1"), "\\xe2(\\xa1");
  const auto shown = printable("h\xc3\xa4\x1b[0m\xff");
  EXPECT_EQ(printable(shown), shown);          // an error's text passes through here twice
  EXPECT_EQ(printable("ääääää", 5), "ää...");  // cut between characters
}

TEST(Printable, AnErrorIsOneLineWhateverItsNamesAre) {
  const Error error(Fault::usage, "component 'a\r\nb': " + std::string(200, 'x'));
  EXPECT_EQ(std::string(error.what()), "component 'a\\x0d\\x0ab': " + std::string(200, 'x'));
  EXPECT_EQ(error.fault(), Fault::usage);
}

}  // namespace
}  // namespace heft
