# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM=... -DFOLDER=... -P write-manual.cmake
# Writes FOLDER/mlbench.1 and FOLDER/mlbench.bash from what the program prints.
cmake_minimum_required(VERSION 3.22)
foreach(pair IN ITEMS "mlbench.1|--man" "mlbench.bash|--completion|bash")
    string(REPLACE "|" ";" words "${pair}")
    list(POP_FRONT words file)
    execute_process(COMMAND ${PROGRAM} help ${words} OUTPUT_VARIABLE text ERROR_VARIABLE error
        RESULT_VARIABLE code)
    if(NOT code EQUAL 0 OR NOT text)
        list(JOIN words " " words)
        message(FATAL_ERROR "'${PROGRAM} help ${words}' ended with ${code}: ${error}")
    endif()
    file(WRITE ${FOLDER}/${file} "${text}")
endforeach()
