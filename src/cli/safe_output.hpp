#pragma once

#include <ostream>
#include <streambuf>
#include <string>

namespace heft::cli {

/// While it lives, what is written to the stream can't act on a terminal: names of models, files and features, wherever they were read,
/// come through with control characters and bytes that are no UTF-8 as \xHH, within JSON as \u00HH. Line feeds and tabs stay.
class SafeOutput : std::streambuf {
 public:
  SafeOutput(std::ostream& stream, bool json);
  SafeOutput(const SafeOutput&) = delete;
  SafeOutput& operator=(const SafeOutput&) = delete;
  ~SafeOutput() override;

 private:
  int_type overflow(int_type one) override;
  std::streamsize xsputn(const char* text, std::streamsize count) override;
  int sync() override;
  bool write(bool all);

  std::ostream& stream_;
  std::streambuf* behind_;
  bool json_;
  std::string pending_;  ///< the beginning of a character
};

}  // namespace heft::cli
