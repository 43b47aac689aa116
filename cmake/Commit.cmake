# Run by every build (cmake -DSOURCE=… -DTEMPLATE=… -DOUTPUT=… -P Commit.cmake): writes which commit is built into one small
# C++ file, and leaves the file alone where nothing changed, so that nothing is compiled again.

set(HEFT_COMMIT "unknown")
# Unpacked inside somebody else's clone, git would tell theirs.
if(EXISTS "${SOURCE}/.git")
  find_program(GIT git)
  if(GIT)
    execute_process(COMMAND "${GIT}" --no-optional-locks describe --tags --always --dirty
      WORKING_DIRECTORY "${SOURCE}" OUTPUT_VARIABLE _described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE _failed)
    if(NOT _failed AND _described MATCHES "^[A-Za-z0-9._/+-]+$")
      set(HEFT_COMMIT "${_described}")
    endif()
  endif()
endif()
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)
