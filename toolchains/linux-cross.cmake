# A Linux target with Debian's cross compiler and a sysroot made by sysroot.sh. The including file sets
# SFE_TRIPLET, SFE_PROCESSOR and SFE_EMULATOR.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${SFE_PROCESSOR})
set(CMAKE_C_COMPILER ${SFE_TRIPLET}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${SFE_TRIPLET})

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

# ctest runs each test under it; no binfmt_misc is needed.
set(CMAKE_CROSSCOMPILING_EMULATOR ${SFE_EMULATOR};-L;${SFE_SYSROOT})
