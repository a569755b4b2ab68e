# SPDX-License-Identifier: Apache-2.0
# Libraries of the system. Each becomes an imported target; a missing one is named with its package.
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(MPI REQUIRED COMPONENTS C)
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET hwloc)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)

# oneDNN's own CMake config wants OpenCL headers that its C API for the CPU does not need.
find_path(DNNL_INCLUDE_DIR NAMES dnnl.h oneapi/dnnl/dnnl.h)
find_library(DNNL_LIBRARY NAMES dnnl)
if(NOT DNNL_INCLUDE_DIR OR NOT DNNL_LIBRARY)
    message(FATAL_ERROR "oneDNN is not there: install libdnnl-dev (Debian, Ubuntu) or set DNNL_INCLUDE_DIR and DNNL_LIBRARY")
endif()
add_library(mlbench_onednn INTERFACE IMPORTED)
target_include_directories(mlbench_onednn INTERFACE ${DNNL_INCLUDE_DIR})
target_link_libraries(mlbench_onednn INTERFACE ${DNNL_LIBRARY})
