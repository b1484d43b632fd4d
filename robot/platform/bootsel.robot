*** Settings ***
Documentation    With BOOTSEL held the boot ROM stays: its own drive takes an image and starts it.
Library          ${CURDIR}/../resources/MassStorage.py
Resource         ${CURDIR}/../resources/pico_renode.resource

*** Test Cases ***
Should Offer Its Drive While BOOTSEL Is Held
    [Tags]    row:P10.mass-storage    row:P10.picoboot
    Create Pico In Its Boot ROM
    ${tree}=    Execute Command    usb_host Tree
    Should Contain    ${tree}    ID 2e8a:0003 "Raspberry Pi" "RP2 Boot"
    Should Contain    ${tree}    class 0x08 (mass storage)
    Should Contain    ${tree}    class 0xff (vendor specific)

Should Run An Image Written To Its Drive
    [Documentation]    A small one: the drive takes some 20 KB a second.
    [Tags]    row:P10.uf2-runs
    Create Pico In Its Boot ROM
    Execute Command    sysbus.ssi EraseFlash
    Execute Command    sysbus.io_qspi Release 1
    @{commands}=    Write Commands    ${FIRMWARE_DIR}/chip/hello.uf2
    FOR    ${wrapper}    ${data}    IN    @{commands}
        Execute Command    usb_host BulkOut 0x02 "${wrapper}" false
        Execute Command    usb_host BulkOut 0x02 "${data}" false
        ${status}=    Execute Command    usb_host BulkIn 0x81 13
        Should Start With    ${status}    55 53 42 53
    END
    ${tester}=    Create Terminal Tester    sysbus.uart0    timeout=10    defaultPauseEmulation=true    machine=pico
    Wait For Line On Uart    hello    testerId=${tester}

*** Keywords ***
Create Pico In Its Boot ROM
    Create Pico
    Execute Command    emulation CreateUsbHost "usb_host"
    Execute Command    connector Connect sysbus.usb usb_host
    Execute Command    sysbus.io_qspi OnGPIO 1 false
    Execute Command    usb_host Plug
    Execute Command    emulation RunFor "0.5"
