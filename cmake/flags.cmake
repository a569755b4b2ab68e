# SPDX-License-Identifier: Apache-2.0
# mlbench_flags: what every target of the project compiles with. No -march: a package built here
# must start on any x86-64 or arm64 machine; hot code chooses its instructions when it runs.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set_property(CACHE CMAKE_BUILD_TYPE PROPERTY STRINGS Release Debug RelWithDebInfo)
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(mlbench_warnings -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wvla -Wformat=2)
# Kernels need nothing of the C++ runtime, and the program is linked as C.
set(mlbench_cuda_host -Wall,-Wextra,-fno-threadsafe-statics,-fno-exceptions,-fno-rtti)

add_library(mlbench_flags INTERFACE)
target_include_directories(mlbench_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(mlbench_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE>)
target_compile_options(mlbench_flags INTERFACE
    "$<$<COMPILE_LANGUAGE:C>:${mlbench_warnings}>"
    "$<$<AND:$<COMPILE_LANGUAGE:C>,$<BOOL:${MLBENCH_WERROR}>>:-Werror>"
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${mlbench_cuda_host};-Xptxas=-v>"
    "$<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${MLBENCH_WERROR}>>:-Werror=all-warnings>")
target_link_libraries(mlbench_flags INTERFACE m pthread ${CMAKE_DL_LIBS})

if(MLBENCH_SANITIZE)
    string(REPLACE "," ";" mlbench_sanitizers "${MLBENCH_SANITIZE}")
    foreach(name IN LISTS mlbench_sanitizers)
        if(NOT name MATCHES "^(address|undefined|leak|thread)$")
            message(FATAL_ERROR "MLBENCH_SANITIZE=${MLBENCH_SANITIZE}: '${name}' is not one of "
                "address, undefined, leak, thread")
        endif()
    endforeach()
    if("thread" IN_LIST mlbench_sanitizers AND mlbench_sanitizers MATCHES "address|leak")
        message(FATAL_ERROR "MLBENCH_SANITIZE=${MLBENCH_SANITIZE}: 'thread' excludes 'address' "
            "and 'leak'")
    endif()
    target_compile_options(mlbench_flags INTERFACE "$<$<COMPILE_LANGUAGE:C>:\
-fsanitize=${MLBENCH_SANITIZE};-fno-omit-frame-pointer;-fno-sanitize-recover=all>")
    target_link_options(mlbench_flags INTERFACE -fsanitize=${MLBENCH_SANITIZE})
endif()
