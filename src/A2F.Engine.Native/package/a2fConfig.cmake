# Defines the target a2f::a2f. The files lie where this one was installed, wherever that was moved since.
if(NOT TARGET a2f::a2f)
    get_filename_component(_a2f_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
    add_library(a2f::a2f SHARED IMPORTED)
    set_target_properties(a2f::a2f PROPERTIES
        IMPORTED_LOCATION "${_a2f_prefix}/lib/liba2f.so"
        IMPORTED_SONAME "liba2f.so"
        INTERFACE_INCLUDE_DIRECTORIES "${_a2f_prefix}/include")
    unset(_a2f_prefix)
endif()
