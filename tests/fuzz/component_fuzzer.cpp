#include "end_or_refuse.hpp"
#include "measure/weights/component.hpp"
#include "measure/weights/selection.hpp"
#include "unit/structure_helpers.hpp"

// What --component and --parameters may be given.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const heft::Structure model = heft::test::smallStructure();
  const std::string text(reinterpret_cast<const char*>(data), size);
  heft::fuzz::endOrRefuse(heft::Fault::usage, [&] {
    const auto component = heft::parseComponent(model, text);
    // Its one form means the same.
    if (heft::parseComponent(model, component.name).name != component.name) std::abort();
  });
  heft::fuzz::endOrRefuse(heft::Fault::usage, [&] { (void)heft::select(model, std::span(&text, 1)); });
  return 0;
}
