#pragma once

namespace heft::cli {

/// Lets the program end with one line and an exit status where an exception finds nobody who handles it: in the libraries as
/// they load, in a thread of theirs, or while another one is being handled.
void prepareLastWords();

}  // namespace heft::cli
