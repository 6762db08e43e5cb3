# 32-bit ARM with hardware floating point (Debian armhf, ARMv7).
set(SFE_TRIPLET arm-linux-gnueabihf)
set(SFE_PROCESSOR armv7l)
set(SFE_EMULATOR qemu-arm-static)
include(${CMAKE_CURRENT_LIST_DIR}/linux-cross.cmake)
