#include "cli/safe_output.hpp"

#include <cstdio>
#include <string_view>

#include "data/printable.hpp"

namespace heft::cli {
namespace {

/// JSON has no escape for a byte: what is no character stands as the one that replaces such.
std::string jsonEscape(const TextPiece& piece) {
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(piece.code == 0 ? 0xfffd : piece.code) & 0xffffU);
  return text;
}

}  // namespace

SafeOutput::SafeOutput(std::ostream& stream, bool json) : stream_(stream), behind_(stream.rdbuf()), json_(json) {
  stream_.rdbuf(this);
}

SafeOutput::~SafeOutput() {
  write(true);
  stream_.rdbuf(behind_);
}

bool SafeOutput::write(bool all) {
  std::string out;
  std::size_t at = 0;
  while (at < pending_.size()) {
    const std::string_view rest = std::string_view(pending_).substr(at);
    const auto piece = nextPiece(rest);
    if (piece.kind == TextPiece::Kind::cut && !all) break;
    const auto bytes = rest.substr(0, piece.length);
    if (piece.kind == TextPiece::Kind::plain || bytes == "\n" || bytes == "\t")
      out += bytes;
    else
      out += json_ ? jsonEscape(piece) : hexBytes(bytes);
    at += piece.length;
  }
  pending_.erase(0, at);
  const auto size = static_cast<std::streamsize>(out.size());
  return behind_->sputn(out.data(), size) == size;
}

SafeOutput::int_type SafeOutput::overflow(int_type one) {
  if (traits_type::eq_int_type(one, traits_type::eof())) return traits_type::not_eof(one);
  pending_ += traits_type::to_char_type(one);
  return write(false) ? one : traits_type::eof();
}

std::streamsize SafeOutput::xsputn(const char* text, std::streamsize count) {
  pending_.append(text, static_cast<std::size_t>(count));
  return write(false) ? count : 0;
}

int SafeOutput::sync() { return behind_->pubsync(); }

}  // namespace heft::cli
