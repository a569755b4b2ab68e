# SPDX-License-Identifier: Apache-2.0
# Libraries of the system. Each becomes an imported target and a MLBENCH_<NAME>_VERSION; all that
# are missing are named together, with their packages.
set(mlbench_missing "")
set(mlbench_apt "")
set(mlbench_dnf "")
macro(mlbench_lacks what apt dnf)
    string(APPEND mlbench_missing "\n    ${what}")
    string(APPEND mlbench_apt " ${apt}")
    string(APPEND mlbench_dnf " ${dnf}")
endmacro()

# The version in a header's "#define NAME_MAJOR 1" lines; empty when it has none.
function(mlbench_header_version result header major minor patch)
    set(text "")
    if(EXISTS "${header}")
        set(names "(${major}|${minor}|${patch})")
        file(STRINGS "${header}" text REGEX "^#[ \t]*define[ \t]+${names}[ \t]+[0-9]+")
    endif()
    set(version "")
    foreach(name IN ITEMS ${major} ${minor} ${patch})
        if(text MATCHES "${name}[ \t]+([0-9]+)")
            list(APPEND version ${CMAKE_MATCH_1})
        endif()
    endforeach()
    list(JOIN version "." version)
    set(${result} "${version}" PARENT_SCOPE)
endfunction()

# ------------------------------------------------------------------------------------------- OpenMP
find_package(OpenMP COMPONENTS C QUIET)
if(NOT OpenMP_C_FOUND)
    mlbench_lacks("OpenMP for ${CMAKE_C_COMPILER_ID} (Clang wants libomp)" libomp-dev libomp-devel)
elseif(MLBENCH_SANITIZE MATCHES "thread")
    # ThreadSanitizer does not see the barriers of libgomp and takes each parallel loop for a race.
    # Loops run on one thread then; threads of our own are what is checked.
    set_property(TARGET OpenMP::OpenMP_C PROPERTY INTERFACE_COMPILE_OPTIONS -Wno-unknown-pragmas
        -Wno-unused-parameter -Wno-unused-variable)
endif()

# ---------------------------------------------------------------------------------------------- MPI
# Clouds' images keep theirs off the PATH: Amazon EFA, NVIDIA HPC-X, Fedora's and RHEL's modules.
find_program(MLBENCH_MPICC mpicc PATHS /opt/amazon/openmpi5/bin /opt/amazon/openmpi/bin
    /opt/hpcx/ompi/bin /usr/local/mpi/bin /usr/lib64/openmpi/bin)
mark_as_advanced(MLBENCH_MPICC)
if(MLBENCH_MPICC AND NOT DEFINED MPI_C_COMPILER)
    set(MPI_C_COMPILER ${MLBENCH_MPICC} CACHE FILEPATH "MPI compiler for C")
endif()
find_package(MPI COMPONENTS C QUIET)
if(MPI_C_FOUND)
    set(MLBENCH_MPI_VERSION "MPI ${MPI_C_VERSION}")
    foreach(dir IN LISTS MPI_C_INCLUDE_DIRS)
        mlbench_header_version(version ${dir}/mpi.h
            OMPI_MAJOR_VERSION OMPI_MINOR_VERSION OMPI_RELEASE_VERSION)
        if(version)
            set(MLBENCH_MPI_VERSION "Open MPI ${version}")
            break()
        endif()
    endforeach()
else()
    mlbench_lacks("Open MPI (mpicc, mpi.h)" "libopenmpi-dev openmpi-bin" openmpi-devel)
endif()

# ---------------------------------------------------------------------------------- hwloc and cJSON
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(HWLOC QUIET IMPORTED_TARGET hwloc>=2.0)
    pkg_check_modules(CJSON QUIET IMPORTED_TARGET libcjson)
    if(NOT HWLOC_FOUND)
        mlbench_lacks("hwloc 2 (pkg-config hwloc)" libhwloc-dev hwloc-devel)
    endif()
    if(NOT CJSON_FOUND)
        mlbench_lacks("cJSON (pkg-config libcjson)" libcjson-dev cjson-devel)
    endif()
else()
    mlbench_lacks("pkg-config, which finds hwloc and cJSON" "pkg-config libhwloc-dev libcjson-dev"
        "pkgconf-pkg-config hwloc-devel cjson-devel")
endif()
set(MLBENCH_HWLOC_VERSION ${HWLOC_VERSION})
set(MLBENCH_CJSON_VERSION ${CJSON_VERSION})

# ------------------------------------------------------------------------------------------- oneDNN
# Versions 2 and 3. Not by its own CMake config: that one asks for OpenCL's headers, which the C API
# of the CPU has no use for.
find_path(DNNL_INCLUDE_DIR NAMES oneapi/dnnl/dnnl.h PATHS /opt/intel/oneapi/dnnl/latest/include)
find_library(DNNL_LIBRARY NAMES dnnl PATHS /opt/intel/oneapi/dnnl/latest/lib)
if(DNNL_INCLUDE_DIR AND DNNL_LIBRARY)
    mlbench_header_version(MLBENCH_ONEDNN_VERSION ${DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h
        DNNL_VERSION_MAJOR DNNL_VERSION_MINOR DNNL_VERSION_PATCH)
    if(MLBENCH_ONEDNN_VERSION AND MLBENCH_ONEDNN_VERSION VERSION_LESS 2.0)
        message(FATAL_ERROR "oneDNN ${MLBENCH_ONEDNN_VERSION} in ${DNNL_INCLUDE_DIR} is too old: "
            "versions 2 and 3 do; point DNNL_INCLUDE_DIR and DNNL_LIBRARY at one")
    endif()
    add_library(mlbench_onednn INTERFACE IMPORTED)
    target_include_directories(mlbench_onednn INTERFACE ${DNNL_INCLUDE_DIR})
    target_link_libraries(mlbench_onednn INTERFACE ${DNNL_LIBRARY})
else()
    mlbench_lacks("oneDNN (oneapi/dnnl/dnnl.h, libdnnl; or set DNNL_INCLUDE_DIR and DNNL_LIBRARY)"
        libdnnl-dev onednn-devel)
endif()

# ------------------------------------------------------------------------------------------ libcurl
# Its header alone: the library is opened when a metadata service is asked. Without it a build does
# all but that, so a machine that lacks it can still measure.
set(MLBENCH_HAVE_CURL OFF)
if(NOT MLBENCH_CURL STREQUAL "OFF")
    find_path(MLBENCH_CURL_INCLUDE_DIR NAMES curl/curl.h)
    mark_as_advanced(MLBENCH_CURL_INCLUDE_DIR)
    if(MLBENCH_CURL_INCLUDE_DIR)
        set(MLBENCH_HAVE_CURL ON)
        file(STRINGS "${MLBENCH_CURL_INCLUDE_DIR}/curl/curlver.h" MLBENCH_CURL_VERSION
            REGEX "^#define LIBCURL_VERSION \"")
        string(REGEX REPLACE ".*\"(.*)\".*" "\\1" MLBENCH_CURL_VERSION "${MLBENCH_CURL_VERSION}")
    elseif(MLBENCH_CURL STREQUAL "ON")
        mlbench_lacks("libcurl's header (or configure with -DMLBENCH_CURL=AUTO)"
            libcurl4-openssl-dev libcurl-devel)
    endif()
endif()

# ------------------------------------------------------------------------------------------- cmocka
if(MLBENCH_TESTS)
    find_package(cmocka QUIET)
    if(NOT cmocka_FOUND)
        mlbench_lacks("cmocka for the tests (or configure with -DMLBENCH_TESTS=OFF)" libcmocka-dev
            libcmocka-devel)
    endif()
endif()

# An installed program finds libraries that lie in folders of their own (/opt/amazon, modules).
foreach(library IN LISTS MPI_C_LIBRARIES DNNL_LIBRARY)
    if(library MATCHES "^/" AND NOT library MATCHES "^(/usr)?/lib/")
        set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
    endif()
endforeach()

if(mlbench_missing)
    message(FATAL_ERROR "mlbench needs what is not on this machine:${mlbench_missing}\n"
        "Debian, Ubuntu:  apt-get install${mlbench_apt}\n"
        "Fedora, RHEL:    dnf install${mlbench_dnf}\n"
        "(RHEL, Alma, Rocky: some are in EPEL and CRB; oneDNN is intel-oneapi-dnnl-devel in "
        "Intel's repository.) scripts/install-deps does this where there is apt.")
endif()
