# SPDX-License-Identifier: Apache-2.0
# CUDA::cudart_static, and the headers of the libraries that are opened at run time. Not by
# FindCUDAToolkit: it asks for libcudart.so, which Python's wheels do not have.
find_package(Threads REQUIRED)
find_path(MLBENCH_CUDART_INCLUDE_DIR cuda_runtime_api.h
    HINTS ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES} NO_DEFAULT_PATH)
find_library(MLBENCH_CUDART_STATIC cudart_static
    HINTS ${CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES} ${MLBENCH_CUDART_INCLUDE_DIR}/../lib64
    ${MLBENCH_CUDART_INCLUDE_DIR}/../lib)
if(NOT MLBENCH_CUDART_INCLUDE_DIR OR NOT MLBENCH_CUDART_STATIC)
    message(FATAL_ERROR "CUDA ${MLBENCH_CUDA_VERSION} (${MLBENCH_NVCC}): cuda_runtime_api.h "
        "(${MLBENCH_CUDART_INCLUDE_DIR}) or libcudart_static.a (${MLBENCH_CUDART_STATIC}) is "
        "missing; its packages are cuda-cudart-dev-* or the wheel nvidia-cuda-runtime. "
        "-DMLBENCH_CUDA=OFF builds the CPU program")
endif()
mark_as_advanced(MLBENCH_CUDART_INCLUDE_DIR MLBENCH_CUDART_STATIC)
add_library(CUDA::cudart_static STATIC IMPORTED GLOBAL)
set_target_properties(CUDA::cudart_static PROPERTIES
    IMPORTED_LOCATION ${MLBENCH_CUDART_STATIC}
    INTERFACE_INCLUDE_DIRECTORIES ${MLBENCH_CUDART_INCLUDE_DIR})
target_link_libraries(CUDA::cudart_static INTERFACE Threads::Threads ${CMAKE_DL_LIBS} rt)

# Nothing of nvcc's own link line, which brings the C++ runtime.
set(CMAKE_CUDA_IMPLICIT_LINK_LIBRARIES "")
set(CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES "")

# mlbench_cuda_header(CUBLASLT cublasLt.h cublas): MLBENCH_CUBLASLT_INCLUDE_DIR, in the toolkit, in
# the system or in a wheel beside nvcc's.
function(mlbench_cuda_header name header wheel)
    get_filename_component(site "${MLBENCH_CUDART_INCLUDE_DIR}/../.." ABSOLUTE)
    find_path(MLBENCH_${name}_INCLUDE_DIR ${header} HINTS ${MLBENCH_CUDART_INCLUDE_DIR}
        PATHS ${site}/${wheel}/include /usr/local/${wheel}/include)
    mark_as_advanced(MLBENCH_${name}_INCLUDE_DIR)
endfunction()
mlbench_cuda_header(CUBLASLT cublasLt.h cublas)
mlbench_cuda_header(NCCL nccl.h nccl)

# Where a program in its build folder looks for the libraries that belong to this toolkit, after
# LD_LIBRARY_PATH: wheels and toolkits beside /usr/local/cuda are not in the loader's cache. An
# installed program has no such path: it is meant for other machines.
get_filename_component(MLBENCH_CUDA_RPATH "${MLBENCH_CUDART_STATIC}" DIRECTORY)
set(MLBENCH_CUDA_WHEELS "")
mlbench_cuda_wheel(cudnn libcudnn.so.9)
mlbench_cuda_wheel(nccl libnccl.so.2)
list(APPEND MLBENCH_CUDA_RPATH ${MLBENCH_CUDA_WHEELS})
