# A Linux target with Debian's cross compiler and a sysroot made by sysroot.sh. The including file sets
# SFE_TRIPLET, SFE_PROCESSOR and SFE_EMULATOR.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${SFE_PROCESSOR})
set(CMAKE_C_COMPILER ${SFE_TRIPLET}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${SFE_TRIPLET})
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)

# ctest runs each test under it; no binfmt_misc is needed.
set(CMAKE_CROSSCOMPILING_EMULATOR ${SFE_EMULATOR};-L;${SFE_SYSROOT})
