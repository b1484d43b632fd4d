/* The board's serial NOR flash, a Winbond W25Q16JV, behind the SSI: a decoder of commands over the memory that the
 * cores see at 0x10000000. Commands take effect when chip select goes high; then it is busy for their typical times.
 */
#include <string.h>

#include "pico.h"

enum command { /* W25Q16JV, 8.1.2 */
    NOTHING = 0x00, WRITE_STATUS_1 = 0x01, PAGE_PROGRAM = 0x02, READ = 0x03, WRITE_DISABLE = 0x04, READ_STATUS_1 = 0x05,
    WRITE_ENABLE = 0x06, FAST_READ = 0x0B, WRITE_STATUS_3 = 0x11, READ_STATUS_3 = 0x15, SECTOR_ERASE = 0x20,
    WRITE_STATUS_2 = 0x31, READ_STATUS_2 = 0x35, READ_UNIQUE_ID = 0x4B, BLOCK_ERASE_32K = 0x52, CHIP_ERASE_60 = 0x60,
    ENABLE_RESET = 0x66, SUSPEND = 0x75, RESUME = 0x7A, MANUFACTURER = 0x90, RESET_DEVICE = 0x99, READ_JEDEC_ID = 0x9F,
    POWER_UP = 0xAB, POWER_DOWN = 0xB9, CHIP_ERASE_C7 = 0xC7, BLOCK_ERASE_64K = 0xD8, LEAVE_CONTINUOUS_READ = 0xFF,
};

enum {
    ADDRESS_BYTES = 3, DUMMY_BYTES = 4, JEDEC_BYTES = 3,
    WINBOND = 0xEF, DEVICE_ID = 0x14, HIGH_Z = 0xFF,
    STATUS1_BUSY = 1 << 0, STATUS1_WEL = 1 << 1, STATUS2_QE = 1 << 1, STATUS2_SUS = 1 << 7,
    LONGEST_HOLD_UP_NS = 100000, /* interrupts wait for no longer than this while firmware waits for the flash */
    NS_PER_US = 1000, PPM = 1000000,
};

static const u8 jedec_id[JEDEC_BYTES] = {WINBOND, 0x40, 0x15}; /* W25Q...JV, 2^0x15 bytes */

/* What it answers to Read Unique ID, most significant byte first; `machine.unique_id()` and the USB serial. */
static const u8 unique_id[8] = {0xE6, 0x60, 0x58, 0x38, 0x83, 0x72, 0x4A, 0x2B};

/* How long it is busy after a command (9.6, typical times), microseconds; 0: the command changes nothing. */
static u32 typical_us(u32 command)
{
    switch (command) {
    case PAGE_PROGRAM: return 400;
    case SECTOR_ERASE: return 45000;
    case BLOCK_ERASE_32K: return 120000;
    case BLOCK_ERASE_64K: return 150000;
    case CHIP_ERASE_60: case CHIP_ERASE_C7: return 5000000;
    case WRITE_STATUS_1: case WRITE_STATUS_2: case WRITE_STATUS_3: return 10000;
    default: return 0;
    }
}

static u32 erased_bytes(u32 command)
{
    switch (command) {
    case SECTOR_ERASE: return 0x1000;
    case BLOCK_ERASE_32K: return 0x8000;
    case BLOCK_ERASE_64K: return 0x10000;
    case CHIP_ERASE_60: case CHIP_ERASE_C7: return FLASH_SIZE;
    default: return 0;
    }
}

static bool understood_while_busy(u32 command)
{
    return command == READ_STATUS_1 || command == READ_STATUS_2 || command == READ_STATUS_3 || command == SUSPEND
        || command == ENABLE_RESET || command == RESET_DEVICE;
}

u64 flash_busy_ns(const struct pico *p)
{
    u64 now = ns_of(&p->m, p->m.now), end = p->m.flash_chip.busy_until_ns;
    return end > now ? end - now : 0;
}

void flash_reset(struct pico *p)
{
    struct flash_chip *f = &p->m.flash_chip;
    f->selected = f->write_enabled = f->ignored = f->reset_enabled = false;
    f->position = 0;
    f->busy_until_ns = f->suspended_ns = 0;
}

/* -- What a command does -- */

static bool may_write(struct pico *p)
{
    struct flash_chip *f = &p->m.flash_chip;
    if (!f->write_enabled) {
        p->host.flash_ignores(f->command, FLASH_NOT_WRITE_ENABLED);
        return false;
    }
    if (f->suspended_ns) {
        p->host.flash_ignores(f->command, FLASH_IS_SUSPENDED);
        return false;
    }
    f->write_enabled = false;
    f->busy_until_ns = ns_of(&p->m, p->m.now) + (u64)typical_us(f->command) * NS_PER_US * f->time_ppm / PPM;
    return true;
}

static void erase(struct pico *p, u32 size)
{
    u32 start = p->m.flash_chip.address % FLASH_SIZE / size * size;
    memset(p->flash + start, 0xFF, size);
    flash_written(p, start, size);
}

/* Bits are cleared only. More than a page wraps around: the last 256 bytes count. */
static void program(struct pico *p)
{
    const struct flash_chip *f = &p->m.flash_chip;
    u32 start = f->address % FLASH_SIZE / FLASH_PAGE_SIZE * FLASH_PAGE_SIZE;
    u32 count = f->page_length < FLASH_PAGE_SIZE ? f->page_length : FLASH_PAGE_SIZE;
    for (u32 n = f->page_length - count; n < f->page_length; n++)
        p->flash[start + (f->address + n) % FLASH_PAGE_SIZE] &= f->page[n % FLASH_PAGE_SIZE];
    flash_written(p, start, FLASH_PAGE_SIZE);
}

static void change_content(struct pico *p, u32 command)
{
    if (!may_write(p))
        return;
    if (command == PAGE_PROGRAM)
        program(p);
    else if (erased_bytes(command))
        erase(p, erased_bytes(command));
}

static void finish(struct pico *p)
{
    struct flash_chip *f = &p->m.flash_chip;
    bool reset_enabled = f->reset_enabled;
    if (f->ignored)
        return;
    f->reset_enabled = f->command == ENABLE_RESET;
    switch (f->command) {
    case RESET_DEVICE:
        if (reset_enabled)
            flash_reset(p);
        break;
    case SUSPEND:
        if (!f->suspended_ns) {
            f->suspended_ns = flash_busy_ns(p);
            f->busy_until_ns = 0;
        }
        break;
    case RESUME:
        if (f->suspended_ns) {
            f->busy_until_ns = ns_of(&p->m, p->m.now) + f->suspended_ns;
            f->suspended_ns = 0;
        }
        break;
    case WRITE_ENABLE: f->write_enabled = true; break;
    case WRITE_DISABLE: f->write_enabled = false; break;
    case NOTHING: case READ: case FAST_READ: case READ_STATUS_1: case READ_STATUS_2: case READ_STATUS_3: case READ_UNIQUE_ID:
    case READ_JEDEC_ID: case MANUFACTURER: case POWER_UP: case POWER_DOWN: case ENABLE_RESET: case LEAVE_CONTINUOUS_READ:
        break;
    default:
        if (typical_us(f->command))
            change_content(p, f->command);
        else
            p->host.flash_ignores(f->command, FLASH_NOT_MODELLED);
    }
}

/* -- The four wires -- */

void flash_select(struct pico *p, bool selected)
{
    struct flash_chip *f = &p->m.flash_chip;
    if (selected) {
        f->position = f->address = f->page_length = 0;
        f->command = NOTHING;
    } else if (f->selected && f->position) {
        finish(p);
    }
    f->selected = selected;
}

/* A core that asks a busy flash goes on a moment later: it does nothing else, and emulating each turn of its loop would
 * take longer than all the rest. With both cores awake nobody knows here which of them asks. */
static u32 status(struct pico *p)
{
    u64 left = flash_busy_ns(p);
    if (left)
        hold_up_who_is_awake(p, left < LONGEST_HOLD_UP_NS ? left : LONGEST_HOLD_UP_NS);
    return (left ? STATUS1_BUSY : 0) | (p->m.flash_chip.write_enabled ? STATUS1_WEL : 0);
}

/* The byte that comes back with byte number `index` behind the command. */
static u32 answer(struct pico *p, u32 index, u32 value)
{
    struct flash_chip *f = &p->m.flash_chip;
    u32 data = f->command == FAST_READ ? ADDRESS_BYTES + 1 : ADDRESS_BYTES;
    switch (f->command) {
    case PAGE_PROGRAM: case READ: case FAST_READ: case SECTOR_ERASE: case BLOCK_ERASE_32K: case BLOCK_ERASE_64K:
        if (index < ADDRESS_BYTES)
            f->address = f->address << 8 | value;
        else if (f->command == PAGE_PROGRAM)
            f->page[f->page_length++ % FLASH_PAGE_SIZE] = (u8)value;
        else if ((f->command == READ || f->command == FAST_READ) && index >= data)
            return p->flash[(f->address + index - data) % FLASH_SIZE];
        return HIGH_Z;
    case READ_STATUS_1: return status(p);
    case READ_STATUS_2: return f->suspended_ns ? STATUS2_QE | STATUS2_SUS : STATUS2_QE;
    case READ_STATUS_3: return 0;
    case READ_JEDEC_ID: return index < JEDEC_BYTES ? jedec_id[index] : 0;
    case READ_UNIQUE_ID: return index < DUMMY_BYTES ? HIGH_Z : unique_id[(index - DUMMY_BYTES) % sizeof unique_id];
    case MANUFACTURER: return index < ADDRESS_BYTES ? HIGH_Z : (index - ADDRESS_BYTES) % 2 ? DEVICE_ID : WINBOND;
    case POWER_UP: return index < ADDRESS_BYTES ? HIGH_Z : DEVICE_ID;
    default: return HIGH_Z;
    }
}

u32 flash_exchange(struct pico *p, u32 value)
{
    struct flash_chip *f = &p->m.flash_chip;
    u32 position = f->position;
    if (!f->selected)
        return HIGH_Z;
    f->position++;
    if (position)
        return f->ignored ? HIGH_Z : answer(p, position - 1, value);
    f->command = (u8)value;
    f->ignored = flash_busy_ns(p) && !understood_while_busy(value);
    if (f->ignored)
        p->host.flash_ignores(value, FLASH_IS_BUSY);
    return HIGH_Z;
}
