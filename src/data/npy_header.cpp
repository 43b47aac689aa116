#include "data/npy_header.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "data/little_endian.hpp"
#include "data/printable.hpp"

namespace heft {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::uint64_t longestHeader = std::uint64_t{1} << 20U;  // NumPy's own headers stay below 10,000 bytes
constexpr std::size_t mostDimensions = 64;                        // NumPy's limit

/// Reads the one Python literal that a header is: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class LiteralScanner {
 public:
  LiteralScanner(const InputFile& file, std::string_view text) : file_(file), text_(text) {}

  bool take(char wanted) {
    skipSpace();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) fail(std::string("expected '") + wanted + "'");
  }
  std::string_view text() {
    skipSpace();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("expected a text in quotes");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a quote is not closed");
    const std::string_view found = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return found;
  }
  bool boolean() {
    skipSpace();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return word == "True";
      }
    }
    fail("expected True or False");
  }
  std::int64_t number() {
    skipSpace();
    std::int64_t value = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc() || value < 0) fail("expected a whole number that fits 63 bits");
    at_ += static_cast<std::size_t>(end - begin);
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers so
    return value;
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> numbers;
    expect('(');
    while (!take(')')) {
      numbers.push_back(number());
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return numbers;
  }
  void expectEnd() {
    skipSpace();
    if (at_ != text_.size()) fail("expected its end");
  }
  [[noreturn]] void fail(const std::string& problem) const {
    file_.fail("the .npy header is damaged: at its byte " + std::to_string(at_) + " " + problem);
  }

 private:
  void skipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }

  const InputFile& file_;
  std::string_view text_;
  std::size_t at_ = 0;
};

/// What a type that can't be used is called, so that a person knows what to convert.
std::string_view unusableType(char kind) {
  switch (kind) {
    case 'O':
      return "Python objects";
    case 'c':
      return "complex numbers";
    case 'S':
    case 'a':
    case 'U':
      return "text";
    case 'M':
    case 'm':
      return "dates or time spans";
    case 'V':
      return "raw bytes (a structured type or bfloat16)";
    default:
      return "a type that Heft does not know";
  }
}

struct Element {
  std::string_view code;
  Scalar readAs;
  std::size_t bytes;
  bool widened = false;
};

constexpr std::array<Element, 14> elements{{{"b1", Scalar::boolean, 1},
                                            {"i1", Scalar::i8, 1},
                                            {"u1", Scalar::u8, 1},
                                            {"i2", Scalar::i16, 2},
                                            {"i4", Scalar::i32, 4},
                                            {"i8", Scalar::i64, 8},
                                            {"f2", Scalar::f16, 2},
                                            {"f4", Scalar::f32, 4},
                                            {"f8", Scalar::f64, 8},
                                            {"u2", Scalar::i64, 2, true},
                                            {"u4", Scalar::i64, 4, true},
                                            {"u8", Scalar::i64, 8, true},
                                            {"c8", Scalar::c64, 8},
                                            {"c16", Scalar::c128, 16}}};

void applyType(const InputFile& file, std::string_view descr, NpyHeader& header) {
  const bool ordered = !descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
  const std::string_view code = descr.substr(ordered ? 1 : 0);
  for (const Element& element : elements) {
    if (element.code != code) continue;
    header.scalar = element.readAs;
    header.elementBytes = element.bytes;
    header.widened = element.widened;
    header.bigEndian = ordered && descr[0] == '>';
    return;
  }
  file.fail("the .npy array holds " + std::string(unusableType(code.empty() ? '\0' : code[0])) + " (dtype '" +
            printable(descr) + "'); save it as floats, integers or bool, e.g. with .astype('float32')");
}

NpyHeader parseDictionary(const InputFile& file, std::string_view text) {
  LiteralScanner scan(file, text);
  NpyHeader header;
  std::optional<std::string_view> descr;
  std::optional<bool> columnMajor;
  std::optional<std::vector<std::int64_t>> shape;
  scan.expect('{');
  while (!scan.take('}')) {
    const std::string_view key = scan.text();
    scan.expect(':');
    if (key == "descr" && !descr) {
      if (scan.take('[')) {
        file.fail(
            "the .npy array is a structured one (a table with named columns); save its columns as plain "
            "arrays");
      }
      descr = scan.text();
    } else if (key == "fortran_order" && !columnMajor) {
      columnMajor = scan.boolean();
    } else if (key == "shape" && !shape) {
      shape = scan.tuple();
    } else {
      scan.fail("has the key '" + printable(key) + "', which is unknown or stands there twice");
    }
    if (!scan.take(',')) {
      scan.expect('}');
      break;
    }
  }
  scan.expectEnd();
  if (!descr || !columnMajor || !shape)
    file.fail("the .npy header is damaged: 'descr', 'fortran_order' or 'shape' is missing");
  if (shape->size() > mostDimensions) {
    file.fail("the .npy array has " + std::to_string(shape->size()) + " dimensions, at most 64 are allowed");
  }
  applyType(file, *descr, header);
  header.columnMajor = *columnMajor;
  header.shape = std::move(*shape);
  return header;
}

std::string_view typeCode(Scalar scalar) {
  for (const Element& element : elements) {
    if (element.readAs == scalar && !element.widened) return element.code;
  }
  return "";
}

}  // namespace

NpyHeader readNpyHeader(const InputFile& file) {
  std::array<std::byte, 12> start{};
  const std::string_view text(reinterpret_cast<const char*>(start.data()), magic.size());
  file.readInto(0, std::span(start).first(1), "the .npy header");
  if (file.size() >= magic.size()) file.readInto(0, std::span(start).first(magic.size()), "the .npy header");
  if (text != magic && (file.size() >= magic.size() || text[0] != magic[0])) {
    file.fail("is no .npy file (it does not start with \\x93NUMPY); it looks like " + looksLike(file));
  }
  file.readInto(0, std::span(start).first(10), "the .npy header");
  const auto version = static_cast<unsigned>(start[6]);
  if (version < 1 || version > 3) {
    file.fail("is a .npy file of format version " + std::to_string(version) + "; versions 1 to 3 can be read");
  }
  if (version > 1) file.readInto(0, start, "the .npy header");
  const std::uint64_t textOffset = version == 1 ? 10 : 12;
  const std::uint64_t length = version == 1 ? loadLittle<std::uint16_t>(start, 8) : loadLittle<std::uint32_t>(start, 8);
  if (length > longestHeader) {
    file.fail("the .npy header claims " + std::to_string(length) +
              " bytes, more than any plain array needs; the file is damaged");
  }
  const std::vector<std::byte> bytes = file.read(textOffset, length, "the .npy header");
  NpyHeader header = parseDictionary(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  header.dataOffset = textOffset + length;
  return header;
}

std::string makeNpyHeader(Scalar scalar, const std::vector<std::int64_t>& shape) {
  std::string code(typeCode(scalar));
  if (code[0] != '<') code.insert(0, scalarBytes(scalar) == 1 ? "|" : "<");
  return makeNpyHeader(code, shape);
}

std::string makeNpyHeader(const std::string& code, const std::vector<std::int64_t>& shape) {
  std::string text = "{'descr': '" + code + "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  if (shape.size() == 1) text += ',';
  text += "), }";
  // NumPy leaves room for the first dimension to grow to 21 digits, then ends the head at a multiple of 64
  // bytes.
  if (!shape.empty()) text.append(21 - std::to_string(shape[0]).size(), ' ');
  constexpr std::size_t prefix = 10;
  text.append(63 - (prefix + text.size()) % 64, ' ');
  text += '\n';

  std::string head(magic);
  head += '\x01';
  head += '\0';
  appendLittle<std::uint16_t>(head, static_cast<std::uint16_t>(text.size()));
  return head + text;
}

}  // namespace heft
