# Run while installing: the manual page and the completions, as the installed program prints them.

set(_prefix "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}")

function(heft_document file)
  get_filename_component(_folder "${_prefix}/${file}" DIRECTORY)
  file(MAKE_DIRECTORY "${_folder}")
  execute_process(COMMAND "${_prefix}/${HEFT_BINDIR}/heft" ${ARGN} OUTPUT_FILE "${_prefix}/${file}" RESULT_VARIABLE _failed)
  if(_failed)
    message(FATAL_ERROR "heft ${ARGN}: ${_failed}")
  endif()
  message(STATUS "Installing: ${_prefix}/${file}")
  set(CMAKE_INSTALL_MANIFEST_FILES "${CMAKE_INSTALL_MANIFEST_FILES};${CMAKE_INSTALL_PREFIX}/${file}" PARENT_SCOPE)
endfunction()

heft_document("${HEFT_MANDIR}/man1/heft.1" help --man)
heft_document("${HEFT_DATADIR}/bash-completion/completions/heft" completion bash)
heft_document("${HEFT_DATADIR}/zsh/site-functions/_heft" completion zsh)
heft_document("${HEFT_DATADIR}/fish/vendor_completions.d/heft.fish" completion fish)
