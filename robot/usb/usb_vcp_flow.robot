*** Settings ***
Documentation     pyb.USB_VCP.init(flow=…): what happens when one side does not read.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usb_vcp.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Hold The Host Off With RTS And Lose Nothing
    [Tags]    row:V3.rts-loses-nothing
    Given A Host That Has The Port Open
    When The Board Runs    v.init(flow=v.RTS); v.setinterrupt(-1)
    And The Host Begins To Send The Pattern    3000
    And Time Passes    0.05
    Then The Board Says    v.recv(2000) == pattern(2000)    True
    And The Board Says    v.recv(1000) == pattern(3000)[2000:], v.any()    True False
    When What Was Begun Ends
    Then Should Be Equal    ${ANSWERS}    ${{ ["OK"] }}

Should Take What The Buffer Holds And Nothing More With RTS
    [Documentation]    1024 bytes, in packets of 64, until the host has given up.
    [Tags]    row:V3.rts-holds-off
    Given A Host That Has The Port Open
    When The Board Runs    v.init(flow=v.RTS); v.setinterrupt(-1)
    And The Host Begins To Send The Pattern    3000
    And What Was Begun Ends    timeout=0.1
    Then Should Be Equal    ${ANSWERS}    ${{ ["TIMEOUT"] }}
    And The Board Says    v.recv(1024, timeout=20) == pattern(1024)    True

Should Take Everything Without RTS And Drop What Does Not Fit
    Given A Host That Has The Port Open
    When The Board Runs    v.init(flow=0); v.setinterrupt(-1)
    And The Host Begins To Send The Pattern    3000
    And What Was Begun Ends
    Then Should Be Equal    ${ANSWERS}    ${{ ["OK"] }}
    And The Board Says    v.read() == pattern(1024)    True
    When The Host Sends    works on
    Then The Board Says    v.read()    b'works on'

Should Leave The Flow Control At -1 And End It At 0
    [Tags]    row:V3.minus-one    row:V3.zero-ends-rts
    Given A Host That Has The Port Open
    When The Board Runs    v.init(flow=v.RTS); v.init(flow=-1); v.init(); v.setinterrupt(-1)
    And The Host Begins To Send The Pattern    3000
    And What Was Begun Ends    timeout=0.1
    Then Should Be Equal    ${ANSWERS}    ${{ ["TIMEOUT"] }}
    When The Board Runs    v.init(flow=0); v.init(flow=-1); v.init(); v.read()
    And The Host Begins To Send The Pattern    3000
    And What Was Begun Ends    timeout=0.1
    Then Should Be Equal    ${ANSWERS}    ${{ ["OK"] }}

Should Wait In Write For The Host With CTS
    [Tags]    row:V3.cts-waits    row:V11.count
    Given A Pico Running    vcp_two_ports.py
    When The Board Runs    v.init(flow=v.CTS); data = pattern(3000)
    And While The Board Runs    n, ms = timed(lambda: v.write(data)); print(n, 100 <= ms < 200)    The Host Reads The Pattern Late    3000
    Then The Board Prints    3000 True

Should Not Wait In Write For A Closed Port Without CTS And Keep The Latest
    [Tags]    row:V11.count
    Given A Pico Running    vcp_two_ports.py
    When The Board Runs    v.init(flow=0); data = pattern(3000); n, ms = timed(lambda: v.write(data)); print(n, ms < 50)
    Then The Board Prints    3000 True
    When The Host Opens Port
    ${all}=    Pattern    3000
    Then The Host Receives    ${all}[-1024:]

Should Turn Off CTS With 0
    [Tags]    row:V3.zero-ends-cts
    Given A Pico Running    vcp_two_ports.py
    When The Board Runs    v.init(flow=v.CTS | v.RTS); v.init(flow=0); n, ms = timed(lambda: v.write(bytes(2000))); print(n, ms < 50)
    Then The Board Prints    2000 True

*** Keywords ***
The Host Begins To Send The Pattern
    [Arguments]    ${length}
    ${data}=    Pattern    ${length}
    The Host Begins To Send    ${data}

The Host Reads The Pattern Late
    [Documentation]    It opens the port after 0.1 s only.
    [Arguments]    ${length}
    Time Passes    0.1
    The Host Opens Port
    ${data}=    Pattern    ${length}
    The Host Receives    ${data}
