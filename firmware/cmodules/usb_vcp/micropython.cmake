# _usb_vcp: what pyb.USB_VCP cannot do in Python.
add_library(usermod_usb_vcp INTERFACE)
target_sources(usermod_usb_vcp INTERFACE ${CMAKE_CURRENT_LIST_DIR}/usb_vcp.c)
file(STRINGS ${MICROPY_DIR}/shared/tinyusb/mp_usbd.c USB_VCP_HOOK_TAKEN REGEX "tud_event_hook_cb")
if(USB_VCP_HOOK_TAKEN)
    target_compile_definitions(usermod_usb_vcp INTERFACE USB_VCP_WRAPS_EVENTS=1)
    target_link_options(usermod_usb_vcp INTERFACE -Wl,--wrap=dcd_event_handler)
endif()
target_link_libraries(usermod INTERFACE usermod_usb_vcp)
