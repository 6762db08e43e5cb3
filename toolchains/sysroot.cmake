# For all that is built with a sysroot made by sysroot.sh.
set(SFE_SYSROOT "$ENV{SFE_SYSROOT}" CACHE PATH "Root of the target's headers and libraries")
# Without this, the compiler checks would look for their libraries on the host.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SFE_SYSROOT)
if(NOT IS_DIRECTORY "${SFE_SYSROOT}/usr/include")
  message(FATAL_ERROR "SFE_SYSROOT (${SFE_SYSROOT}) is no sysroot; toolchains/sysroot.sh makes one")
endif()
set(CMAKE_SYSROOT ${SFE_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
