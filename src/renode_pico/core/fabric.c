/* What is counted at the bus fabric's ports (RP2040 datasheet, 2.1.1), and execute-in-place: its cache and its counters
 * (2.6.3), and what a read of the flash behind it costs. Counting takes each access through here: it is on only while
 * something is selected or asked for.
 */
#include "pico.h"

#include <string.h>

enum {
    XIP_CTRL = 0x00 >> 2, XIP_CTR_HIT = 0x0C >> 2, XIP_CTR_ACC = 0x10 >> 2, /* words of registers[BLOCK_XIP_CTRL] */
    XIP_EN = 1 << 0, XIP_ERR_BADWRITE = 1 << 1, XIP_POWER_DOWN = 1 << 3,
    WINDOW_ALLOCATING = 0, WINDOW_LOOKING = 1, WINDOW_FILLING = 2, /* bits 25..24 of an address */
    LINE_BITS = 3, SET_BITS = 10, /* lines of 8 bytes; 16 KiB in two ways */
    TAG = (1 << (24 - LINE_BITS - SET_BITS)) - 1, LOWER_WORD = 0x4000, UPPER_WORD = 0x8000, /* of a line: what is valid of it */
    MILLION = 1000000,
    BLOCK_BUSCTRL = 12, PERFCTR0 = 0x08 >> 2, PERFSEL0 = 0x0C >> 2, COUNTERS = 4, COUNTER_MOST = 0xFFFFFF,
    EVENT_APB = 1, EVENT_FASTPERI = 3, EVENT_SRAM5 = 5, EVENT_SRAM4 = 7, EVENT_SRAM0 = 15, EVENT_XIP_MAIN = 17, EVENT_ROM = 19,
    EVENT_NONE = 0x1F,
};

static u32 control(const struct pico *p)
{
    return p->m.registers[BLOCK_XIP_CTRL][XIP_CTRL];
}

static u32 set_of(u32 address)
{
    return address >> LINE_BITS & ((1 << SET_BITS) - 1);
}

static u16 tag_of(u32 address)
{
    return (u16)((address & 0xFFFFFF) >> (LINE_BITS + SET_BITS));
}

static u16 word_of(u32 address)
{
    return address & 4 ? UPPER_WORD : LOWER_WORD;
}

static bool is_line_of(u16 line, u32 address)
{
    return line >= LOWER_WORD && (line & TAG) == tag_of(address);
}

bool xip_takes_write(struct pico *p, u32 address)
{
    if ((address >> 24 & 3) != WINDOW_ALLOCATING)
        return p->m.running == NOBODY || !(control(p) & XIP_ERR_BADWRITE);
    if (p->m.counting & LOOK_AT_XIP) {
        u32 set = set_of(address);
        for (u32 way = 0; way < 2; way++)
            if (is_line_of(p->m.cache.line[way][set], address))
                p->m.cache.line[way][set] = 0;
    }
    return true;
}

bool xip_is_sram(const struct pico *p)
{
    return p->m.running == NOBODY || !(control(p) & (XIP_EN | XIP_POWER_DOWN));
}

void xip_flush(struct pico *p)
{
    memset(&p->m.cache, 0, sizeof p->m.cache);
}

static void count_up(u32 *counter, u32 most)
{
    if (*counter < most)
        ++*counter;
}

/* A line is filled by words, as the SSI reads one at a time: each half of it is valid or not. */
static bool find_word(struct pico *p, u32 address, u32 window)
{
    struct cache *cache = &p->m.cache;
    u32 set = set_of(address), way = !cache->newest[set];
    u16 word = word_of(address);
    bool allocates = window == WINDOW_ALLOCATING || window == WINDOW_FILLING;
    for (u32 n = 0; n < 2; n++)
        if (is_line_of(cache->line[n][set], address)) {
            bool hit = cache->line[n][set] & word && (window == WINDOW_ALLOCATING || window == WINDOW_LOOKING);
            cache->newest[set] = (u8)n;
            if (allocates)
                cache->line[n][set] |= word;
            return hit;
        }
    if (allocates) {
        if (!cache->line[cache->newest[set]][set])
            way = cache->newest[set]; /* it was given up */
        cache->line[way][set] = tag_of(address) | word;
        cache->newest[set] = (u8)way;
    }
    return false;
}

static void count_xip(struct pico *p, u32 address)
{
    u32 *registers = p->m.registers[BLOCK_XIP_CTRL];
    count_up(&registers[XIP_CTR_ACC], UINT32_MAX);
    if ((registers[XIP_CTRL] & XIP_EN) && find_word(p, address, address >> 24 & 3))
        count_up(&registers[XIP_CTR_HIT], UINT32_MAX);
    else if (p->m.counting & COUNT_LATENCY)
        p->m.stall += (u32)(((u64)ssi_word_cycles(p) * p->m.flash_latency_ppm + MILLION / 2) / MILLION);
}

/* The event that an access to a port of the crossbar is, whether or not another master wants it, too. */
static u32 event_of(u32 address)
{
    u32 offset = address & 0xFFFFFF;
    switch (address >> 24) {
    case 0x00: return EVENT_ROM;
    case 0x10: case 0x11: case 0x12: case 0x13: case 0x14: case 0x15: case 0x18: return EVENT_XIP_MAIN;
    case 0x20:
        if (offset < SRAM_STRIPED_SIZE)
            return EVENT_SRAM0 - 2 * (offset >> 2 & 3);
        return offset < SRAM_STRIPED_SIZE + 0x1000 ? EVENT_SRAM4 : EVENT_SRAM5;
    case 0x21: return EVENT_SRAM0 - 2 * (offset >> 16 & 3);
    case 0x40: return EVENT_APB;
    case 0x50: return EVENT_FASTPERI;
    default: return EVENT_NONE;
    }
}

void count_access(struct pico *p, u32 address, bool write)
{
    if (p->m.running == NOBODY)
        return;
    if ((p->m.counting & LOOK_AT_XIP) && !write && is_flash(address))
        count_xip(p, address);
    if (p->m.counting & COUNT_BUS) {
        u32 *registers = p->m.registers[BLOCK_BUSCTRL], event = event_of(address);
        for (u32 n = 0; n < COUNTERS; n++)
            if (registers[PERFSEL0 + 2 * n] == event && event != EVENT_NONE)
                count_up(&registers[PERFCTR0 + 2 * n], COUNTER_MOST);
    }
}

/* Instructions are fetched by words: one for every two halfwords that follow each other, and one after each jump. */
void count_fetch(struct pico *p, struct core *c, u32 pc, bool wide)
{
    u32 first = pc & ~3u, last = (wide ? pc + 2 : pc) & ~3u;
    if (first != c->fetched)
        count_access(p, first, false);
    if (last != first)
        count_access(p, last, false);
    c->fetched = last;
}
