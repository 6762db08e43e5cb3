# 32-bit x86 with the compiler of an amd64 machine (-m32) and a sysroot made by sysroot.sh. What is built runs
# on the machine itself, with the loader and the libraries of the sysroot: no foreign architecture in dpkg.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER gcc)
set(CMAKE_LIBRARY_ARCHITECTURE i386-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)

set(libraries ${SFE_SYSROOT}/usr/lib/i386-linux-gnu)
file(GLOB compiler_files ${SFE_SYSROOT}/usr/lib/gcc/i686-linux-gnu/*)
set(CMAKE_C_FLAGS_INIT "-m32 -march=i686 -Wno-psabi -B${compiler_files}")
# RPATH, not RUNPATH: it holds for the libraries of libraries as well.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--dynamic-linker=${SFE_SYSROOT}/lib/ld-linux.so.2 \
-Wl,--disable-new-dtags -Wl,-rpath,${SFE_SYSROOT}/lib/i386-linux-gnu:${libraries}")
