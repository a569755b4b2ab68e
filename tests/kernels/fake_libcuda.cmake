# SPDX-License-Identifier: Apache-2.0
# cmake -DNM=... -DSTUB=.../stubs/libcuda.so -DBESIDE=fake_libcuda.c -DTO=rest.c -P THIS
#
# A function that returns 0 for every name that the toolkit's stub exports and BESIDE lacks.
execute_process(COMMAND ${NM} --dynamic --defined-only ${STUB} OUTPUT_VARIABLE symbols
    RESULT_VARIABLE failed)
if(failed)
    message(FATAL_ERROR "${NM} ${STUB}: ${failed}")
endif()
string(REGEX MATCHALL " T cu[A-Za-z0-9_]+" names "${symbols}")
file(READ ${BESIDE} by_hand)
set(text "/* Made by fake_libcuda.cmake of ${STUB} */\n")
foreach(name IN LISTS names)
    string(REGEX REPLACE "^ T " "" name "${name}")
    if(NOT by_hand MATCHES "int ${name}\\(")
        string(APPEND text "int ${name}(void);\nint ${name}(void)\n{\n    return 0;\n}\n")
    endif()
endforeach()
file(WRITE ${TO} "${text}")
