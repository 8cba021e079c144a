# Language level, warnings, sanitizers, compiler cache and linker: the same for every target.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(DML_BUILD_TESTS "Build the tests" ON)
option(DML_BUILD_BENCH "Build the benchmarks" ON)
option(DML_WERROR "Treat warnings as errors" ON)
option(DML_FUZZ "Build dml-fuzz, with libFuzzer (Clang only)" OFF)
set(DML_SANITIZE "" CACHE STRING "Sanitizers: empty, or a list such as address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

add_compile_options(-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers)
if(DML_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of GCC 12 in std::string and absl::StatusOr at -O2 (GCC bugs 105329, 105651).
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow
                      -Wno-stringop-overread -Wno-array-bounds -Wno-dangling-pointer)
else()
  # Names of templates as GCC 12, which built Debian's libraries, forms them (absl::Cord); and
  # libstdc++ 12 itself uses what it calls deprecated (std::stable_sort).
  add_compile_options(-fclang-abi-compat=17 -Wno-deprecated-declarations)
endif()
if(DML_SANITIZE)
  add_compile_options(-fsanitize=${DML_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DML_SANITIZE})
endif()

if(DML_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "DML_FUZZ needs Clang, which has libFuzzer: cmake --preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# The checkout's place is in no object: builds are alike wherever they are made.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
find_program(DML_CCACHE ccache)
if(DML_CCACHE AND NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
  # Precompiled headers want ccache told that their time stamps and defines may be trusted; with
  # paths taken relative to the checkout every checkout shares the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${DML_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  else()
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

find_program(DML_MOLD mold)
if(DML_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
