*** Settings ***
Documentation     pyb.USB_VCP when the bus goes away in the middle of a transfer.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usb_vcp.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Work Again After The Cable Was Pulled In A Transfer
    [Tags]    row:V17.unplug    row:V17.replug    row:V17.isconnected    row:V17.works-again
    Given A Host That Has The Port Open
    When The Board Is Busy With The Port While    The Host Loses The Device By    The Cable Is Pulled
    Then The Board Prints    False
    When The Cable Is Plugged In
    And The Host Enumerates
    Then The Board Says    v.isconnected()    False
    And The Port Works

Should Work Again After A Bus Reset In A Transfer
    [Tags]    row:V17.bus-reset    row:V17.isconnected    row:V17.works-again
    Given A Host That Has The Port Open
    When The Board Is Busy With The Port While    The Host Loses The Device By    The Host Resets The Bus
    Then The Board Prints    False
    When The Host Enumerates
    Then The Board Says    v.isconnected()    False
    And The Port Works

Should Go On After A Suspend In A Transfer To The Board
    [Tags]    row:V17.suspend    row:V17.isconnected
    Given A Host That Has The Port Open
    When The Board Runs    v.init(flow=v.RTS); v.setinterrupt(-1)
    ${data}=    Pattern    3000
    And The Host Begins To Send    ${data}
    And Time Passes    0.004
    And The Host Suspends The Bus
    Then The Board Says    v.isconnected()    False
    When The Host Resumes The Bus
    Then The Board Says    v.isconnected(), v.recv(3000) == pattern(3000)    True True
    When What Was Begun Ends
    Then Should Be Equal    ${ANSWERS}    ${{ ["OK"] }}

Should Go On After A Suspend In A Transfer To The Host
    [Tags]    row:V17.suspend
    Given A Host That Has The Port Open
    When The Board Runs    v.init(flow=v.CTS); data = pattern(4000)
    And While The Board Runs    print(v.write(data))    The Host Sleeps Before It Reads The Pattern    4000
    Then The Board Prints    4000

Should Work Again After The Host Has Halted And Cleared Its Endpoints
    Given A Host That Has The Port Open
    FOR    ${endpoint}    IN    0x82    0x02
        When The Host Requests    0x02    3    wIndex=${endpoint}
        And The Host Requests    0x82    0    wIndex=${endpoint}    wLength=2
        Then The Answer Is    01 00
        When The Host Clears The Halt Of    ${endpoint}
    END
    Then The Port Works

*** Keywords ***
The Board Is Busy With The Port While
    [Documentation]    It writes and reads for 30 ms and more; at the end it prints isconnected().
    [Arguments]    @{action}
    The Board Runs    v.setinterrupt(-1)    def traffic():
    ...    ${SPACE}for i in range(30):
    ...    ${SPACE}${SPACE}v.write(bytes(300)); v.read(300); time.sleep_ms(1)
    ...    ${SPACE}print(v.isconnected())
    While The Board Runs    traffic()    @{action}

The Host Loses The Device By
    [Documentation]    4 ms after it has begun to send and to read what comes, again and again; it has received something by then.
    [Arguments]    ${event}
    ${data}=    Pattern    20000
    The Host Begins To Send    ${data}
    FOR    ${i}    IN RANGE    20
        The Host Begins To Read    0x82    512
    END
    Time Passes    0.004
    Run Keyword    ${event}
    Time Passes    0.02
    What Was Begun Ends
    Should Be Equal    ${ANSWERS}[0]    DISCONNECTED
    Should Be Equal    ${ANSWERS}[-1]    DISCONNECTED
    Should Start With    ${ANSWERS}[1]    00 00

The Host Sleeps Before It Reads The Pattern
    [Arguments]    ${length}
    The Host Begins To Read    0x82    64
    Time Passes    0.003
    The Host Suspends The Bus
    Time Passes    0.05
    The Host Resumes The Bus
    What Was Begun Ends
    ${first}=    Text    ${ANSWERS}[0]
    ${data}=    Pattern    ${length}
    Should Be Equal    ${first}    ${data}[:64]
    The Host Receives    ${data}[64:]

The Port Works
    [Documentation]    Both ways. What had waited to be sent is read first.
    The Host Opens Port
    The Board Runs    v.read(); v.write(b"\\nonce more\\n")
    The Host Reads Up To    \nonce more\n
    The Host Sends    with feeling
    The Board Says    v.read(), v.isconnected()    b'with feeling' True
