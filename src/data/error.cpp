#include "heft/error.hpp"

#include "data/printable.hpp"

namespace heft {

Error::Error(Fault fault, const std::string& what)
    : std::runtime_error(printable(what, std::string::npos)), fault_(fault) {}

}  // namespace heft
