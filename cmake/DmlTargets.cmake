# dml_library(NAME DEPS ... PCH base|grpc|none [EXCLUDE regex]): a static library of every .cc below
# the current folder. dml_tests(NAME FOLDER ... DEPS ... [PCH test|test_grpc] [EXCLUDE regex]): one
# test binary for a folder.

function(dml_library name)
  cmake_parse_arguments(ARG "" "PCH;EXCLUDE" "DEPS;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB_RECURSE ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
    if(ARG_EXCLUDE)
      list(FILTER ARG_SOURCES EXCLUDE REGEX ${ARG_EXCLUDE})
    endif()
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
  target_compile_features(${name} PUBLIC cxx_std_20)  # For whoever links what is installed.
  dml_use_pch(${name} ${ARG_PCH})
endfunction()

# Two precompiled headers for the product (base, grpc), two for its tests; see cmake/pch/.
function(dml_use_pch name kind)
  if(kind AND NOT kind STREQUAL "none")
    target_precompile_headers(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch/${kind}.h)
  endif()
endfunction()

# The allocator of a program (docs/adr/0012): messages of a mebibyte come and go without page
# faults. Sanitizers bring their own.
function(dml_use_allocator name)
  if(NOT DML_SANITIZE)
    target_link_libraries(${name} PRIVATE -Wl,--no-as-needed PkgConfig::TCMALLOC -Wl,--as-needed)
  endif()
endfunction()

function(dml_tests name)
  cmake_parse_arguments(ARG "" "FOLDER;PCH;EXCLUDE" "DEPS;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB_RECURSE ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_FOLDER}/*.cc)
    if(ARG_EXCLUDE)
      list(FILTER ARG_SOURCES EXCLUDE REGEX ${ARG_EXCLUDE})
    endif()
  endif()
  if(NOT ARG_PCH)
    set(ARG_PCH test)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} dml_test_paths GTest::gmock
                                        GTest::gtest_main)
  dml_use_pch(${name} ${ARG_PCH})
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT 300)
endfunction()
