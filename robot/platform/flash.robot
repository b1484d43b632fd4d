*** Settings ***
Documentation    The flash, erased and programmed by the boot ROM's own routines.
Resource         ${CURDIR}/../resources/pico_renode.resource

*** Test Cases ***
Should Make A File System At The First Boot
    [Tags]    row:P3
    Boot Pico
    On REPL    import os; print(os.statvfs("/")[:3])    (4096, 4096, 352)
    ${erased}=    Execute Command    sysbus.ssi.flash Erasures
    Should Not Be Equal As Integers    ${erased}    0

Should Keep A File Over A Reset
    [Tags]    row:P3
    Boot Pico
    Run On REPL    f = open("note.txt", "w"); f.write("kept"); f.close()
    Wait For REPL
    Execute Command    machine Reset
    Wait For REPL
    On REPL    print(open("note.txt").read())    kept

Should Keep A File Over Power Off
    [Tags]    row:P3
    ${flash}=    Set Variable    ${TEMPDIR}/flash-${{ os.getpid() }}.bin
    Evaluate    pathlib.Path($flash).unlink(missing_ok=True)    modules=pathlib
    Boot Pico    flash=${flash}
    Run On REPL    f = open("note.txt", "w"); f.write("kept"); f.close()
    Wait For REPL
    Execute Command    Clear
    Boot Pico    flash=${flash}
    On REPL    print(open("note.txt").read())    kept

Should Hold Many Sectors
    [Tags]    row:P3
    Boot Pico
    Run On REPL
    ...    with open("big", "wb") as f:
    ...    \ \ for i in range(64): f.write(bytes((i + j) & 255 for j in range(256)))
    ...    with open("big", "rb") as f:
    ...    \ \ good = all(f.read(256) == bytes((i + j) & 255 for j in range(256)) for i in range(64))
    ...    print("good", good)
    Output Should Be    good True

Should Program Bits Only From One To Zero
    [Tags]    row:P3
    Boot Pico
    Run On REPL
    ...    import rp2
    ...    flash = rp2.Flash()
    ...    last = flash.ioctl(4, 0) - 1
    ...    flash.ioctl(6, last)
    ...    flash.writeblocks(last, b"\\xf0" * 256, 0)
    ...    flash.writeblocks(last, b"\\x3c" * 256, 0)
    ...    b = bytearray(2); flash.readblocks(last, b, 255); print(b)
    Output Should Be    bytearray(b'0\\xff')
