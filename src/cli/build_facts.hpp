#pragma once

#include <string>
#include <string_view>

namespace heft::cli {

/// The commit that this program was built from, as "git describe --tags --always --dirty" names it; "unknown" where the
/// sources were no clone.
[[nodiscard]] std::string_view commit() noexcept;

/// The CUDA version of the LibTorch that this program is linked to, as in "13.0"; "none" where that has no CUDA part.
[[nodiscard]] std::string_view torchCuda() noexcept;

/// The CUDA architectures that Heft's own kernels are compiled for, as in "75-real 90"; "none" where there are none.
[[nodiscard]] std::string_view kernelArchitectures() noexcept;

/// What `heft --version` prints: versions of Heft, LibTorch and CUDA, architectures, commit.
[[nodiscard]] std::string versionText();

}  // namespace heft::cli
