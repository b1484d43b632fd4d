*** Settings ***
Documentation     pyb.USB_VCP: reading, writing, time-outs, and the stream protocol.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usb_vcp.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Tell Whether Anything Is There And Do Nothing On Close
    [Tags]    row:V7.any    row:V7.close
    Given A Host That Has The Port Open
    Then The Board Says    v.any()    False
    When The Host Sends    x
    Then The Board Says    v.any(), w.any(), v.close(), v.any(), v.read(), v.any()    True False None True b'x' False

Should Read What Is There And Not Wait
    [Tags]    row:V8.at-most-n    row:V8.all    row:V8.none
    Given A Host That Has The Port Open
    Then The Board Says    v.read(), v.read(5)    None None
    When The Host Sends    abcdefgh
    Then The Board Says    v.read(3), v.read(100), v.read(1), v.read()    b'abc' b'defgh' None None
    ${data}=    Pattern    300
    When The Host Sends    ${data}
    Then The Board Says    v.read() == pattern(300)    True

Should Read Into A Buffer
    [Tags]    row:V9.count    row:V9.maxlen    row:V9.none
    Given A Host That Has The Port Open
    When The Board Runs    b = bytearray(8)
    Then The Board Says    v.readinto(b), v.readinto(b, 4)    None None
    When The Host Sends    abcdefghijklmn
    Then The Board Says    v.readinto(b), bytes(b)    8 b'abcdefgh'
    And The Board Says    v.readinto(b, 3), bytes(b)    3 b'ijkdefgh'
    And The Board Says    v.readinto(b, 100), bytes(b)    3 b'lmndefgh'

Should Read Lines With Their Newline
    [Tags]    row:V10.newline    row:V10.none    row:V10.readlines
    Given A Host That Has The Port Open
    Then The Board Says    v.readline(), v.readlines()    None []
    When The Host Sends    one\ntwo\r\n\nfour
    Then The Board Says    v.readline(), v.readlines(), v.readline()    b'one\\n' [b'two\\r\\n', b'\\n', b'four'] None

Should Write Data Of Any Length Whole
    [Tags]    row:V11.count
    Given A Host That Has The Port Open
    FOR    ${length}    IN    1    63    64    65    512    1000
        ${data}=    Pattern    ${length}
        Then The Board Says    v.write(pattern(${length}))    ${length}
        And The Host Receives    ${data}
    END

Should Write Any Buffer
    [Tags]    row:V11.count
    Given A Host That Has The Port Open
    Then The Board Says    v.write(b"ab"), v.write(memoryview(b"abcdef")[2:5]), v.write(bytearray(b"f")), v.write(b"")    2 3 1 0
    And The Host Receives    abcdef
    And The Board Raises    TypeError    v.write(5)

Should Receive A Number Of Bytes Or Fill A Buffer
    [Tags]    row:V12.bytes    row:V12.count
    Given A Host That Has The Port Open
    When The Board Runs    b = bytearray(4)
    And The Host Sends    0123456789
    Then The Board Says    v.recv(3), v.recv(b), bytes(b)    b'012' 4 b'3456'
    And The Board Says    v.recv(9, timeout=0), v.recv(9, timeout=0), v.recv(b, timeout=0)    b'789' b'' 0

Should Wait In recv As Long As It Is Told
    [Tags]    row:V12.bytes    row:V12.timeout
    Given A Host That Has The Port Open
    When The Host Sends    abc
    And The Board Runs    r, ms = timed(lambda: v.recv(10, timeout=100)); print(r, 100 <= ms <= 106)
    Then The Board Prints    b'abc' True
    When While The Board Runs    r, ms = timed(lambda: v.recv(4, timeout=60000)); print(r, 10 <= ms < 60)    The Host Sends Late    late
    Then The Board Prints    b'late' True

Should Send Bytes And Single Bytes
    [Tags]    row:V13.int    row:V13.buf
    Given A Host That Has The Port Open
    Then The Board Says    v.send(b"bytes"), v.send(0x41), v.send(bytearray(b"z"))    5 1 1
    And The Host Receives    bytesAz

Should Be Cut Short In send By Its Time-Out
    [Documentation]    A host that has the port open and does not read gets what had been handed over, later.
    [Tags]    row:V13.cut-short
    Given A Pico Running    vcp_two_ports.py
    When The Board Runs    r, ms = timed(lambda: v.send(b"nobody", timeout=60)); print(r, 60 <= ms <= 66)
    Then The Board Prints    0 True
    When The Host Opens Port
    And The Board Runs    data = pattern(4000); n, ms = timed(lambda: v.send(data, timeout=60)); print(0 < n < 4000, 60 <= ms <= 80); print(n)
    Then Should Be Equal    ${PRINTED}[0]    True True
    ${sent}=    Pattern    ${PRINTED}[1]
    And The Host Receives    ${sent}

Should Be Polled For Reading And Writing
    [Tags]    row:V15.poll-in    row:V15.poll-out
    Given A Host That Has The Port Open
    When The Board Runs    import select; p = select.poll(); p.register(v, select.POLLIN | select.POLLOUT)
    Then The Board Says    [flags for _, flags in p.poll(0)]    [4]
    When The Host Sends    x
    Then The Board Says    [flags for _, flags in p.poll(0)]    [5]
    When The Board Runs    w.init(flow=0); w.write(bytes(900)); p.register(w, select.POLLOUT); v.read()
    Then The Board Says    [(port is v, flags) for port, flags in p.poll(0)]    [(True, 4)]

Should Wake A poll That Waits For Data
    [Tags]    row:V15.poll-in
    Given A Host That Has The Port Open
    When The Board Runs    import select; p = select.poll(); p.register(v, select.POLLIN)
    And While The Board Runs    r, ms = timed(lambda: p.poll(60000)); print(len(r), 10 <= ms < 60)    The Host Sends Late    x
    Then The Board Prints    1 True

Should Be Printed To
    [Tags]    row:V15.print
    Given A Host That Has The Port Open
    When The Board Runs    print("six", 6, file=v)
    Then The Host Receives    six 6\n

Should Be A Console For dupterm
    [Tags]    row:V4.ctrl-c    row:V15.dupterm
    Given A Host That Has The Port Open
    When The Board Runs    import os; os.dupterm(v) and None
    And The Board Is At Its Prompt
    And The Host Sends    print("6 x 7 is", 6 * 7)\r
    Then The Host Reads Up To    \n6 x 7 is 42\r\n
    When The Host Sends    while True: pass\r\r\r
    And Time Passes    0.05
    And The Host Sends    \x03
    Then The Host Reads Up To    KeyboardInterrupt:
