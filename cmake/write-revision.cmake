# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCE=... -DGIT=... -DHEADER=... -P write-revision.cmake
# Writes HEADER with MLB_REVISION: "1a2b3c4" of the checkout SOURCE, "+" when tracked files have
# changes; of an archive what git wrote into revision.txt; otherwise "". HEADER is touched only when
# it changes.
cmake_minimum_required(VERSION 3.22)
set(revision "")

function(git result code)
    # A checkout of another user's is fine to read.
    execute_process(
        COMMAND ${GIT} -c safe.directory=${SOURCE} --no-optional-locks -C ${SOURCE} ${ARGN}
        OUTPUT_VARIABLE out RESULT_VARIABLE rc ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    set(${result} "${out}" PARENT_SCOPE)
    set(${code} "${rc}" PARENT_SCOPE)
endfunction()

# The folder's own repository only: a tarball may be unpacked inside another one.
if(GIT AND EXISTS ${SOURCE}/.git)
    git(out code rev-parse --short=7 HEAD)
    if(code EQUAL 0)
        set(revision "${out}")
        git(out code status --porcelain --untracked-files=no)
        if(code EQUAL 0 AND out)
            string(APPEND revision "+")
        endif()
    endif()
endif()
if(NOT revision)
    file(STRINGS ${SOURCE}/cmake/revision.txt line LIMIT_COUNT 1)
    if(line MATCHES "^[0-9a-f]+$")
        set(revision "${line}")
    endif()
endif()

set(text "/* SPDX-License-Identifier: Apache-2.0 */\n#define MLB_REVISION \"${revision}\"\n")
set(old "")
if(EXISTS ${HEADER})
    file(READ ${HEADER} old)
endif()
if(NOT text STREQUAL old)
    file(WRITE ${HEADER} "${text}")
endif()
