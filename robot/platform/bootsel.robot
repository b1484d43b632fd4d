*** Settings ***
Documentation    With BOOTSEL held the boot ROM stays: its own drive takes an image and starts it.
Library          ${CURDIR}/../resources/Descriptors.py
Library          ${CURDIR}/../resources/MassStorage.py
Resource         ${CURDIR}/../resources/usb_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Offer Its Drive While BOOTSEL Is Held
    [Tags]    row:P10.mass-storage    row:P10.picoboot
    Create Pico In Its Boot ROM
    The Tree Contains    ID 2e8a:0003 "Raspberry Pi" "RP2 Boot"
    The Host Requests    bmRequestType=0x80    bRequest=6    wValue=0x200    wLength=255
    ${classes}=    Interface Classes    ${ANSWER}
    Should Be Equal    ${classes}    08 ff    # mass storage, vendor specific

Should Run An Image Written To Its Drive
    [Documentation]    A small one: the drive takes some 20 KB a second.
    [Tags]    row:P10.uf2-runs
    Create Pico In Its Boot ROM
    The Flash Is Erased
    The Button Is Let Go    bootsel
    @{commands}=    Write Commands    ${FIRMWARE_DIR}/chip/hello.uf2
    FOR    ${wrapper}    ${data}    IN    @{commands}
        The Host Writes    0x02    ${wrapper}
        The Host Writes    0x02    ${data}
        The Host Reads    0x81    13
        Should Start With    ${ANSWER}    55 53 42 53
    END
    It Is Heard On UART0
    It Should Say    hello

*** Keywords ***
Create Pico In Its Boot ROM
    Create Pico
    Connect The Host
    The Button Is Pressed    bootsel
    The Cable Is Plugged In
    The Host Enumerates
