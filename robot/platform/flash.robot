*** Settings ***
Documentation    The flash, erased and programmed by the boot ROM's own routines.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Make A File System At The First Boot
    [Tags]    row:P3.erased    row:P3.programmed
    [Documentation]    Where there were only zeros: they have to be erased first.
    Create Pico
    The Flash Is Filled With    0x00    offset=0xa0000    length=0x2000
    The Board Comes To Its Prompt
    On REPL    import os; print(os.statvfs("/")[:3])    (4096, 4096, 352)
    ${word}=    The Register Holds    0x100a0000
    Should Not Be Equal As Integers    ${word}    0

Should Keep A File Over A Reset
    [Tags]    row:P3.reset
    Boot Pico
    Run On REPL    f = open("note.txt", "w"); f.write("kept"); f.close()
    Wait For REPL
    The Board Is Reset
    On REPL    print(open("note.txt").read())    kept

Should Keep A File Over Power Off
    [Tags]    row:P3.power-off
    ${flash}=    Set Variable    ${TEMPDIR}/flash-${{ os.getpid() }}.bin
    Evaluate    pathlib.Path($flash).unlink(missing_ok=True)    modules=pathlib
    Boot Pico    flash=${flash}
    Run On REPL    f = open("note.txt", "w"); f.write("kept"); f.close()
    Wait For REPL
    The Power Is Cut
    Boot Pico    flash=${flash}
    On REPL    print(open("note.txt").read())    kept

Should Hold Many Sectors
    [Tags]    row:P3.programmed
    Boot Pico
    Run On REPL
    ...    with open("big", "wb") as f:
    ...    \ \ for i in range(64): f.write(bytes((i + j) & 255 for j in range(256)))
    ...    with open("big", "rb") as f:
    ...    \ \ good = all(f.read(256) == bytes((i + j) & 255 for j in range(256)) for i in range(64))
    ...    print("good", good)
    Output Should Be    good True

Should Be Read As Fast As Asked For
    [Documentation]    A thousand words past the cache, at 45 cycles each with the Pico's second stage; the loop alone is taken off.
    [Tags]    row:P9.flash-latency
    Boot Pico    flash_latency=1
    Run On REPL
    ...    import machine, micropython
    ...    @micropython.viper
    ...    def words(at: ptr32) -> int:
    ...    \ \ timer = ptr32(0x40054000)
    ...    \ \ begun = timer[10]
    ...    \ \ for i in range(1000): at[i]
    ...    \ \ return timer[10] - begun
    ...    def read():
    ...    \ \ state = machine.disable_irq()
    ...    \ \ took = [words(at) for at in (0x13080000, 0x20010000)]
    ...    \ \ machine.enable_irq(state)
    ...    \ \ print("took", took[0] - took[1], "us")
    ...    read()
    ${us}=    Output Should Match    took (\\d+) us
    Should Be True    359 <= ${us}[0] <= 361
    Wait For REPL
    A Read Of The Flash Takes    0.5
    Run On REPL    read()
    ${us}=    Output Should Match    took (\\d+) us
    Should Be True    183 <= ${us}[0] <= 185
    Wait For REPL
    A Read Of The Flash Takes    0
    Run On REPL    read()
    ${us}=    Output Should Match    took (-?\\d+) us
    Should Be True    -1 <= ${us}[0] <= 1
    Wait For REPL
    ${refused}=    Run Keyword And Expect Error    *    A Read Of The Flash Takes    -1
    Should Contain    ${refused}    he flash's latency can be 0 to 100 times the chip's

Should Program Bits Only From One To Zero
    [Tags]    row:P3.erased    row:P3.programmed
    Boot Pico
    Run On REPL
    ...    import rp2
    ...    flash = rp2.Flash()
    ...    last = flash.ioctl(4, 0) - 1
    ...    flash.ioctl(6, last)
    ...    flash.writeblocks(last, b"\\xf0" * 256, 0)
    ...    flash.writeblocks(last, b"\\x3c" * 256, 0)
    ...    b = bytearray(2); flash.readblocks(last, b, 255); print(b)
    ...    flash.ioctl(6, last); flash.readblocks(last, b, 255); print(b)
    Output Should Be    bytearray(b'0\\xff')    bytearray(b'\\xff\\xff')

Should See Code Change That Has Switched Flash On
    [Documentation]    Such code is forgotten by the translator a millisecond later; from then on it has to be watched anew. This one
    ...    sets SSIENR to 0 and to 1, counts down for some milliseconds, stores beside itself, which needs no watching, then turns
    ...    its own "movs r0, #1" into "movs r0, #2".
    Create Pico
    The Emulation Runs For    0.0001
    The Memory Is Written    0x20030000
    ...    0x22004908    0x2201600A    0x4B07600A    0xD1FD3B01    0x28022001    0x4C05D004    0x86254D05    0xE7F78025    0xBF00E7FE
    ...    0x18000008    100000    0x20030010    0x2002
    The Core Goes To    0x20030000
    The Emulation Runs For    0.05
    The Core Is At    0x20030020
