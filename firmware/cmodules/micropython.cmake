# The project's own C modules (USER_C_MODULES of MicroPython's cmake ports).
include(${CMAKE_CURRENT_LIST_DIR}/usb_vcp/micropython.cmake)
