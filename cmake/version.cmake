# SPDX-License-Identifier: Apache-2.0
# mlbench_version: the object that defines mlb_build (harness/base/version.h). What CMake knows is
# written when it configures; the revision, which changes without CMake, is looked up at every
# build.
set(generated ${PROJECT_BINARY_DIR}/generated)
configure_file(${CMAKE_CURRENT_LIST_DIR}/version.c.in ${generated}/version.c @ONLY)
find_package(Git QUIET)
add_custom_target(mlbench_revision
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DGIT=${GIT_EXECUTABLE}
        -DHEADER=${generated}/revision.h -P ${CMAKE_CURRENT_LIST_DIR}/write-revision.cmake
    BYPRODUCTS ${generated}/revision.h
    COMMENT "Looking up the revision"
    VERBATIM)
add_library(mlbench_version OBJECT ${generated}/version.c)
add_dependencies(mlbench_version mlbench_revision)
target_include_directories(mlbench_version PRIVATE ${generated})
target_compile_definitions(mlbench_version PRIVATE MLB_BUILD_TYPE="$<CONFIG>")
target_link_libraries(mlbench_version PRIVATE mlbench_flags)
target_sources(mlbench_base PRIVATE $<TARGET_OBJECTS:mlbench_version>)
