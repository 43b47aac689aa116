# What `heft report` writes stands in src/report/page as plain HTML, CSS and JavaScript. This puts it, with Plotly's
# JavaScript, into the program: sets report_page, the C++ source that holds it.
#
# Plotly is looked for in HEFT_PLOTLY (the file plotly.min.js; variable, else environment), then in the cache that scripts/setup fills.

set(HEFT_PLOTLY "" CACHE FILEPATH "plotly.min.js; empty: the one in the cache that scripts/setup fills")
set(_plotly "${HEFT_PLOTLY}")
if(NOT _plotly)
  set(_plotly "$ENV{HEFT_PLOTLY}")
endif()
if(NOT _plotly)
  set(_cache "$ENV{XDG_CACHE_HOME}")
  if(NOT _cache)
    set(_cache "$ENV{HOME}/.cache")
  endif()
  file(STRINGS "${PROJECT_SOURCE_DIR}/scripts/requirements-plotly.txt" _version REGEX "^plotly==")
  string(REGEX REPLACE "^plotly==([0-9.]+).*" "\\1" _version "${_version}")
  set(_plotly "${_cache}/heft/plotly-${_version}/plotly.min.js")
endif()
if(NOT EXISTS "${_plotly}")
  message(FATAL_ERROR "Plotly's JavaScript not found (${_plotly}): run scripts/setup, or name the file plotly.min.js in HEFT_PLOTLY")
endif()

set(HEFT_PAGE_FOLDER "${PROJECT_SOURCE_DIR}/src/report/page")
set(HEFT_PAGE_SCRIPT "${CMAKE_CURRENT_BINARY_DIR}/page_script.js")
list(TRANSFORM report_page_scripts PREPEND "${HEFT_PAGE_FOLDER}/")
add_custom_command(OUTPUT "${HEFT_PAGE_SCRIPT}" COMMAND cat ${report_page_scripts} > "${HEFT_PAGE_SCRIPT}"
  DEPENDS ${report_page_scripts} VERBATIM)

set(HEFT_PLOTLY_FILE "${_plotly}")
configure_file(report/page_parts.cpp.in page_parts.cpp @ONLY)
set(report_page "${CMAKE_CURRENT_BINARY_DIR}/page_parts.cpp")
set_source_files_properties(${report_page} PROPERTIES OBJECT_DEPENDS
  "${HEFT_PAGE_FOLDER}/page.html;${HEFT_PAGE_FOLDER}/page.css;${HEFT_PAGE_SCRIPT};${_plotly}")
