*** Settings ***
Documentation     Every CDC port is also one of Renode's UARTs: analyzer, terminal tester, typed text.
Test Tags         engine:renode
Resource          ${CURDIR}/../resources/usb_renode.resource

*** Test Cases ***
Should Show The Banner Of The Built-In Port
    [Tags]    row:T1.terminal-tester    row:T1.wait-for-line
    Given A Pico Whose Serial Port Is Watched
    Then Wait For Line On Uart    MicroPython v1    testerId=${CDC}
    And Wait For Prompt On Uart    >>>    testerId=${CDC}

Should Run What Is Typed Into The Port
    [Tags]    row:T1.terminal-tester    row:T1.wait-for-line
    Given A Pico Whose Serial Port Is Watched
    And Wait For Prompt On Uart    >>>    testerId=${CDC}
    When Write Line To Uart    print(6 * 7)    testerId=${CDC}
    Then Wait For Line On Uart    ^42    treatAsRegex=true    testerId=${CDC}

Should Fall Silent At A Detach And Come Back With The Device
    Given A Pico Whose Serial Port Is Watched
    And Wait For Prompt On Uart    >>>    testerId=${CDC}
    When The Cable Is Pulled
    Then The UART Says    Present    False
    When Write Line To Uart    print("typed", "while away")    testerId=${CDC}    waitForEcho=false
    And The Cable Is Plugged In
    Then Wait For Line On Uart    typed while away    testerId=${CDC}
    And The UART Says    Present    True

Should Come Back After A Soft Reset Of A Board With A Runtime Device
    [Documentation]    The board detaches by itself; the host finds and configures the new device by itself.
    Given A Pico Whose Serial Port Is Watched
    And Wait For Prompt On Uart    >>>    testerId=${CDC}
    When Write Line To Uart    import machine; u = machine.USBDevice(); u.active(False); u.active(True)    testerId=${CDC}    waitForEcho=false
    And Time Passes    1
    And Write Line To Uart    print("back", "again")    testerId=${CDC}    waitForEcho=false
    Then Wait For Line On Uart    ^back again    treatAsRegex=true    testerId=${CDC}

Should Tell The Device DTR, RTS And Line Coding
    Given A Pico Whose Serial Port Is Watched
    And Wait For Prompt On Uart    >>>    testerId=${CDC}
    When Execute Command    sysbus.usb.cdc0 SetLineCoding 9600 7
    And Time Passes    0.01
    Then Host Does    ControlIn 0xA1 0x21 0 0 7
    And The Answer Is    80 25 00 00 00 00 07
    When The Bus Is Traced
    And Execute Command    sysbus.usb.cdc0 Dtr false
    And Time Passes    0.01
    And The Trace Ends
    Then The Host Has Sent    21 22 02 00 00 00 00 00

Should Be Watched By An Analyzer
    [Tags]    row:T1.show-analyzer
    Given A Pico Whose Serial Port Is Watched
    Execute Command    showAnalyzer sysbus.usb.cdc0 Antmicro.Renode.Analyzers.LoggingUartAnalyzer
    Create Log Tester    10    defaultPauseEmulation=true
    When Write Line To Uart    print("seen", "in the log")    testerId=${CDC}
    Then Wait For Log Entry    seen in the log

Should Carry A Line Of Many Packets
    [Tags]    row:T1.wait-for-line
    Given A Pico Whose Serial Port Is Watched
    And Wait For Prompt On Uart    >>>    testerId=${CDC}
    When Write Line To Uart    import sys; x = sum(ord(c) for c in "\\x00\\x7f\\x41" * 100); print("sum", x, "a" * 1000 + ".")    testerId=${CDC}    waitForEcho=false
    Then Wait For Line On Uart    ^sum 19200 a{1000}\\.    treatAsRegex=true    testerId=${CDC}

Should Make A UART Of Every CDC Port
    [Documentation]    Seven at once: a device has fifteen IN endpoints, a port takes two.
    [Tags]    row:T1.every-port    row:T1.terminal-tester    row:T1.wait-for-line
    Given A Pico Without A Cable    uart
    When The Board Runs    import pyb    pyb.usb_mode("7xVCP")    ports = [pyb.USB_VCP(i) for i in range(7)]
    And Host Does    AutoOpen true
    @{testers}=    Create List
    FOR    ${port}    IN RANGE    7
        ${tester}=    Create Terminal Tester    sysbus.usb.cdc${port}    timeout=10    defaultPauseEmulation=true
        Append To List    ${testers}    ${tester}
    END
    And The Cable Is Plugged In
    And The Host Enumerates
    And Time Passes    0.05
    FOR    ${port}    IN RANGE    7
        And Write To Uart    to port ${port}    testerId=${testers}[${port}]
    END
    And Time Passes    0.05
    Then The Board Says    [port.read() for port in ports] == [b"to port %d" % i for i in range(7)]    True
    When The Board Runs    for i in range(7): ports[i].write("from port %d\\n" % i)
    FOR    ${port}    IN RANGE    7
        Then Wait For Line On Uart    from port ${port}    testerId=${testers}[${port}]
    END

*** Keywords ***
A Pico Whose Serial Port Is Watched
    Create Pico    firmware=${CDC_FIRMWARE}
    Execute Command    emulation CreateUsbHost "${HOST}"
    Execute Command    connector Connect sysbus.usb ${HOST}
    ${tester}=    Create Terminal Tester    sysbus.usb.cdc0    timeout=10    defaultPauseEmulation=true
    Set Test Variable    ${CDC}    ${tester}
    The Cable Is Plugged In

The UART Says
    [Arguments]    ${property}    ${expected}
    ${value}=    Execute Command    sysbus.usb.cdc0 ${property}
    Should Be Equal    ${value.strip()}    ${expected}

The Host Has Sent
    [Documentation]    One of the SETUP packets in the trace has these bytes.
    [Arguments]    ${setup}
    ${setups}=    Evaluate    [row.data.hex(" ") for row in $TRACE if row.token == "SETUP"]
    Should Contain    ${setups}    ${setup}
