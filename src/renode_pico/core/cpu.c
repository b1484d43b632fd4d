/* The Cortex-M0+ (ARMv6-M): instructions, decoded once and then run from what was decoded.
 *
 * Every halfword of ROM, flash and SRAM has a struct instruction beside it; OP_UNKNOWN means that it must be decoded
 * first, and a store makes it so again. The loop that runs them is in execute.inc, which is compiled several times:
 * plain, with the edge map of a fuzzer, and with a look at each access and instruction (MPU, debugger).
 */
#include <string.h>

#include "cpu.h"
#include "pico.h"

/* -- Decoding (ARM DDI 0419, A5) -- */

static struct instruction decode_data_processing(u32 code)
{
    static const u8 op[16] = {OP_AND, OP_EOR, OP_LSL_R, OP_LSR_R, OP_ASR_R, OP_ADC, OP_SBC, OP_ROR,
                              OP_TST, OP_RSB, OP_CMP_R, OP_CMN, OP_ORR, OP_MUL, OP_BIC, OP_MVN};
    return (struct instruction){.op = op[code >> 6 & 15], .rd = code & 7, .rn = code & 7, .rm = code >> 3 & 7};
}

static struct instruction decode_special(u32 code, u32 pc)
{
    u8 rm = code >> 3 & 15, rd = (code & 7) | (code >> 4 & 8);
    struct instruction i = {.rd = rd, .rn = rd, .rm = rm, .imm = pc + 4};
    switch (code >> 8 & 3) {
    case 0:
        if (rm == 15 && rd != 15 && rd != 13)
            i.op = OP_ADD_HI; /* imm is added where rm is the PC: see execute.inc */
        else
            i.op = rd == 15 ? OP_ADD_PC : rd == 13 ? OP_ADD_SP : OP_ADD_HI;
        break;
    case 1: i.op = OP_CMP_HI; break;
    case 2: i.op = rd == 15 ? OP_MOV_PC : rm == 15 && rd != 13 ? OP_SET : rd == 13 ? OP_MOV_SP : OP_MOV_HI; break;
    default: i.op = rm == 15 ? OP_UNDEFINED : code & 0x80 ? OP_BLX : OP_BX;
    }
    return i;
}

static u32 sign_extend(u32 value, u32 bits)
{
    u32 sign = 1u << (bits - 1);
    return ((value & (2 * sign - 1)) ^ sign) - sign;
}

static struct instruction decode_miscellaneous(u32 code)
{
    struct instruction i = {.rd = code & 7, .rm = code >> 3 & 7, .imm = code & 0xFF};
    u32 list = code & 0xFF, extra = code >> 8 & 1;
    switch (code >> 8 & 15) {
    case 0:
        i.op = OP_ADD_SP_I;
        i.imm = code & 0x80 ? -((code & 0x7F) << 2) : (code & 0x7F) << 2;
        break;
    case 2: i.op = (u8[]){OP_SXTH, OP_SXTB, OP_UXTH, OP_UXTB}[code >> 6 & 3]; break;
    case 4: case 5:
        i.op = OP_PUSH;
        i.imm = list | extra << 14;
        break;
    case 6: i.op = (code & 0xE0) != 0x60 ? OP_UNDEFINED : !(code & 2) ? OP_NOP : code & 0x10 ? OP_CPSID : OP_CPSIE; break;
    case 10: i.op = (u8[]){OP_REV, OP_REV16, OP_UNDEFINED, OP_REVSH}[code >> 6 & 3]; break;
    case 12: case 13:
        i.op = extra ? OP_POP_PC : OP_POP;
        i.imm = list;
        break;
    case 14: i.op = OP_BKPT; break; /* imm is its number */
    case 15: /* hints; IT is not ARMv6-M's */
        i.op = code & 15 ? OP_UNDEFINED
             : (u8[]){OP_NOP, OP_NOP, OP_WFE, OP_WFI, OP_SEV}[(code >> 4 & 15) < 5 ? code >> 4 & 15 : 0];
        break;
    default: i.op = OP_UNDEFINED;
    }
    if ((i.op == OP_PUSH || i.op == OP_POP) && !i.imm)
        i.op = OP_UNDEFINED;
    for (u32 rest = i.imm; rest; rest &= rest - 1)
        i.rn++; /* of PUSH and POP: how many registers */
    return i;
}

static struct instruction decode_wide(u32 code, u32 second, u32 pc)
{
    struct instruction i = {.op = OP_UNDEFINED};
    if (code >> 11 != 0x1E || !(second & 0x8000))
        return i;
    if ((second & 0xD000) == 0xD000) {
        u32 s = code >> 10 & 1, i1 = !((second >> 13 & 1) ^ s), i2 = !((second >> 11 & 1) ^ s);
        u32 offset = s << 24 | i1 << 23 | i2 << 22 | (code & 0x3FF) << 12 | (second & 0x7FF) << 1;
        i.op = OP_BL;
        i.imm = pc + 4 + sign_extend(offset, 25);
    } else if ((code & 0xFFE0) == 0xF380 && (second & 0xD000) == 0x8000) {
        i = (struct instruction){.op = OP_MSR, .rn = code & 15, .imm = second & 0xFF};
    } else if ((code & 0xFFF0) == 0xF3E0 && (second & 0xD000) == 0x8000) {
        i = (struct instruction){.op = OP_MRS, .rd = second >> 8 & 15, .imm = second & 0xFF};
    } else if ((code & 0xFFF0) == 0xF3B0 && (second & 0xD0C0) == 0x8040 && (second & 0x30) != 0x30 && (second >> 4 & 15) >= 4) {
        i.op = OP_BARRIER;
    }
    if ((i.op == OP_MSR && (i.rn == 13 || i.rn == 15)) || (i.op == OP_MRS && (i.rd == 13 || i.rd == 15)))
        i.op = OP_UNDEFINED;
    return i;
}

/* `second` is the halfword behind, for the instructions that have two. */
struct instruction decode(u32 code, u32 second, u32 pc)
{
    struct instruction i = {.rd = code & 7, .rn = code >> 3 & 7, .rm = code >> 6 & 7};
    u32 rd8 = code >> 8 & 7, imm5 = code >> 6 & 31, imm8 = code & 0xFF;
    switch (code >> 11) {
    case 0x00: i.op = imm5 ? OP_LSL_I : OP_MOV_S; i.rm = code >> 3 & 7; i.imm = imm5; break;
    case 0x01: i.op = OP_LSR_I; i.rm = code >> 3 & 7; i.imm = imm5 ? imm5 : 32; break;
    case 0x02: i.op = OP_ASR_I; i.rm = code >> 3 & 7; i.imm = imm5 ? imm5 : 32; break;
    case 0x03: i.op = (u8[]){OP_ADD_R, OP_SUB_R, OP_ADD_I, OP_SUB_I}[code >> 9 & 3]; i.imm = code >> 6 & 7; break;
    case 0x04: i.op = OP_MOV_I; i.rd = rd8; i.imm = imm8; break;
    case 0x05: i.op = OP_CMP_I; i.rn = rd8; i.imm = imm8; break;
    case 0x06: i.op = OP_ADD_I8; i.rd = i.rn = rd8; i.imm = imm8; break;
    case 0x07: i.op = OP_SUB_I8; i.rd = i.rn = rd8; i.imm = imm8; break;
    case 0x08: return code & 0x400 ? decode_special(code, pc) : decode_data_processing(code);
    case 0x09: i.op = OP_LDR_L; i.rd = rd8; i.imm = (pc & ~3u) + 4 + (imm8 << 2); break;
    case 0x0A: case 0x0B:
        i.op = (u8[]){OP_STR_R, OP_STRH_R, OP_STRB_R, OP_LDRSB_R, OP_LDR_R, OP_LDRH_R, OP_LDRB_R, OP_LDRSH_R}[code >> 9 & 7];
        break;
    case 0x0C: i.op = OP_STR_I; i.imm = imm5 << 2; break;
    case 0x0D: i.op = OP_LDR_I; i.imm = imm5 << 2; break;
    case 0x0E: i.op = OP_STRB_I; i.imm = imm5; break;
    case 0x0F: i.op = OP_LDRB_I; i.imm = imm5; break;
    case 0x10: i.op = OP_STRH_I; i.imm = imm5 << 1; break;
    case 0x11: i.op = OP_LDRH_I; i.imm = imm5 << 1; break;
    case 0x12: i.op = OP_STR_I; i.rd = rd8; i.rn = 13; i.imm = imm8 << 2; break;
    case 0x13: i.op = OP_LDR_I; i.rd = rd8; i.rn = 13; i.imm = imm8 << 2; break;
    case 0x14: i.op = OP_SET; i.rd = rd8; i.imm = (pc & ~3u) + 4 + (imm8 << 2); break;
    case 0x15: i.op = OP_ADD_RD_SP; i.rd = rd8; i.imm = imm8 << 2; break;
    case 0x16: case 0x17: return decode_miscellaneous(code);
    case 0x18: case 0x19:
        i = (struct instruction){.op = code >> 11 & 1 ? OP_LDM : OP_STM, .rn = rd8, .imm = imm8};
        if (!imm8)
            i.op = OP_UNDEFINED;
        for (u32 rest = imm8; rest; rest &= rest - 1)
            i.rm++;
        break;
    case 0x1A: case 0x1B:
        if ((code >> 8 & 15) == 14)
            i.op = OP_UNDEFINED;
        else if ((code >> 8 & 15) == 15)
            i.op = OP_SVC;
        else
            i.op = OP_BEQ + (code >> 8 & 15);
        i.imm = pc + 4 + sign_extend(imm8 << 1, 9);
        break;
    case 0x1C: i.op = OP_B; i.imm = pc + 4 + sign_extend((code & 0x7FF) << 1, 12); break;
    default: return decode_wide(code, second, pc);
    }
    return i;
}

/* -- Where instructions are -- */

struct window { /* a stretch of memory with its decoded instructions */
    struct instruction *first;
    u32 base, size; /* size 0: one instruction at base, first[1] leads out of it */
};

static bool fetch_halfword(struct pico *p, const struct core *c, u32 address, u32 *code)
{
    bool execute_never = address >= 0x40000000 && (address < 0x60000000 || address >= 0xA0000000);
    if (execute_never || ((c->mpu_ctrl & 1) && !mpu_allows(c, address, false, true)))
        return false;
    u8 running = p->m.running;
    p->m.running = c->number;
    bool good = code_at(p, address, code);
    p->m.running = running;
    return good;
}

/* Decode what is at `pc` into *into; false: nothing can be fetched there. */
static bool decode_at(struct pico *p, const struct core *c, u32 pc, struct instruction *into)
{
    u32 code, second = 0;
    if (!fetch_halfword(p, c, pc, &code))
        return false;
    if (code >> 11 >= 0x1D && !fetch_halfword(p, c, pc + 2, &second))
        return false;
    *into = decode(code, second, pc);
    if (pc - SRAM_BASE < SRAM_SIZE) {
        p->granules[(pc - SRAM_BASE) >> GRANULE_BITS] |= GRANULE_CODE;
        if (pc + 2 - SRAM_BASE < SRAM_SIZE)
            p->granules[(pc + 2 - SRAM_BASE) >> GRANULE_BITS] |= GRANULE_CODE;
    }
    return true;
}

/* The window around `pc`; for memory without decoded instructions, `odd` is made one for this instruction alone. */
static bool find_window(struct pico *p, const struct core *c, u32 pc, struct window *w, struct instruction odd[3])
{
    if (pc < ROM_SIZE)
        *w = (struct window){p->rom_code, 0, ROM_SIZE};
    else if (pc - FLASH_BASE < FLASH_SIZE)
        *w = (struct window){p->flash_code, FLASH_BASE, FLASH_SIZE};
    else if (pc - SRAM_BASE < SRAM_SIZE)
        *w = (struct window){p->sram_code, SRAM_BASE, SRAM_SIZE};
    else {
        *w = (struct window){odd, pc, 0};
        odd[1] = odd[2] = (struct instruction){.op = OP_OUTSIDE};
        return decode_at(p, c, pc, &odd[0]);
    }
    return true;
}

static void forget(struct instruction *code, u32 offset, u32 length, u32 size)
{
    u32 first = offset >> 1, last = (offset + length + 1) >> 1;
    if (first)
        first--; /* the first half of an instruction of two */
    if (last > size >> 1)
        last = size >> 1;
    for (u32 n = first; n < last; n++)
        code[n].op = OP_UNKNOWN;
}

void forget_code(struct pico *p, u32 address, u32 length)
{
    if (address < ROM_SIZE)
        forget(p->rom_code, address, length, ROM_SIZE);
    else if (address - FLASH_BASE < FLASH_SIZE)
        forget(p->flash_code, address - FLASH_BASE, length, FLASH_SIZE);
    else if (address - SRAM_BASE < SRAM_SIZE)
        forget(p->sram_code, address - SRAM_BASE, length, SRAM_SIZE);
}

void sram_written(struct pico *p, u32 offset, u32 length)
{
    for (u32 n = offset >> GRANULE_BITS; n <= (offset + length - 1) >> GRANULE_BITS && n < sizeof p->granules; n++) {
        u8 state = p->granules[n];
        if (!state)
            continue;
        if (state & GRANULE_CODE)
            forget(p->sram_code, offset, length, SRAM_SIZE);
        if (state & GRANULE_CLEAN)
            p->dirty_granules[n] = 1;
        p->granules[n] = state & GRANULE_CODE;
    }
}

/* -- Accesses that are not plain memory -- */

static bool refuse(struct core *c, enum fault why, u32 address)
{
    c->fault = (u8)why;
    c->fault_address = address;
    return false;
}

static bool refuse_unaligned(struct pico *p, struct core *c, u32 address, u32 size)
{
    if (p->m.dpsram_guard && address - DPSRAM_BASE < DPSRAM_SIZE)
        p->host.dpsram_written((address - DPSRAM_BASE) | size << 16);
    return refuse(c, FAULT_UNALIGNED, address);
}

static bool on_scs(u32 address) { return address >> 12 == 0xE000E; }

static bool core_load(struct pico *p, struct core *c, u32 address, u32 size, u32 *value)
{
    if (address & (size - 1))
        return refuse_unaligned(p, c, address, size);
    if (p->debugging)
        debug_access(p, c, address, size, false);
    if ((c->mpu_ctrl & 1) && !mpu_allows(c, address, false, false))
        return refuse(c, FAULT_MPU, address);
    if (on_scs(address)) {
        if (c->npriv && !c->ipsr)
            return refuse(c, FAULT_READ, address);
        *value = scs_read(p, c, address & 0xFFC) >> 8 * (address & 3);
        return true;
    }
    return bus_read(p, address, size, value) || refuse(c, FAULT_READ, address);
}

static bool core_store(struct pico *p, struct core *c, u32 address, u32 size, u32 value)
{
    if (address & (size - 1))
        return refuse_unaligned(p, c, address, size);
    if (p->debugging)
        debug_access(p, c, address, size, true);
    if ((c->mpu_ctrl & 1) && !mpu_allows(c, address, true, false))
        return refuse(c, FAULT_MPU, address);
    if (on_scs(address)) {
        if (c->npriv && !c->ipsr)
            return refuse(c, FAULT_WRITE, address);
        if (size == 4)
            scs_write(p, c, address & 0xFFC, value);
        return true;
    }
    return bus_write(p, address, size, value) || refuse(c, FAULT_WRITE, address);
}

static i64 load_extra(u32 address)
{
    return address >> 28 == 0xD ? -SIO_SAVES : address >> 28 == 4 ? APB_READ : 0;
}

static i64 store_extra(u32 address)
{
    return address >> 28 == 0xD ? -SIO_SAVES : address >> 28 == 4 ? APB_WRITE : 0;
}

/* LDM and STM take 1 + N cycles at SIO, too: only single loads and stores are faster there (DDI 0484C, table 3.1). */
static i64 list_extra(u32 address)
{
    return address >> 28 == 0xD ? SIO_SAVES : 0;
}

static void fetch_is_counted(struct pico *p, struct core *c, u32 pc)
{
    u32 code = 0;
    count_fetch(p, c, pc, code_at(p, pc, &code) && code >> 11 >= 0x1D);
}

/* -- Special registers (ARM DDI 0419, B5.2) -- */

static u32 read_special(struct core *c, u32 which)
{
    bool privileged = !c->npriv || c->ipsr;
    u32 xpsr = core_xpsr(c), value = 0;
    switch (which) {
    case 0: case 1: case 2: case 3: case 4: case 5: case 6: case 7: /* EPSR reads as zero */
        if (which & 1 && privileged)
            value |= xpsr & 0x1FF;
        if (!(which & 4))
            value |= xpsr & 0xF0000000;
        return value;
    case 8: return !privileged ? 0 : c->spsel && !c->ipsr ? c->other_sp : c->r[13];
    case 9: return !privileged ? 0 : c->spsel && !c->ipsr ? c->r[13] : c->other_sp;
    case 16: return privileged ? c->primask : 0;
    case 20: return (u32)c->spsel << 1 | c->npriv;
    default: return 0;
    }
}

static void write_special(struct pico *p, struct core *c, u32 which, u32 value)
{
    bool privileged = !c->npriv || c->ipsr;
    bool on_psp = c->spsel && !c->ipsr;
    if (which < 8 && !(which & 4)) {
        c->n = value;
        c->z = ~value & 0x40000000;
        c->c = value >> 29 & 1;
        c->v = value >> 28 & 1;
    }
    if (!privileged)
        return;
    switch (which) {
    case 8: *(on_psp ? &c->other_sp : &c->r[13]) = value & ~3u; break;
    case 9: *(on_psp ? &c->r[13] : &c->other_sp) = value & ~3u; break;
    case 16:
        c->primask = value & 1;
        core_update(p, c);
        break;
    case 20:
        c->npriv = value & 1;
        if (!c->ipsr && (value >> 1 & 1) != c->spsel) {
            u32 sp = c->r[13];
            c->r[13] = c->other_sp;
            c->other_sp = sp;
            c->spsel = value >> 1 & 1;
        }
        break;
    default: break;
    }
}

/* -- Running -- */

#define CYCLES_OF(name, cycles) [OP_##name] = cycles,
static const u8 cycles_of[OPS] = {INSTRUCTIONS(CYCLES_OF)};
#undef CYCLES_OF

#define EXECUTE execute_plain
#define COVERAGE 0
#define WATCHED 0
#include "execute.inc"

#define EXECUTE execute_covered
#define COVERAGE 1
#define WATCHED 0
#include "execute.inc"

#define EXECUTE execute_watched
#define COVERAGE 1
#define WATCHED 1
#include "execute.inc"

void core_run(struct pico *p, struct core *c, u64 until)
{
    if (c->time >= until)
        return; /* it is ahead: what is due meanwhile comes first, and may be what its vector is fetched for */
    p->m.running = c->number;
    if ((c->preempt || c->entering) && !c->halted) {
        core_take_exception(p, c);
        c->time += take_stall(p); /* for the vector */
    }
    if (!c->entering && !c->waiting_event && !c->waiting_interrupt && !c->locked_up && !c->halted && c->time < until) {
        if (p->debugging || (c->mpu_ctrl & 1) || p->m.counting)
            execute_watched(p, c, until);
        else if (p->coverage)
            execute_covered(p, c, until);
        else
            execute_plain(p, c, until);
    }
    p->m.running = NOBODY;
}
