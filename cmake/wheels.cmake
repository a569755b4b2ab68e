# SPDX-License-Identifier: Apache-2.0
# NVIDIA's libraries as Python's packages bring them.

# Folders of Python's packages.
function(mlbench_python_sites result)
    set(sites "")
    find_program(MLBENCH_PYTHON3 python3)
    mark_as_advanced(MLBENCH_PYTHON3)
    if(MLBENCH_PYTHON3)
        execute_process(COMMAND ${MLBENCH_PYTHON3} -c
            "import site, sysconfig; print(sysconfig.get_path('purelib'), *site.getsitepackages(), \
site.getusersitepackages(), sep=';')"
            OUTPUT_VARIABLE sites ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    endif()
    file(GLOB more LIST_DIRECTORIES true $ENV{VIRTUAL_ENV}/lib/python3*/site-packages
        $ENV{CONDA_PREFIX}/lib/python3*/site-packages
        ${PROJECT_SOURCE_DIR}/.cache/cuda/lib/python3*/site-packages
        /usr/local/lib/python3*/site-packages /usr/local/lib/python3*/dist-packages
        /opt/venv/lib/python3*/site-packages /opt/conda/lib/python3*/site-packages)
    set(${result} ${sites} ${more} PARENT_SCOPE)
endfunction()

# mlbench_cuda_wheel(cudnn libcudnn.so.9): appends to MLBENCH_CUDA_WHEELS the folder of the wheel
# that has it, PyTorch's or another's, where neither the toolkit nor the system does: beside the
# toolkit (MLBENCH_CUDA_RPATH) when that is of wheels, else in a folder of Python's packages.
function(mlbench_cuda_wheel wheel file)
    get_filename_component(beside "${MLBENCH_CUDA_RPATH}/../../${wheel}/lib" ABSOLUTE)
    mlbench_python_sites(folders)
    list(TRANSFORM folders APPEND "/nvidia/${wheel}/lib")
    list(PREPEND folders "${beside}")
    find_library(MLBENCH_WHEEL_${file} NAMES ${file} HINTS ${MLBENCH_CUDA_RPATH}
        ENV LD_LIBRARY_PATH PATHS ${folders})
    mark_as_advanced(MLBENCH_WHEEL_${file})
    get_filename_component(folder "${MLBENCH_WHEEL_${file}}" DIRECTORY)
    if(folder IN_LIST folders)
        set(MLBENCH_CUDA_WHEELS ${MLBENCH_CUDA_WHEELS} ${folder} PARENT_SCOPE)
    endif()
endfunction()
