# Compiles through ccache where it is installed, with its folder outside the clone and shared by all clones.

find_program(CCACHE_PROGRAM ccache)
mark_as_advanced(CCACHE_PROGRAM)
if(NOT CCACHE_PROGRAM)
  return()
endif()

set(_folder "$ENV{CCACHE_DIR}")
if(NOT _folder)
  set(_folder "$ENV{XDG_CACHE_HOME}")
  if(NOT _folder)
    set(_folder "$ENV{HOME}/.cache")
  endif()
  string(APPEND _folder "/heft/ccache")
endif()

# The sloppiness and -fpch-preprocess are what ccache's manual asks for with precompiled headers; the base folder lets
# clones and build folders that lie side by side share their results.
set(CMAKE_CXX_COMPILER_LAUNCHER
  "${CMAKE_COMMAND}" -E env
  "CCACHE_DIR=${_folder}" "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
  CCACHE_PCH_EXTSUM=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
  "${CMAKE_CURRENT_LIST_DIR}/ccache-launcher" "${CCACHE_PROGRAM}")
set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
