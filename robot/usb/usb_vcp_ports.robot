*** Settings ***
Documentation     pyb.USB_VCP: which ports there are, their constants, and how they follow the host.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usb_vcp.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Be Port 0 Unless Another Is Named
    [Tags]    row:V1.port-0    row:V1.value-error
    Given A Pico Running    vcp_two_ports.py
    Then The Board Says    repr(pyb.USB_VCP()), v is pyb.USB_VCP(0), w is pyb.USB_VCP(1), v is w    USB_VCP(0) True True False
    And The Board Raises    ValueError    pyb.USB_VCP(2)
    And The Board Raises    ValueError    pyb.USB_VCP(-1)

Should Keep Three Ports Apart
    [Tags]    row:V1.separate    row:V1.three-at-once
    Given A Pico Without A Cable    uart
    When The Board Runs    import pyb    pyb.usb_mode("3xVCP")    ports = [pyb.USB_VCP(i) for i in range(3)]
    And The Cable Is Plugged In
    And The Host Enumerates
    FOR    ${port}    IN    1    0    2
        And The Host Opens Port    ${port}
        And The Host Sends    to port ${port}    ${port}
    END
    Then The Board Says    [port.read() for port in ports]    [b'to port 0', b'to port 1', b'to port 2']
    When The Board Runs    for i in 2, 0, 1: ports[i].write("from port %d" % i)
    FOR    ${port}    IN    0    1    2
        Then The Host Receives    from port ${port}    ${port}
    END

Should Have The Constants Of The Document
    [Tags]    row:V2.rts    row:V2.cts    row:V2.irq-rx
    Given A Pico Running    vcp_two_ports.py
    Then The Board Says    pyb.USB_VCP.RTS, pyb.USB_VCP.CTS, pyb.USB_VCP.IRQ_RX, v.RTS    1 2 1 1

Should Be Connected While The Host Has The Port Open
    [Tags]    row:V5.dtr-set    row:V5.dtr-cleared
    Given A Pico Running    vcp_two_ports.py
    Then The Board Says    v.isconnected(), w.isconnected()    False False
    When The Host Opens Port    0
    Then The Board Says    v.isconnected(), w.isconnected()    True False
    When The Host Closes Port    0
    Then The Board Says    v.isconnected(), w.isconnected()    False False
    When The Host Opens Port    0    lines=2
    Then The Board Says    v.isconnected(), w.isconnected()    False False

Should Not Be Connected Without Cable Or Configuration
    [Tags]    row:V5.configured    row:V5.unplugged
    Given A Host That Has The Port Open
    When The Host Configures    0
    Then The Board Says    v.isconnected()    False
    When The Host Configures    1
    And The Host Opens Port
    Then The Board Says    v.isconnected()    True
    When The Cable Is Pulled
    And Time Passes    0.02
    Then The Board Says    v.isconnected()    False

Should Be In Debug Mode At The Bit Rates Of The IDE
    [Tags]    row:V6.true-while-marked    row:V6.false-otherwise
    Given A Host That Has The Port Open
    Then The Board Says    v.debug_mode_enabled()    False
    FOR    ${rate}    ${marked}    IN    921600    True    9600    False    12000000    True    115200    False
        When The Host Sets The Bit Rate    ${rate}
        Then The Board Says    v.debug_mode_enabled(), w.debug_mode_enabled()    ${marked} False
    END

*** Keywords ***
The Host Sets The Bit Rate
    [Documentation]    SET_LINE_CODING, 8N1; GET_LINE_CODING gives it back.
    [Arguments]    ${rate}
    ${coding}=    Evaluate    (int($rate).to_bytes(4, "little") + bytes((0, 0, 8))).hex(" ")
    The Host Requests    0x21    0x20    data=${coding}
    The Request Succeeds
    The Host Requests    0xA1    0x21    wLength=7
    The Answer Is    ${coding}
