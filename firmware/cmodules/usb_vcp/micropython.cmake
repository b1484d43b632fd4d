# _usb_vcp: what pyb.USB_VCP cannot do in Python.
add_library(usermod_usb_vcp INTERFACE)
target_sources(usermod_usb_vcp INTERFACE ${CMAKE_CURRENT_LIST_DIR}/usb_vcp.c)
target_link_libraries(usermod INTERFACE usermod_usb_vcp)
