# Settles what of CUDA is built, from the option HEFT_CUDA and from what this machine has:
#   HEFT_CUDA_KERNELS  Heft's own kernels: needs a CUDA compiler; runs without a device, and without LibTorch's CUDA part
#   HEFT_USES_CUDA     linked to LibTorch's CUDA part, so that models run on devices

set(HEFT_CUDA_KERNELS OFF)
set(HEFT_USES_CUDA OFF)
if(HEFT_CUDA)
  if(TARGET LibTorch::cuda)
    set(HEFT_USES_CUDA ON)
  elseif(NOT HEFT_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "HEFT_CUDA=${HEFT_CUDA}, but LibTorch in ${LibTorch_ROOT_DIR} has no usable CUDA part: HEFT_CUDA=ON scripts/setup installs one")
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  # scripts/setup puts a compiler beside LibTorch's CUDA libraries where there is no other.
  set(_own_nvcc "${LibTorch_ROOT_DIR}/../nvidia/cu13/bin/nvcc")
  if(NOT CMAKE_CUDA_COMPILER AND EXISTS "${_own_nvcc}")
    get_filename_component(_own_nvcc "${_own_nvcc}" ABSOLUTE)
    unset(CMAKE_CUDA_COMPILER)  # check_language's own, which would hide the cache's
    set(CMAKE_CUDA_COMPILER "${_own_nvcc}" CACHE FILEPATH "CUDA compiler" FORCE)
  endif()
  if(CMAKE_CUDA_COMPILER)
    # Turing, Ampere (and Ada), Hopper, Blackwell; PTX for what comes between and after. Your own alone builds faster.
    if(NOT CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES "75-real;80-real;90;120-real")
    endif()
    enable_language(CUDA)
    # CMake 3.25 does not know that today's compilers take C++20.
    if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(HEFT_CUDA_KERNELS ON)
  elseif(HEFT_USES_CUDA)
    message(WARNING "no CUDA compiler was found: models run on devices by LibTorch's operators alone, which is many times slower; put nvcc on the PATH")
  endif()
endif()
message(STATUS "CUDA: LibTorch's part ${HEFT_USES_CUDA}, Heft's kernels ${HEFT_CUDA_KERNELS}")
