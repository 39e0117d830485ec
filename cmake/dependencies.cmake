# SPDX-License-Identifier: MIT
# The libraries heaptape is built on, and the compiler for its .proto files.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)

# protobuf-c's compiler was a program of its own first and is a plugin of protoc now: take either.
find_program(PROTOC_C NAMES protoc-c)
find_program(PROTOC NAMES protoc)
if(NOT PROTOC_C AND NOT PROTOC)
    message(FATAL_ERROR "protoc-c or protoc with protobuf-c's plugin is needed "
                        "(Debian: protobuf-c-compiler)")
endif()

# Everything that is generated before our code can be read, for the lint.
add_custom_target(generated)

# Generates NAME.pb-c.[ch] from DIR/NAME.proto and makes a library TARGET of it. Generated code is
# compiled without our warnings.
function(ht_protobuf_library target proto)
    get_filename_component(name ${proto} NAME_WE)
    get_filename_component(source ${proto} ABSOLUTE)
    get_filename_component(directory ${source} DIRECTORY)
    set(out ${CMAKE_CURRENT_BINARY_DIR})
    if(PROTOC_C)
        set(command ${PROTOC_C} --c_out=${out} -I${directory} ${source})
    else()
        set(command ${PROTOC} --c_out=${out} -I${directory} ${source})
    endif()
    add_custom_command(OUTPUT ${out}/${name}.pb-c.c ${out}/${name}.pb-c.h
        COMMAND ${command} DEPENDS ${source} VERBATIM)
    add_custom_target(${target}_generated DEPENDS ${out}/${name}.pb-c.h)
    add_dependencies(generated ${target}_generated)
    add_library(${target} STATIC ${out}/${name}.pb-c.c ${out}/${name}.pb-c.h)
    add_dependencies(${target} ${target}_generated)
    target_include_directories(${target} SYSTEM INTERFACE ${out})
    target_link_libraries(${target} PUBLIC PkgConfig::PROTOBUF_C)
endfunction()
