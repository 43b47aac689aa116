#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

// ThreadSanitizer does not see how libgomp hands work to its threads and waits for them, since libgomp is not instrumented.
// This stands in front of it and says so: all that came before a region happens before its threads' work, and that before
// what follows.

namespace {

struct Region {
  void (*work)(void*);
  void* data;
  char begin, end;
};

void run(void* data) {
  auto* region = static_cast<Region*>(data);
  __tsan_acquire(&region->begin);
  region->work(region->data);
  __tsan_release(&region->end);
}

}  // namespace

extern "C" void GOMP_parallel(void (*work)(void*), void* data, unsigned threads, unsigned flags) {
  static const auto real = reinterpret_cast<decltype(&GOMP_parallel)>(::dlsym(RTLD_NEXT, "GOMP_parallel"));
  Region region{work, data, 0, 0};
  __tsan_release(&region.begin);
  real(run, &region, threads, flags);
  __tsan_acquire(&region.end);
}
