#include "data/pickle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <unordered_map>

#include "data/little_endian.hpp"
#include "data/printable.hpp"

namespace heft {
namespace {

using Kind = Pickled::Kind;
using Object = std::shared_ptr<Pickled>;

constexpr std::uint32_t deepest = 32;
constexpr std::uint64_t furthest = 10'000'000;
constexpr std::size_t longest = std::size_t{16} << 20U;  // an object takes a hundred times its opcode

enum Opcode : std::uint8_t {
  proto = 0x80,
  frame = 0x95,
  stop = '.',
  mark = '(',
  none = 'N',
  newTrue = 0x88,
  newFalse = 0x89,
  binInt = 'J',
  binInt1 = 'K',
  binInt2 = 'M',
  long1 = 0x8a,
  binFloat = 'G',
  shortBinUnicode = 0x8c,
  binUnicode = 'X',
  binUnicode8 = 0x8d,
  emptyTuple = ')',
  tuple = 't',
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  emptyList = ']',
  list = 'l',
  append = 'a',
  appends = 'e',
  emptyDict = '}',
  dict = 'd',
  setItem = 's',
  setItems = 'u',
  binPut = 'q',
  longBinPut = 'r',
  memoize = 0x94,
  binGet = 'h',
  longBinGet = 'j',
  global = 'c',
  stackGlobal = 0x93,
  reduce = 'R',
  newObject = 0x81,
  build = 'b',
  binPersid = 'Q',
};

class PickleReader {
 public:
  PickleReader(const InputFile& file, std::span<const std::byte> bytes) : file_(file), bytes_(bytes) {}

  std::shared_ptr<const Pickled> read() {
    if (bytes_.size() > longest)
      fail("is longer than " + std::to_string(longest) + " bytes, which is more than tensors need");
    if (take<std::uint8_t>() != proto) fail("has no protocol");
    if (const auto protocol = take<std::uint8_t>(); protocol < 2 || protocol > 5)
      fail("is of protocol " + std::to_string(protocol) + "; expected 2 to 5");
    while (true) {
      const auto opcode = take<std::uint8_t>();
      if (opcode == stop) break;
      perform(opcode);
    }
    if (stack_.size() != 1 || !marks_.empty())
      fail("leaves " + std::to_string(stack_.size()) + " objects; expected one");
    return stack_.back();
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    file_.fail("the pickle " + what + " (before its byte " + std::to_string(at_) + ")");
  }

  template <typename T>
  T take() {
    if (bytes_.size() - at_ < sizeof(T)) fail("ends too early");
    const T value = loadLittle<T>(bytes_, at_);
    at_ += sizeof(T);
    return value;
  }

  std::string takeText(std::uint64_t count) {
    if (bytes_.size() - at_ < count) fail("ends too early");
    std::string text(reinterpret_cast<const char*>(bytes_.data()) + at_, count);
    at_ += count;
    return text;
  }

  std::string takeLine() {
    const auto rest = bytes_.subspan(at_);
    const auto end = std::find(rest.begin(), rest.end(), std::byte{'\n'});
    if (end == rest.end()) fail("ends too early");
    std::string line = takeText(static_cast<std::uint64_t>(end - rest.begin()));
    ++at_;
    return line;
  }

  static Pickled of(Kind kind) {
    Pickled object;
    object.kind = kind;
    return object;
  }

  void push(Pickled object) { stack_.push_back(std::make_shared<Pickled>(std::move(object))); }
  void push(Kind kind, std::int64_t integer) {
    Pickled object = of(kind);
    object.integer = integer;
    push(std::move(object));
  }
  void push(Kind kind, std::string text) {
    Pickled object = of(kind);
    object.text = std::move(text);
    push(std::move(object));
  }
  void pushNumber(double number) {
    Pickled object = of(Kind::number);
    object.number = number;
    push(std::move(object));
  }

  /// Where what the opcode may take begins: nothing from before the last mark.
  [[nodiscard]] std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  Object pop() {
    if (stack_.size() <= floor()) fail("takes an object that is not there");
    Object object = std::move(stack_.back());
    stack_.pop_back();
    return object;
  }

  std::vector<Object> popCount(std::size_t count) {
    if (stack_.size() - floor() < count) fail("takes objects that are not there");
    return popFrom(stack_.size() - count);
  }

  std::vector<Object> popMarked() {
    if (marks_.empty()) fail("takes up to a mark that is not there");
    const std::size_t start = marks_.back();
    marks_.pop_back();
    return popFrom(start);
  }

  std::vector<Object> popFrom(std::size_t start) {
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(start);
    std::vector<Object> objects(std::make_move_iterator(begin), std::make_move_iterator(stack_.end()));
    stack_.erase(begin, stack_.end());
    return objects;
  }

  void put(Pickled& into, std::vector<Object> objects) {
    if (into.shared) fail("changes an object that stands in two places");
    for (Object& object : objects) {
      into.depth = std::max(into.depth, object->depth + 1);
      into.reach += object->reach;
      if (into.depth > deepest) fail("nests objects more than " + std::to_string(deepest) + " deep");
      if (into.reach > furthest) fail("holds more than " + std::to_string(furthest) + " objects");
      into.items.push_back(std::move(object));
    }
  }

  void pushFilled(Kind kind, std::vector<Object> objects) {
    Pickled object = of(kind);
    if (kind == Kind::dict && objects.size() % 2 != 0) fail("has a key without a value");
    put(object, std::move(objects));
    push(std::move(object));
  }

  void putIntoTop(Kind kind, std::vector<Object> objects) {
    if (stack_.size() <= floor()) fail("fills an object that is not there");
    Pickled& into = *stack_.back();
    const bool takes = kind == Kind::dict ? into.kind == Kind::dict || into.kind == Kind::call : into.kind == kind;
    if (!takes) fail("puts items into what takes none");
    if (kind == Kind::dict && objects.size() % 2 != 0) fail("has a key without a value");
    put(into, std::move(objects));
  }

  void store(std::uint32_t place) {
    if (stack_.size() <= floor()) fail("remembers an object that is not there");
    memo_[place] = stack_.back();
  }

  void recall(std::uint32_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) fail("recalls an object that was not remembered");
    found->second->shared = true;
    stack_.push_back(found->second);
  }

  /// A whole number of up to 8 bytes, two's complement.
  std::int64_t takeLong() {
    const auto count = take<std::uint8_t>();
    if (count > 8) fail("has a whole number of more than 64 bits");
    std::uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i) value |= std::uint64_t{take<std::uint8_t>()} << (8 * i);
    if (count > 0 && count < 8 && (value >> (8U * count - 1)) != 0) value |= ~std::uint64_t{0} << (8U * count);
    return std::bit_cast<std::int64_t>(value);
  }

  double takeFloat() {
    auto bytes = take<std::array<std::byte, 8>>();
    std::reverse(bytes.begin(), bytes.end());  // the one big-endian thing in it
    return std::bit_cast<double>(bytes);
  }

  void pushNamed(const std::string& module, const std::string& name) { push(Kind::global, module + "." + name); }

  void perform(std::uint8_t opcode) {
    if (opcode == frame) {
      (void)take<std::uint64_t>();
    } else if (opcode == mark) {
      marks_.push_back(stack_.size());
    } else if (!pushesValue(opcode) && !fillsContainer(opcode) && !usesMemo(opcode) && !namesOrCalls(opcode)) {
      fail("has the opcode " + std::to_string(opcode) + ", which files of tensors don't need");
    }
  }

  // Each of these performs the opcodes of its group, and returns whether the given one was among them.

  /// Numbers, texts, and none.
  bool pushesValue(std::uint8_t opcode) {
    switch (opcode) {
      case none:
        push({});
        break;
      case newTrue:
        push(Kind::boolean, 1);
        break;
      case newFalse:
        push(Kind::boolean, 0);
        break;
      case binInt:
        push(Kind::integer, take<std::int32_t>());
        break;
      case binInt1:
        push(Kind::integer, take<std::uint8_t>());
        break;
      case binInt2:
        push(Kind::integer, take<std::uint16_t>());
        break;
      case long1:
        push(Kind::integer, takeLong());
        break;
      case binFloat:
        pushNumber(takeFloat());
        break;
      case shortBinUnicode:
        push(Kind::text, takeText(take<std::uint8_t>()));
        break;
      case binUnicode:
        push(Kind::text, takeText(take<std::uint32_t>()));
        break;
      case binUnicode8:
        push(Kind::text, takeText(take<std::uint64_t>()));
        break;
      default:
        return false;
    }
    return true;
  }

  /// Makes tuples, lists and dicts, and puts items into them.
  bool fillsContainer(std::uint8_t opcode) {
    switch (opcode) {
      case emptyTuple:
        push(of(Kind::tuple));
        break;
      case tuple:
        pushFilled(Kind::tuple, popMarked());
        break;
      case tuple1:
        pushFilled(Kind::tuple, popCount(1));
        break;
      case tuple2:
        pushFilled(Kind::tuple, popCount(2));
        break;
      case tuple3:
        pushFilled(Kind::tuple, popCount(3));
        break;
      case emptyList:
        push(of(Kind::list));
        break;
      case list:
        pushFilled(Kind::list, popMarked());
        break;
      case append:
        putIntoTop(Kind::list, popCount(1));
        break;
      case appends:
        putIntoTop(Kind::list, popMarked());
        break;
      case emptyDict:
        push(of(Kind::dict));
        break;
      case dict:
        pushFilled(Kind::dict, popMarked());
        break;
      case setItem:
        putIntoTop(Kind::dict, popCount(2));
        break;
      case setItems:
        putIntoTop(Kind::dict, popMarked());
        break;
      default:
        return false;
    }
    return true;
  }

  /// Remembers an object under a number, or pushes the one that was remembered.
  bool usesMemo(std::uint8_t opcode) {
    switch (opcode) {
      case binPut:
        store(take<std::uint8_t>());
        break;
      case longBinPut:
        store(take<std::uint32_t>());
        break;
      case memoize:
        store(static_cast<std::uint32_t>(memo_.size()));
        break;
      case binGet:
        recall(take<std::uint8_t>());
        break;
      case longBinGet:
        recall(take<std::uint32_t>());
        break;
      default:
        return false;
    }
    return true;
  }

  /// Names classes and functions, notes calls of them, and what a file keeps outside of its pickle.
  bool namesOrCalls(std::uint8_t opcode) {
    switch (opcode) {
      case global: {
        const std::string module = takeLine();
        pushNamed(module, takeLine());
        break;
      }
      case stackGlobal: {
        const auto names = popCount(2);
        if (names[0]->kind != Kind::text || names[1]->kind != Kind::text) fail("names a global without text");
        pushNamed(names[0]->text, names[1]->text);
        break;
      }
      case reduce:
      case newObject: {
        auto call = popCount(2);
        if (call[0]->kind != Kind::global) fail("calls what is no global");
        if (call[1]->kind != Kind::tuple) fail("calls '" + printable(call[0]->text) + "' without arguments");
        pushFilled(Kind::call, std::move(call));
        break;
      }
      case build:
        (void)pop();
        break;  // attributes of an object, such as those of an OrderedDict
      case binPersid:
        pushFilled(Kind::persistent, popCount(1));
        break;
      default:
        return false;
    }
    return true;
  }

  const InputFile& file_;
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::vector<Object> stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::unordered_map<std::uint32_t, Object> memo_;
};

}  // namespace

std::shared_ptr<const Pickled> readPickle(const InputFile& file, std::span<const std::byte> pickle) {
  return PickleReader(file, pickle).read();
}

}  // namespace heft
