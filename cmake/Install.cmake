# What `cmake --install` puts under its prefix: the program with its manual page and completions, and the library with its
# headers and CMake package, so that find_package(heft) works. Tests and benchmarks stay out.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/heft")

install(TARGETS heft RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")

# Two archives, since what needs LibTorch and what doesn't are compiled apart; a user links heft::heft and gets both.
set_target_properties(heft_core PROPERTIES EXPORT_NAME heft)
set_target_properties(heft_plain PROPERTIES EXPORT_NAME plain)
install(TARGETS heft_core heft_plain EXPORT heft ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT heft NAMESPACE heft:: FILE heftTargets.cmake DESTINATION "${_package}")
install(DIRECTORY include/heft DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")

# LibTorch is found again by the same rules, first of all where it was when this was built.
set(HEFT_PACKAGE_LIBTORCH "${LibTorch_ROOT_DIR}")
set(HEFT_PACKAGE_CUDA "${HEFT_USES_CUDA}")
set(HEFT_PACKAGE_CUDA_RUNTIME "")
if(HEFT_CUDA_KERNELS)
  find_library(HEFT_CUDA_RUNTIME cudart_static REQUIRED NO_DEFAULT_PATH
    PATHS ${CMAKE_CUDA_HOST_IMPLICIT_LINK_DIRECTORIES} ${CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES})
  mark_as_advanced(HEFT_CUDA_RUNTIME)
  set(HEFT_PACKAGE_CUDA_RUNTIME "${HEFT_CUDA_RUNTIME}")
endif()
configure_package_config_file(cmake/heftConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/heftConfig.cmake" INSTALL_DESTINATION "${_package}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/heftConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/heftConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/heftConfigVersion.cmake"
  cmake/FindLibTorch.cmake DESTINATION "${_package}")

install(PROGRAMS scripts/slurm/submit scripts/slurm/job DESTINATION "${CMAKE_INSTALL_DATADIR}/heft/slurm")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# The installed program writes these itself, so that they tell of the very commands that it has.
install(CODE "set(HEFT_BINDIR \"${CMAKE_INSTALL_BINDIR}\")
set(HEFT_DATADIR \"${CMAKE_INSTALL_DATADIR}\")
set(HEFT_MANDIR \"${CMAKE_INSTALL_MANDIR}\")")
install(SCRIPT cmake/InstallDocuments.cmake)
