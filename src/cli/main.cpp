#include <iostream>

#include "engine/libtorch_version.hpp"
#include "heft/version.hpp"

int main() {
  std::cout << "heft " << heft::version() << ", LibTorch " << heft::libtorch_version() << '\n';
  return 0;
}
