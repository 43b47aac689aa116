# Finds LibTorch as it comes: an official archive, or the torch folder of a Python wheel. LibTorch's own package file asks
# for a CUDA toolkit even where only its CPU part is used; this one needs none.
#
# Looked for in HEFT_LIBTORCH (variable, else environment), CMAKE_PREFIX_PATH, then the cache that scripts/setup fills.
# Makes LibTorch::cpu, and LibTorch::cuda where the library has a CUDA part. Sets LibTorch_VERSION and LibTorch_CUDA_VERSION
# (of the CUDA that it was built with; "unknown" where it doesn't say).

set(_cache "$ENV{XDG_CACHE_HOME}")
if(NOT _cache)
  set(_cache "$ENV{HOME}/.cache")
endif()
set(_own "${HEFT_LIBTORCH}")
if(NOT _own AND NOT "$ENV{HEFT_LIBTORCH}" STREQUAL "")
  # Kept: the build configures again by itself where CMake's files change.
  set(_own "$ENV{HEFT_LIBTORCH}")
  set(HEFT_LIBTORCH "${_own}" CACHE PATH "LibTorch's folder")
endif()

if(_own)
  set(_folders "${_own}")
else()
  string(REPLACE ":" ";" _folders "$ENV{CMAKE_PREFIX_PATH}")
  list(PREPEND _folders ${CMAKE_PREFIX_PATH})
  list(APPEND _folders "${_cache}/heft/libtorch-2.11.0")
endif()

# A folder may be LibTorch itself, the site-packages around it, or what torch.utils.cmake_prefix_path says.
set(LibTorch_ROOT_DIR "")
foreach(_folder IN LISTS _folders)
  foreach(_root "${_folder}" "${_folder}/torch" "${_folder}/../..")
    if(NOT LibTorch_ROOT_DIR AND EXISTS "${_root}/lib/libtorch_cpu.so" AND EXISTS "${_root}/include/torch/script.h")
      get_filename_component(LibTorch_ROOT_DIR "${_root}" ABSOLUTE)
    endif()
  endforeach()
endforeach()

if(NOT LibTorch_ROOT_DIR)
  if(_own)
    set(_where "no LibTorch in HEFT_LIBTORCH=${_own}: that folder should hold lib/libtorch_cpu.so and include/torch/script.h")
  else()
    set(_where "LibTorch not found: run scripts/setup, or name its folder in HEFT_LIBTORCH")
  endif()
  message(FATAL_ERROR "${_where}")
endif()

set(_api "${LibTorch_ROOT_DIR}/include/torch/csrc/api/include")
foreach(_header "${LibTorch_ROOT_DIR}/include/torch/headeronly/version.h" "${_api}/torch/version.h")
  if(EXISTS "${_header}")
    file(STRINGS "${_header}" _lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE "[^0-9;]" "" _numbers "${_lines}")
    if(_numbers)
      list(JOIN _numbers "." LibTorch_VERSION)
      break()
    endif()
  endif()
endforeach()
if(NOT LibTorch_VERSION MATCHES "^2\\.11\\.")
  message(FATAL_ERROR "LibTorch in ${LibTorch_ROOT_DIR} is version '${LibTorch_VERSION}', Heft needs 2.11")
endif()

# A wheel says "cuda: Optional[str] = '13.0'" in version.py, an archive "2.11.0+cu130" in build-version.
set(LibTorch_CUDA_VERSION "unknown")
if(EXISTS "${LibTorch_ROOT_DIR}/version.py")
  file(STRINGS "${LibTorch_ROOT_DIR}/version.py" _line REGEX "^cuda")
  if(_line MATCHES "'([0-9.]+)'")
    set(LibTorch_CUDA_VERSION "${CMAKE_MATCH_1}")
  endif()
elseif(EXISTS "${LibTorch_ROOT_DIR}/build-version")
  file(STRINGS "${LibTorch_ROOT_DIR}/build-version" _line)
  if(_line MATCHES "[+]cu([0-9]+)([0-9])$")
    set(LibTorch_CUDA_VERSION "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
  endif()
endif()

set(_config "${LibTorch_ROOT_DIR}/share/cmake/Torch/TorchConfig.cmake")
if(EXISTS "${_config}")
  file(STRINGS "${_config}" _old_abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
  if(_old_abi)
    message(FATAL_ERROR "LibTorch in ${LibTorch_ROOT_DIR} has the C++ ABI from before 2011, take a build with the C++11 ABI")
  endif()
endif()

# A wheel keeps the CUDA libraries that even its CPU part needs in nvidia/ beside it.
file(GLOB _companions "${LibTorch_ROOT_DIR}/../nvidia/*/lib")
# LibTorch brings its own OpenMP runtime, under a name that differs between builds: a second one would double the threads.
file(GLOB _openmp "${LibTorch_ROOT_DIR}/lib/libgomp*.so*")

add_library(LibTorch::c10 SHARED IMPORTED)
set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_ROOT_DIR}/lib/libc10.so")
target_include_directories(LibTorch::c10 SYSTEM INTERFACE "${LibTorch_ROOT_DIR}/include" "${_api}")

add_library(LibTorch::torch_cpu SHARED IMPORTED)
set_target_properties(LibTorch::torch_cpu PROPERTIES IMPORTED_LOCATION "${LibTorch_ROOT_DIR}/lib/libtorch_cpu.so")

find_package(Threads REQUIRED)
add_library(LibTorch::cpu INTERFACE IMPORTED)
target_link_libraries(LibTorch::cpu INTERFACE LibTorch::torch_cpu LibTorch::c10 ${_openmp} Threads::Threads)
# at::parallel_for is a template that only splits its work where the caller is compiled for OpenMP.
target_compile_options(LibTorch::cpu INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
foreach(_folder IN ITEMS "${LibTorch_ROOT_DIR}/lib" ${_companions})
  get_filename_component(_folder "${_folder}" ABSOLUTE)
  target_link_options(LibTorch::cpu INTERFACE "LINKER:-rpath,${_folder}" "LINKER:-rpath-link,${_folder}")
endforeach()

# A wheel that was installed without its CUDA companions carries a CUDA part that can't be loaded.
if(EXISTS "${LibTorch_ROOT_DIR}/lib/libtorch_cuda.so" AND (NOT _companions OR _companions MATCHES "nvidia/cudnn/"))
  add_library(LibTorch::cuda INTERFACE IMPORTED)
  # The CUDA part registers itself when loaded and nothing refers to it by name, so the linker must be told to keep it.
  target_link_libraries(LibTorch::cuda INTERFACE LibTorch::cpu
    "-Wl,--push-state,--no-as-needed,${LibTorch_ROOT_DIR}/lib/libtorch_cuda.so,${LibTorch_ROOT_DIR}/lib/libc10_cuda.so,--pop-state")
endif()

set(LibTorch_FOUND TRUE)
message(STATUS "LibTorch ${LibTorch_VERSION} in ${LibTorch_ROOT_DIR}")
