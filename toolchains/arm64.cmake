# 64-bit ARM (Debian arm64, ARMv8-A).
set(SFE_TRIPLET aarch64-linux-gnu)
set(SFE_PROCESSOR aarch64)
set(SFE_EMULATOR qemu-aarch64-static)
include(${CMAKE_CURRENT_LIST_DIR}/linux-cross.cmake)
