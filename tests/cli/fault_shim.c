// What a disk, a clock and an impatient killer do to a program, at a chosen moment; preloaded by faults.py.
//   FAULT_KILL=N     SIGKILL in front of the N-th change of a file (create, write, fsync, rename, delete, mkdir); a write is cut in half
//   FAULT_KILL_BEFORE=NAME  SIGKILL in front of the renaming that makes NAME appear
//   FAULT_ERROR=N:E  that change and all later ones of its kind fail with errno E (28: no space left; 5: the disk is broken)
//   FAULT_COUNT=FILE writes how many changes there were
//   FAULT_FAST=X     the steady clock runs X times as fast, so that what waits for seconds happens now
//   FAULT_JUMP=1     the wall clock leaps by years, back and forth, at every look
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum Kind { kCreate = 1, kWrite = 2, kSync = 4, kRename = 8, kDelete = 16, kFolder = 32 };

static long changes, kill_at, error_at;
static const char* kill_before;
static int error_code, failing;
static double fast = 1;
static int jump;
static struct timespec began;

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static int (*real_clock)(clockid_t, struct timespec*);

__attribute__((constructor)) static void begin(void) {
  const char* text = getenv("FAULT_KILL");
  if (text) kill_at = atol(text);
  kill_before = getenv("FAULT_KILL_BEFORE");
  text = getenv("FAULT_ERROR");
  if (text) {
    error_at = atol(text);
    error_code = atoi(strchr(text, ':') + 1);
  }
  text = getenv("FAULT_FAST");
  if (text) fast = atof(text);
  jump = getenv("FAULT_JUMP") != NULL;
  real_clock = REAL(clock_gettime);
  real_clock(CLOCK_MONOTONIC, &began);
}

__attribute__((destructor)) static void end(void) {
  const char* name = getenv("FAULT_COUNT");
  FILE* file = name ? fopen(name, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld\n", changes);
  fclose(file);
}

// 0: go on; else the errno to fail with.
static int change(enum Kind kind) {
  ++changes;
  if (changes == error_at) failing = kind;
  if (error_at && changes >= error_at && (failing & (int)kind)) return error_code;
  return 0;
}

static void die_here(void) {
  if (changes == kill_at) raise(SIGKILL);
}

static int regular(int descriptor) {
  struct stat facts;
  return fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
}

#define FAIL_IF(kind)              \
  do {                             \
    const int code = change(kind); \
    die_here();                    \
    if (code) {                    \
      errno = code;                \
      return -1;                   \
    }                              \
  } while (0)

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (flags & O_CREAT) FAIL_IF(kCreate);
  return REAL(open)(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open(path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  if (!regular(descriptor)) return REAL(write)(descriptor, bytes, count);
  const int code = change(kWrite);
  if (changes == kill_at) {
    (void)!REAL(write)(descriptor, bytes, count / 2);
    die_here();
  }
  if (code) {
    errno = code;
    return -1;
  }
  return REAL(write)(descriptor, bytes, count);
}

int fsync(int descriptor) {
  FAIL_IF(kSync);
  return REAL(fsync)(descriptor);
}

int rename(const char* from, const char* to) {
  if (kill_before && strstr(to, kill_before)) raise(SIGKILL);
  FAIL_IF(kRename);
  return REAL(rename)(from, to);
}

int unlink(const char* path) {
  FAIL_IF(kDelete);
  return REAL(unlink)(path);
}

int unlinkat(int folder, const char* path, int flags) {
  FAIL_IF(kDelete);
  return REAL(unlinkat)(folder, path, flags);
}

int remove(const char* path) {
  FAIL_IF(kDelete);
  return REAL(remove)(path);
}

int rmdir(const char* path) {
  FAIL_IF(kDelete);
  return REAL(rmdir)(path);
}

int mkdir(const char* path, mode_t mode) {
  FAIL_IF(kFolder);
  return REAL(mkdir)(path, mode);
}

static void scale(struct timespec* now) {
  const double seconds = (double)(now->tv_sec - began.tv_sec) + 1e-9 * (double)(now->tv_nsec - began.tv_nsec);
  const double scaled = (double)began.tv_sec + 1e-9 * (double)began.tv_nsec + fast * seconds;
  now->tv_sec = (time_t)scaled;
  now->tv_nsec = (long)((scaled - (double)now->tv_sec) * 1e9);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  static int looks;
  const int done = real_clock(clock, now);
  if (done == 0 && clock == CLOCK_MONOTONIC && fast != 1) scale(now);
  if (done == 0 && clock == CLOCK_REALTIME && jump) {
    static const time_t years[] = {0, 20, -20, -100, 3};  // -100: before 1970, too
    now->tv_sec += years[looks++ % 5] * 31556952;
  }
  return done;
}
