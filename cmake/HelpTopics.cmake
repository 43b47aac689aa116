# What `heft help TOPIC` says stands in src/cli/topics as plain text. This puts it into the program: sets help_topics_source,
# the C++ source that holds it, from the list help_topics.

set(HEFT_TOPICS "")
foreach(_topic IN LISTS help_topics)
  set(_file "${PROJECT_SOURCE_DIR}/src/cli/topics/${_topic}.txt")
  file(READ "${_file}" _text)
  string(APPEND HEFT_TOPICS "    {\"${_topic}\", R\"topic(${_text})topic\"},\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${_file}")
endforeach()
configure_file(cli/topics.cpp.in topics.cpp @ONLY)
set(help_topics_source "${CMAKE_CURRENT_BINARY_DIR}/topics.cpp")
