*** Settings ***
Documentation     pyb.USB_VCP.irq: a handler for new data.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usb_vcp.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Call The Handler With Its Port
    [Tags]    row:V14.one-argument    row:V14.new-data
    Given A Host That Has The Port Open
    When The Board Runs    calls = []; v.irq(lambda *a: calls.append((a == (v,), v.read())), v.IRQ_RX)
    And While The Board Runs    busy(20)    The Host Sends    first
    Then The Board Says    calls    [(True, b'first')]
    When While The Board Runs    busy(20)    The Host Sends    other port    1
    Then The Board Says    len(calls), w.read()    1 b'other port'

Should Call Nobody After None
    [Tags]    row:V14.none
    Given A Host That Has The Port Open
    When The Board Runs    calls = []; v.irq(calls.append); v.irq(None)
    And While The Board Runs    busy(20)    The Host Sends    nobody cares
    Then The Board Says    calls, v.read()    [] b'nobody cares'

Should Call A Hard Handler Although The Scheduler Is Locked
    [Documentation]    A scheduled function runs for 40 ms: a handler that is not hard has to wait for its end.
    [Tags]    row:V14.hard
    Given A Host That Has The Port Open
    FOR    ${hard}    ${count}    IN    True    5    False    0
        When The Board Runs    import micropython; data = bytearray(5); seen = [0]
        ...    def handler(port): seen[0] = port.readinto(data)
        ...    v.irq(handler, hard=${hard})
        ...    def slow(_): busy(40); print("seen", *seen)
        And While The Board Runs    time.sleep_ms(2); micropython.schedule(slow, None); time.sleep_ms(60)    The Host Sends Late    hello
        Then The Board Prints    undisturbed    seen ${count}
    END

Should Refuse What Is No Handler And No Trigger
    Given A Pico Running    vcp_two_ports.py
    Then The Board Raises    ValueError    v.irq(5)
    And The Board Raises    ValueError    v.irq(print, 2)
