*** Settings ***
Documentation    Both cores and what SIO gives them.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Run A Thread On Core 1
    [Tags]    row:P2.both-cores    row:P2.thread
    Boot Pico    cores=2
    Run On REPL
    ...    import _thread, time
    ...    from machine import mem32
    ...    seen = []
    ...    def task():
    ...    \ \ seen.append(mem32[0xd0000000])
    ...    _thread.start_new_thread(task, ())
    ...    time.sleep_ms(20)
    ...    print("cores", mem32[0xd0000000], seen)
    Output Should Be    cores 0 [1]

Should Run A Second Thread After The First
    [Tags]    row:P2.thread
    Boot Pico    cores=2
    Run On REPL
    ...    import _thread, time
    ...    def task(n): done.append(n)
    ...    done = []
    ...    for n in range(3):
    ...    \ \ _thread.start_new_thread(task, (n,))
    ...    \ \ time.sleep_ms(20)
    ...    print(done)
    Output Should Be    [0, 1, 2]

Should Share A Lock Between The Cores
    [Tags]    row:P2.both-cores
    Boot Pico    cores=2
    Run On REPL
    ...    import _thread, time
    ...    lock, count, running = _thread.allocate_lock(), 0, 2
    ...    def work():
    ...    \ \ global count, running
    ...    \ \ for _ in range(500):
    ...    \ \ \ \ with lock:
    ...    \ \ \ \ \ \ count += 1
    ...    \ \ with lock: running -= 1
    ...    _thread.start_new_thread(work, ())
    ...    work()
    ...    while running: time.sleep_ms(1)
    ...    print("count", count)
    Output Should Be    count 1000

Should Pass Words Between The Cores
    [Documentation]    MicroPython takes the mailboxes' interrupt for itself: it is off on both cores meanwhile. A mailbox holds eight words;
    ...    one too many sets WOF, one asked for in vain ROE. Names are made before the thread runs: without a GIL nobody may add one while it
    ...    looks for its own.
    [Tags]    row:P2.fifo    row:P2.both-cores
    Boot Pico    cores=2
    Run On REPL
    ...    import _thread, time
    ...    from machine import mem32
    ...    ST, WR, RD = 0xd0000050, 0xd0000054, 0xd0000058
    ...    def echo():
    ...    \ \ mem32[0xe000e180] = 1 << 16
    ...    \ \ while True:
    ...    \ \ \ \ while not mem32[ST] & 1: pass
    ...    \ \ \ \ x = mem32[RD]
    ...    \ \ \ \ if not x: break
    ...    \ \ \ \ mem32[WR] = 3 * x
    ...    def ask(x):
    ...    \ \ mem32[WR] = x
    ...    \ \ while not mem32[ST] & 1: pass
    ...    \ \ return mem32[RD]
    ...    mem32[0xe000e180] = 1 << 15
    ...    _thread.start_new_thread(echo, ())
    ...    time.sleep_ms(5)
    ...    print("words", [ask(x) for x in (1, 20, 300)])
    ...    mem32[WR] = 0; time.sleep_ms(5)
    ...    n = 0; print("idle", bin(mem32[ST]))
    ...    while mem32[ST] & 2: mem32[WR] = n; n += 1
    ...    print("full", n, bin(mem32[ST]))
    ...    mem32[WR] = 9; mem32[RD]; print("misused", bin(mem32[ST]))
    ...    mem32[ST] = 0xc; print("cleared", bin(mem32[ST]))
    Output Should Be    words [3, 60, 900]    idle 0b10    full 8 0b0    misused 0b1100    cleared 0b0

Should Not Sleep Over An Interrupt That Came Just Before WFE
    [Documentation]    Taking an exception sets the event register (ARMv6-M, B1.5.18): who then says WFE goes on.
    Boot Pico
    Run On REPL
    ...    import micropython, time
    ...    @micropython.asm_thumb
    ...    def nap(r0, r1):
    ...    \ \ data(2, 0xbf40, 0xbf20) # SEV, WFE: no event is left
    ...    \ \ str(r1, [r0, 0])
    ...    \ \ mov(r2, 20)
    ...    \ \ label(TAKEN)
    ...    \ \ sub(r2, 1)
    ...    \ \ bne(TAKEN)
    ...    \ \ data(2, 0xbf20)
    ...    t = time.ticks_us(); nap(0xe000e200, 1 << 20); t = time.ticks_diff(time.ticks_us(), t)
    ...    print("slept", t > 500)
    Output Should Be    slept False

Should Let A Watchpoint See What Goes Past The Bus
    [Documentation]    SIO, the time and the USB buffers have a way of their own; a watched address has not.
    The Embedded Engine Lacks    a monitor that watches addresses, and ways past its bus: its watchpoints are GDB's
    Boot Pico
    Execute Command    sysbus AddWatchpointHook 0x50100180 DoubleWord Write "self.WriteDoubleWord(0x15000000, value)"
    Execute Command    sysbus AddWatchpointHook 0xd0000060 DoubleWord Write "self.WriteDoubleWord(0x15000004, value)"
    Run On REPL    from machine import mem32; mem32[0x50100180] = 77; mem32[0xd0000060] = 88; print("written")
    Output Should Be    written
    Memory Should Hold    0x15000000    77
    Memory Should Hold    0x15000004    88
    Memory Should Hold    0x50100180    77

Should Claim And Release A Spin Lock
    [Tags]    row:P2.spin-locks
    Boot Pico
    Run On REPL
    ...    from machine import mem32
    ...    lock = 0xd0000100 + 4 * 9
    ...    mem32[lock] = 1
    ...    print(mem32[lock], mem32[lock], mem32[0xd000005c] >> 9 & 1)
    ...    mem32[lock] = 1
    ...    print(mem32[0xd000005c] >> 9 & 1, mem32[lock])
    Output Should Be    512 0 1    0 512

Should Divide With And Without Sign
    [Tags]    row:P2.dividers
    Boot Pico
    Run On REPL
    ...    from machine import mem32
    ...    def divide(at, a, b):
    ...    \ \ mem32[0xd0000000 + at] = a & 0xffffffff
    ...    \ \ mem32[0xd0000004 + at] = b & 0xffffffff
    ...    \ \ ready = mem32[0xd0000078]
    ...    \ \ r, q = mem32[0xd0000074], mem32[0xd0000070]
    ...    \ \ print(hex(q & 0xffffffff), hex(r & 0xffffffff), ready, mem32[0xd0000078])
    ...    divide(0x60, 100, 7)
    ...    divide(0x68, -100, 7)
    ...    divide(0x68, 100, -7)
    ...    divide(0x60, 5, 0)
    ...    divide(0x68, -5, 0)
    ...    divide(0x68, -0x80000000, -1)
    Output Should Be    0xe 0x2 3 1    0xfffffff2 0xfffffffe 3 1    0xfffffff2 0x2 3 1
    ...    0xffffffff 0x5 3 1    0x1 0xfffffffb 3 1    0x80000000 0x0 3 1

Should Interpolate
    [Documentation]    Table addressing, blending and clamping as in the datasheet's examples (2.3.1.6).
    [Tags]    row:P2.interpolators
    Boot Pico
    Run On REPL
    ...    from machine import mem32
    ...    I = 0xd0000080
    ...    def setup(n, **regs):
    ...    \ \ names = dict(a0=0, a1=4, b0=8, b1=12, b2=16, c0=0x2c, c1=0x30)
    ...    \ \ for k, v in regs.items(): mem32[I + 0x40 * n + names[k]] = v & 0xffffffff
    ...    def peek(n): return [hex(mem32[I + 0x40 * n + o] & 0xffffffff) for o in (0x20, 0x24, 0x28)]
    ...    setup(0, a0=0x1234, a1=0x77, b0=0x1000, b1=0x2000, b2=0x3000, c0=4 | 0 << 5 | 7 << 10, c1=31 << 10)
    ...    print("plain", peek(0))
    ...    print("pop", hex(mem32[I + 0x14]), hex(mem32[I]), hex(mem32[I + 4]))
    ...    setup(0, a1=128, b0=500, b1=1000, b2=0, c0=1 << 21, c1=7 << 10)
    ...    print("blend", mem32[I + 0x24])
    ...    setup(1, a0=-300, b0=0, b1=255, c0=31 << 10 | 1 << 15 | 1 << 22)
    ...    print("clamp", mem32[I + 0x60])
    ...    setup(1, a0=300)
    ...    print("clamp", mem32[I + 0x60])
    Output Should Be    plain ['0x1023', '0x2077', '0x309a']    pop 0x1023 0x1023 0x2077
    ...    blend 750    clamp 0    clamp 255

*** Keywords ***
Memory Should Hold
    [Arguments]    ${address}    ${expected}
    ${value}=    Execute Command    sysbus ReadDoubleWord ${address}
    Should Be Equal As Integers    ${value}    ${expected}
