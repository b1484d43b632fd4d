/* The machine in C with random memories, registers, interrupts, accesses and traffic of its blocks, under AddressSanitizer and UBSan.
 *
 *     fuzz_core SEED RUNS
 *
 * Whatever firmware does must be an answer of the machine: no access outside of its memory, nothing undefined, no hang.
 * A run that finds something ends the process with the sanitizer's report; the last line printed names its seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pico.h"

struct pico *pico_new(u32 (*)(u32, u32), void (*)(u32, u32, u32, u32), void (*)(u32), void (*)(u32, u32), void (*)(u32, u32),
                      void (*)(void), void (*)(u32, u32));
void pico_free(struct pico *p);
u32 pico_run(struct pico *p, u64 until);
void pico_hold_core(struct pico *p, u32 core, u32 held);
void pico_reset_core(struct pico *p, u32 core);
void pico_core_set(struct pico *p, u32 core, u32 what, u32 value);
void pico_end_semihosting_call(struct pico *p, u32 core, u32 result);
void pico_set_semihosting(struct pico *p, u32 on);
void pico_resume(struct pico *p, u32 core, u32 stepping);
u32 pico_breakpoints(struct pico *p, const u32 *addresses, u32 count);
u32 pico_cover(struct pico *p, u32 on);
u64 pico_snapshot_size(void);
void pico_set_hz(struct pico *p, u32 hz);
void pico_reset_block(struct pico *p, u32 which);
void pico_hold_ssi(struct pico *p, u32 held);
void pico_set_flash_time(struct pico *p, u32 ppm);
void pico_set_flash_latency(struct pico *p, u32 ppm);
void pico_save(struct pico *p, void *s, u64 id);
void pico_restore(struct pico *p, const void *s);

static u64 state;

static u32 any(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)(state >> 16);
}

static struct pico *current;
static u64 instructions;

static u32 on_read(u32 block, u32 offset) { return block ^ offset ^ any(); }
static void on_write(u32 block, u32 offset, u32 raw, u32 alias)
{
    if (any() % 8 == 0)
        set_irq(current, block & 31, raw & 1);
    if (any() % 8 == 0)
        set_dreq(current, offset & 63, alias & 1);
}
static void on_one(u32 offset) { (void)offset; }
static void on_two(u32 a, u32 b) { (void)a, (void)b; }
static void on_ignored(u32 command, u32 why) { (void)command, (void)why; }
static void on_nothing(void) {}

/* An address that firmware might use: something is there, or close by. */
static u32 likely_address(void)
{
    static const u32 base[] = {0, 0x10000000, 0x13000000, 0x14000000, 0x15000000, 0x18000000, 0x20000000, 0x20041F00, 0x21000000,
                               0x40014000, 0x40018000, 0x4001C000, 0x40050000, 0x40054000, 0x50000000, 0x50100000, 0x50110000,
                               0x50200000, 0x50300000, 0xD0000000, 0xE000E000, 0xE000ED00, 0x50000400, 0x40030000};
    u32 address = base[any() % (sizeof base / sizeof *base)] + any() % 0x500;
    return any() % 8 ? address & ~3u : address;
}

static void fill(u8 *memory, u32 size)
{
    for (u32 at = 0; at + 4 <= size; at += 4) {
        u32 kind = any() % 4, word = any();
        if (kind == 0)
            word = likely_address() | (any() & 1);
        else if (kind == 1)
            word = (word & 0x07FF07FF) | 0x60006000; /* loads and stores */
        memcpy(memory + at, &word, 4);
    }
}

/* -- Blocks that work on their own, with values that make them do so -- */

enum { DMA_CHANNEL = 0x40, PIO_MACHINE = 0x18, PWM_SLICE = 0x14, SSI_BASE = 0x18000000, PWM_BASE = APB_BASE + 0x50000,
       USBCTRL_IRQ = 5 };

static void write_any(u32 address, u32 value) { bus_write(current, address | (any() % 8 ? 0 : any() & 0x3000), 4, value); }

/* Memory, FIFOs, registers: also the DMA's own, so that channels program each other and themselves. */
static u32 end_of_transfer(void)
{
    static const u32 there[] = {SRAM_BASE, SRAM_BASE, DPSRAM_BASE, PIO0_BASE + 0x10, PIO1_BASE + 0x20, DMA_BASE, PWM_BASE,
                                FLASH_BASE, SSI_BASE + SSI_DR0, USB_BASE, XIP_SRAM_BASE, SRAM_UNSTRIPED_BASE};
    return there[any() % (sizeof there / sizeof *there)] + (any() % 2 ? 0 : any() % 0x800);
}

static void random_dma(void)
{
    u32 channel = DMA_BASE + DMA_CHANNEL * (any() % DMA_CHANNELS);
    write_any(channel, end_of_transfer());
    write_any(channel + 4, end_of_transfer());
    write_any(channel + 8, any() % 4 ? any() % 200 : any());
    write_any(channel + (any() % 4 * 0x10 + 0xC), any() % 4 ? any() | 1 : any());
    if (any() % 4 == 0)
        write_any(DMA_BASE + 0x400 + any() % 0x4C, any()); /* interrupts, pacing timers, MULTI_CHAN_TRIGGER, sniffer, abort */
    if (any() % 4 == 0)
        write_any(DMA_BASE + 0x800 + DMA_CHANNEL * (any() % DMA_CHANNELS), 0);
}

static void random_pio(void)
{
    u32 base = any() % 2 ? PIO0_BASE : PIO1_BASE, machine = base + 0xC8 + PIO_MACHINE * (any() % PIO_MACHINES);
    for (u32 n = any() % 32; n; n--)
        write_any(base + 0x48 + 4 * (any() % 32), any());
    write_any(machine, any() % 2 ? any() % 4 << 16 : any());
    for (u32 offset = 4; offset < PIO_MACHINE; offset += 4)
        if (any() % 2)
            write_any(machine + offset, any());
    write_any(base, any() & 0xFFF);
    write_any(base + 0x10 + 4 * (any() % 4), any());
    write_any(base + 0x12C + 4 * (any() % 6), any());
    write_any(base + 0x30 + 4 * (any() % 3), any());
}

static void random_pwm(void)
{
    u32 slice = PWM_BASE + PWM_SLICE * (any() % 8);
    write_any(slice + 4, any() % 4 ? 0x10 + any() % 0x40 : any());
    write_any(slice + 8, any());
    write_any(slice + 12, any());
    write_any(slice + 16, any() % 2 ? any() % 300 : any());
    write_any(slice, any());
    write_any(PWM_BASE + 0xA0 + 4 * (any() % 5), any());
    for (u32 pin = any() % 8; pin < BANK_PINS; pin += 1 + any() % 8) /* somebody must be at the pins */
        write_any(APB_BASE + 0x14004 + 8 * pin, (any() & 0x33300) | (any() % 2 ? FUNC_PWM : any() % 10));
}

/* A transaction as the controller makes it: bytes and a control word of an endpoint, and its interrupt. */
static void random_usb(void)
{
    u32 buffer = 0x100 + 64 * (any() % 60), length = any() % 65;
    for (u32 n = 0; n < length; n++)
        if (any() % 2)
            current->m.dpsram[buffer + n] = (u8)any();
        else
            bus_write(current, DPSRAM_BASE + buffer + n, 1, any());
    bus_write(current, DPSRAM_BASE + (any() & 0xFC), 1u << any() % 3, any());
    current->m.dpsram_guard = any() % 4 ? 0 : (u64)any() << 32 | any();
    set_irq(current, USBCTRL_IRQ, any() & 1);
}

/* Frames with commands of the flash: mostly those it knows, in the order in which they do something. */
static void random_flash(void)
{
    static const u8 commands[] = {0x02, 0x20, 0x03, 0x0B, 0x05, 0x35, 0x9F, 0x4B, 0x52, 0x75, 0x7A, 0x66, 0x99, 0x01};
    u32 command = any() % 8 ? commands[any() % sizeof commands] : any() & 0xFF;
    write_any(SSI_BASE + 0x08, any() % 8 != 0);
    write_any(SSI_BASE + 0x10, 1);
    write_any(SSI_BASE + 0x14, any() % 16);
    write_any(SSI_BASE, any() % 4 ? 7 << 16 : any());
    write_any(SSI_BASE + 0x4C, any() & 3);
    for (u32 pass = 0; pass < 2; pass++) {
        bus_write(current, APB_BASE + 0x1800C, 4, any() % 8 ? 2 << 8 : any()); /* SS low by IO_QSPI's override */
        bus_write(current, SSI_BASE + SSI_DR0, 4, pass ? command : 0x06);
        for (u32 n = pass ? any() % 300 : 0; n; n--) {
            u32 value;
            bus_write(current, SSI_BASE + SSI_DR0, 4, any());
            bus_read(current, SSI_BASE + SSI_DR0, 4, &value);
        }
        bus_write(current, APB_BASE + 0x1800C, 4, any() % 8 ? 3 << 8 : any());
    }
}

/* NVIC, SysTick, SCB and MPU of a core. */
static void random_scs(void)
{
    static const u16 registers[] = {0x010, 0x014, 0x018, 0x100, 0x180, 0x200, 0x280, 0x400, 0x410, 0x41C, 0xD04, 0xD08, 0xD0C,
                                    0xD10, 0xD1C, 0xD20, 0xD24, 0xD90, 0xD94, 0xD98, 0xD9C, 0xDA0};
    struct core *c = &current->m.core[any() & 1];
    u32 offset = any() % 8 ? registers[any() % (sizeof registers / sizeof *registers)] : any() & 0xFFC, value = any();
    if (offset == 0xD08)
        value = SRAM_BASE;
    else if (offset == 0xD0C)
        value = 0x05FA0000 | (value & 7);
    else if (offset == 0xD94 && any() % 8)
        value &= ~1u; /* the MPU, with random regions, lets nothing happen */
    scs_read(current, c, offset);
    scs_write(current, c, offset, value);
}

static void random_blocks(void)
{
    switch (any() % 8) {
    case 0: random_dma(); break;
    case 1: random_pio(); break;
    case 2: random_pwm(); break;
    case 3: random_usb(); break;
    case 4: random_flash(); break;
    case 5: case 6: random_scs(); break;
    default: break;
    }
}

static void one_run(u64 seed)
{
    static const u32 start[] = {0x20000000, 0x10000000, 0x100, 0x15000100, 0x20041F00, 0x101FFFF0, 0x20041FF8, 0x50100100, 0xD0000000};
    struct pico *p = pico_new(on_read, on_write, on_one, on_two, on_ignored, on_nothing, on_two);
    void *snapshot = NULL;
    u64 limit = 0;
    current = p;
    state = seed * 0x9E3779B97F4A7C15u | 1;
    for (u32 n = 0; n < 20; n++)
        any();
    for (u32 word = 0; word < BLOCK_WORDS; word++) { /* as rp2040/ssi.py has it: the rest is a word that is stored */
        p->hooks[BLOCK_SSI][word] = 0;
        p->masks[BLOCK_SSI][word] = ~0u;
    }
    pico_set_flash_time(p, any() % 4 ? any() % 2000 : 1000000);
    pico_set_flash_latency(p, any() % 4 ? 0 : any() % 3000000);
    fill(p->m.rom, ROM_SIZE);
    fill(p->flash, 0x4000);
    fill(p->flash + FLASH_SIZE - 0x1000, 0x1000);
    fill(p->m.sram, SRAM_SIZE);
    for (u32 core = 0; core < 1 + any() % 2; core++) {
        pico_hold_core(p, core, 0);
        if (any() % 4 == 0)
            pico_reset_core(p, core);
        for (u32 r = 0; r < 15; r++)
            pico_core_set(p, core, r, any() % 2 ? likely_address() : any());
        pico_core_set(p, core, 13, SRAM_BASE + 0x1000 + (any() & 0x3FFF0));
        pico_core_set(p, core, 15, start[any() % (sizeof start / sizeof *start)] + (any() & 0xFE));
        p->m.core[core].irq_enabled = any() % 2 ? any() : 0;
        p->m.core[core].mpu_ctrl = any() % 8 ? 0 : any() & 7;
        for (u32 n = 0; n < 8; n++)
            p->m.core[core].mpu[n] = (struct mpu_region){any() & ~0xFFu, any() & 0x1707FF3F};
        p->m.core[core].vtor = any() % 2 ? 0 : SRAM_BASE;
    }
    pico_set_semihosting(p, any() & 1);
    if (any() % 4 == 0)
        pico_cover(p, 1);
    if (any() % 4 == 0) {
        u32 at[4] = {SRAM_BASE + (any() & 0xFE), FLASH_BASE, any(), 0x100};
        pico_breakpoints(p, at, 4);
    }
    for (u32 step = 0; step < 60; step++) {
        u32 value;
        limit += any() % 3000;
        for (u32 turn = 0; turn < 200 && p->m.now < limit; turn++) {
            if (p->m.semihosting_calls)
                pico_end_semihosting_call(p, p->m.semihosting_calls >> 1, any());
            if (p->debug.hit)
                pico_resume(p, p->debug.hit_core, any() & 1);
            for (u32 core = 0; core < 2; core++)
                if (p->m.reset_requests >> core & 1 || (p->m.core[core].locked_up && any() % 2)) {
                    pico_reset_core(p, core);
                    pico_core_set(p, core, 15, SRAM_BASE + (any() & 0x3FFFE));
                    pico_core_set(p, core, 13, SRAM_BASE + 0x8000 + (any() & 0x1FFF0));
                }
            pico_run(p, limit);
        }
        for (u32 n = any() % 8; n; n--) {
            u32 address = likely_address(), size = 1u << any() % 3;
            if (any() % 2)
                bus_write(p, address & ~(size - 1), size, any());
            else
                bus_read(p, address & ~(size - 1), size, &value);
        }
        for (u32 n = any() % 3; n; n--)
            random_blocks();
        if (any() % 16 == 0)
            pico_set_hz(p, any() % 2 ? 6500000 : 1 + any() % 250000000);
        if (any() % 32 == 0)
            pico_reset_block(p, any() % 10);
        if (any() % 32 == 0)
            pico_hold_ssi(p, any() & 1);
        if (any() % 4 == 0)
            set_irq(p, any() & 31, any() & 1);
        if (any() % 4 == 0)
            pins_set_external(p, any(), any(), any() & 0x3FFFFFFF);
        if (any() % 16 == 0) {
            snapshot = snapshot ? snapshot : malloc(pico_snapshot_size());
            pico_save(p, snapshot, seed + step + 1);
        } else if (snapshot && any() % 8 == 0) {
            pico_restore(p, snapshot);
            limit = p->m.now;
        }
    }
    instructions += p->m.core[0].instructions + p->m.core[1].instructions;
    free(snapshot);
    pico_free(p);
}

static u64 now_running;

/* The sanitizers call it before they end the process. */
void __asan_on_error(void) { fprintf(stderr, "seed %llu:\n", (unsigned long long)now_running); }

int main(int count, char **arguments)
{
    u64 seed = count > 1 ? strtoull(arguments[1], NULL, 0) : 1, runs = count > 2 ? strtoull(arguments[2], NULL, 0) : 100;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (u64 n = 0; n < runs; n++) {
        if (n % 100 == 0)
            printf("seed %llu\n", (unsigned long long)(seed + n));
        now_running = seed + n;
        one_run(seed + n);
    }
    printf("%llu runs, %llu instructions, clean\n", (unsigned long long)runs, (unsigned long long)instructions);
    return 0;
}
