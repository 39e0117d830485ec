# SPDX-License-Identifier: MIT
# Who may include whom: checks every #include "folder/…" of the tree. Run with cmake -P.
#
#   cli        everything
#   bench      replay, convert, formats
#   fixtures   formats
#   replay     convert, formats
#   convert    formats
#   formats    the ground; a format sees the ground and the contract, never another format
cmake_minimum_required(VERSION 3.25)
get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

set(may_cli cli fixtures replay convert formats)
set(may_bench replay convert formats)
set(may_fixtures fixtures formats)
set(may_replay replay convert formats)
set(may_convert convert formats)
set(may_formats formats)

# The format a file of formats/ belongs to: the word before the first "_", when it is a format's.
set(format_names etl compact chrome perfetto tsv)
function(format_of file result)
    string(REGEX MATCH "^[a-z0-9]+" word "${file}")
    if(word IN_LIST format_names)
        set(${result} ${word} PARENT_SCOPE)
    else()
        set(${result} "" PARENT_SCOPE)
    endif()
endfunction()

set(bad 0)
set(checked 0)
foreach(folder cli bench fixtures replay convert formats)
    file(GLOB sources "${root}/${folder}/*.[ch]")
    foreach(source ${sources})
        get_filename_component(name ${source} NAME)
        file(STRINGS ${source} lines REGEX "^#include \"")
        foreach(line ${lines})
            math(EXPR checked "${checked} + 1")
            if(NOT line MATCHES "^#include \"([a-z]+)/([a-z0-9_.-]+)\"")
                if(NOT line MATCHES "\\.pb-c\\.h\"$")
                    message("${folder}/${name}: not a path from the root: ${line}")
                    set(bad 1)
                endif()
                continue()
            endif()
            set(to ${CMAKE_MATCH_1})
            set(to_file ${CMAKE_MATCH_2})
            if(NOT to IN_LIST may_${folder})
                message("${folder}/${name}: ${folder} may not include ${to}: ${line}")
                set(bad 1)
            endif()
            if(folder STREQUAL "formats")
                format_of(${name} from_format)
                format_of(${to_file} to_format)
                if(to_format AND NOT from_format STREQUAL to_format AND NOT name STREQUAL "format.c")
                    message("formats/${name}: may not see the format ${to_format}: ${line}")
                    set(bad 1)
                endif()
            endif()
        endforeach()
    endforeach()
endforeach()
if(bad OR checked EQUAL 0)
    message(FATAL_ERROR "the include rule is broken (${checked} includes checked)")
endif()
message("${checked} includes checked")
