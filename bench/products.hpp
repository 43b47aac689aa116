#pragma once

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/kernels/products/product_form.hpp"

namespace heft::bench {

/// What --products takes.
constexpr std::array kProducts{std::pair{ProductForm::halves, "halves"}, std::pair{ProductForm::rounded, "rounded"},
                               std::pair{ProductForm::floats, "float32"}};

inline ProductForm parseProducts(const std::string& text) {
  for (const auto& [form, name] : kProducts) {
    if (text == name) return form;
  }
  throw std::runtime_error("--products halves, rounded or float32 was expected");
}

inline std::string nameOf(ProductForm wanted) {
  for (const auto& [form, name] : kProducts) {
    if (form == wanted) return name;
  }
  return "";
}

}  // namespace heft::bench
