# SPDX-License-Identifier: Apache-2.0
# mlbench_flags: what every target of the project compiles with.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(mlbench_flags INTERFACE)
target_include_directories(mlbench_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(mlbench_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE>)
target_compile_options(mlbench_flags INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Wshadow;-Wconversion;-Wstrict-prototypes;-Wmissing-prototypes;-Wvla;-Wformat=2>
    $<$<AND:$<COMPILE_LANGUAGE:C>,$<BOOL:${MLBENCH_WERROR}>>:-Werror>
    $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-fno-threadsafe-statics,-fno-exceptions,-fno-rtti;-Werror=all-warnings>)
target_link_libraries(mlbench_flags INTERFACE m pthread ${CMAKE_DL_LIBS})

if(MLBENCH_SANITIZE)
    target_compile_options(mlbench_flags INTERFACE
        $<$<COMPILE_LANGUAGE:C>:-fsanitize=${MLBENCH_SANITIZE};-fno-omit-frame-pointer;-fno-sanitize-recover=all>)
    target_link_options(mlbench_flags INTERFACE -fsanitize=${MLBENCH_SANITIZE})
endif()
