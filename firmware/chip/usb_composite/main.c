// A keyboard, a device of numbered reports, a disk with a file system, MIDI and a serial port, by TinyUSB's drivers.
// The serial port and MIDI send back what they receive; a letter on the serial port is typed on the keyboard, too.
#include "pico/time.h"
#include "usb_device.h"

enum { HID_KEYS, HID_REPORTS, MSC, MIDI, MIDI_STREAM, CDC, CDC_DATA, INTERFACES };
enum { REPORT_MOUSE = 1, REPORT_BOX = 2 };

static uint8_t const keyboard[] = { TUD_HID_REPORT_DESC_KEYBOARD() };
static uint8_t const reports[] = {
    TUD_HID_REPORT_DESC_MOUSE(HID_REPORT_ID(REPORT_MOUSE)),
    // A vendor's collection: 8 bytes in, 8 out, 4 of a feature.
    HID_USAGE_PAGE_N(HID_USAGE_PAGE_VENDOR, 2), HID_USAGE(1), HID_COLLECTION(HID_COLLECTION_APPLICATION),
        HID_REPORT_ID(REPORT_BOX)
        HID_LOGICAL_MIN(0), HID_LOGICAL_MAX_N(255, 2), HID_REPORT_SIZE(8),
        HID_USAGE_MIN(0x10), HID_USAGE_MAX(0x17), HID_REPORT_COUNT(8), HID_INPUT(HID_DATA | HID_VARIABLE | HID_ABSOLUTE),
        HID_USAGE_MIN(0x20), HID_USAGE_MAX(0x27), HID_REPORT_COUNT(8), HID_OUTPUT(HID_DATA | HID_VARIABLE | HID_ABSOLUTE),
        HID_USAGE_MIN(0x30), HID_USAGE_MAX(0x33), HID_REPORT_COUNT(4), HID_FEATURE(HID_DATA | HID_VARIABLE | HID_ABSOLUTE),
    HID_COLLECTION_END
};

#define LENGTH (TUD_CONFIG_DESC_LEN + TUD_HID_DESC_LEN + TUD_HID_INOUT_DESC_LEN + TUD_MSC_DESC_LEN + TUD_MIDI_DESC_LEN + TUD_CDC_DESC_LEN)

static tusb_desc_device_t const device = DEVICE(0xC001, 0x0200);
static uint8_t const configuration[] = {
    TUD_CONFIG_DESCRIPTOR(1, INTERFACES, 0, LENGTH, TUSB_DESC_CONFIG_ATT_REMOTE_WAKEUP, 100),
    TUD_HID_DESCRIPTOR(HID_KEYS, 4, HID_ITF_PROTOCOL_KEYBOARD, sizeof(keyboard), 0x81, 8, 5),
    TUD_HID_INOUT_DESCRIPTOR(HID_REPORTS, 0, HID_ITF_PROTOCOL_NONE, sizeof(reports), 0x02, 0x82, 16, 2),
    TUD_MSC_DESCRIPTOR(MSC, 0, 0x03, 0x83, 64),
    TUD_MIDI_DESCRIPTOR(MIDI, 0, 0x04, 0x84, 64),
    TUD_CDC_DESCRIPTOR(CDC, 5, 0x85, 8, 0x06, 0x86, 64),
};
static char const *const texts[] = { "", "renode-pico", "composite", "F055C0010001", "keys", "port" };

uint8_t const *tud_descriptor_device_cb(void) { return (uint8_t const *)&device; }
uint8_t const *tud_descriptor_configuration_cb(uint8_t index) { (void)index; return configuration; }
uint16_t const *tud_descriptor_string_cb(uint8_t index, uint16_t language) { (void)language; return string_of(texts, TU_ARRAY_SIZE(texts), index); }

// HID

static uint8_t leds, feature[4], keys[8], box_out[8], box_in[8], mouse[sizeof(hid_mouse_report_t)];
static int64_t idle_us[2];
static alarm_id_t idle_alarms[2];
static bool idle_due[2];

static uint16_t give(uint8_t *buffer, uint16_t room, void const *report, uint16_t length) {
    if(room < length) {
        return 0;
    }
    memcpy(buffer, report, length);
    return length;
}

uint8_t const *tud_hid_descriptor_report_cb(uint8_t instance) { return instance == 0 ? keyboard : reports; }

uint16_t tud_hid_get_report_cb(uint8_t instance, uint8_t id, hid_report_type_t type, uint8_t *buffer, uint16_t length) {
    if(instance == 0) {
        return id != 0 ? 0 : type == HID_REPORT_TYPE_INPUT ? give(buffer, length, keys, sizeof(keys))
            : type == HID_REPORT_TYPE_OUTPUT ? give(buffer, length, &leds, sizeof(leds)) : 0;
    }
    if(id == REPORT_MOUSE && type == HID_REPORT_TYPE_INPUT) {
        return give(buffer, length, mouse, sizeof(mouse));
    }
    if(id == REPORT_BOX) {
        return type == HID_REPORT_TYPE_FEATURE ? give(buffer, length, feature, sizeof(feature))
            : type == HID_REPORT_TYPE_INPUT ? give(buffer, length, box_in, sizeof(box_in))
            : type == HID_REPORT_TYPE_OUTPUT ? give(buffer, length, box_out, sizeof(box_out)) : 0;
    }
    return 0;
}

// TinyUSB keeps an idle rate, and leaves it to the program to send a report again that has not changed.
static int64_t repeat(alarm_id_t id, void *instance) {
    (void)id;
    idle_due[(uintptr_t)instance] = true;
    return -idle_us[(uintptr_t)instance];
}

bool tud_hid_set_idle_cb(uint8_t instance, uint8_t rate) {
    if(idle_us[instance]) {
        cancel_alarm(idle_alarms[instance]);
    }
    idle_us[instance] = rate * 4000;
    idle_due[instance] = false;
    if(rate) {
        idle_alarms[instance] = add_alarm_in_us(idle_us[instance], repeat, (void *)(uintptr_t)instance, true);
    }
    return true;
}

static void repeat_reports(void) {
    if(idle_due[0] && tud_hid_n_ready(0)) {
        idle_due[0] = false;
        tud_hid_n_report(0, 0, keys, sizeof(keys));
    }
    if(idle_due[1] && tud_hid_n_ready(1)) {
        idle_due[1] = false;
        tud_hid_n_report(1, REPORT_BOX, box_in, sizeof(box_in));
    }
}

void tud_hid_set_report_cb(uint8_t instance, uint8_t id, hid_report_type_t type, uint8_t const *data, uint16_t length) {
    if(instance == 0 && length > 0) {
        leds = data[0];
        return;
    }
    if(type == HID_REPORT_TYPE_FEATURE && length >= sizeof(feature)) {
        memcpy(feature, data, sizeof(feature));
        return;
    }
    if(id == 0 && length > 0) {  // by the interrupt endpoint: its first byte is the ID
        id = data[0];
        data++;
        length--;
    }
    if(id != REPORT_BOX) {
        return;
    }
    for(uint16_t i = 0; i < sizeof(box_in); i++) {
        box_out[i] = i < length ? data[i] : 0;
        box_in[i] = i < length ? (uint8_t)(data[i] + 1) : 0;
    }
    tud_hid_n_report(1, REPORT_BOX, box_in, sizeof(box_in));
}

// The disk: 32 KiB, a FAT12 file system with one file

enum { BLOCKS = 64, BLOCK = 512 };
static uint8_t disk[BLOCKS][BLOCK] = {
    { 0xEB, 0x3C, 0x90, 'M', 'S', 'D', 'O', 'S', '5', '.', '0', 0x00, 0x02, 1, 1, 0, 1, 16, 0, BLOCKS, 0, 0xF8, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0x80, 0, 0x29, 1, 2, 3, 4, 'R', 'E', 'N', 'O', 'D', 'E', ' ', 'P', 'I', 'C', 'O', 'F', 'A', 'T', '1', '2', ' ', ' ', ' ',
      [510] = 0x55, [511] = 0xAA },
    { 0xF8, 0xFF, 0xFF, 0xFF, 0x0F },
    { 'R', 'E', 'A', 'D', 'M', 'E', ' ', ' ', 'T', 'X', 'T', 0x20, 0, 0, 0, 0, 0x21, 0x5A, 0x21, 0x5A, 0, 0, 0, 0, 0x21, 0x5A, 2, 0, 19 },
    "from a disk in RAM\n",
};
static bool ejected;

void tud_msc_inquiry_cb(uint8_t lun, uint8_t vendor[8], uint8_t product[16], uint8_t revision[4]) {
    (void)lun;
    memcpy(vendor, "TinyUSB ", 8);
    memcpy(product, "Disk in RAM     ", 16);
    memcpy(revision, "1.0 ", 4);
}

bool tud_msc_test_unit_ready_cb(uint8_t lun) {
    if(ejected) {
        return tud_msc_set_sense(lun, SCSI_SENSE_NOT_READY, 0x3A, 0) && false;
    }
    return true;
}

void tud_msc_capacity_cb(uint8_t lun, uint32_t *count, uint16_t *size) {
    (void)lun;
    *count = BLOCKS;
    *size = BLOCK;
}

bool tud_msc_start_stop_cb(uint8_t lun, uint8_t power, bool start, bool load_eject) {
    (void)lun;
    (void)power;
    if(load_eject) {
        ejected = !start;
    }
    return true;
}

static bool outside(uint8_t lun, uint32_t lba) {
    if(lba < BLOCKS) {
        return false;
    }
    tud_msc_set_sense(lun, SCSI_SENSE_ILLEGAL_REQUEST, 0x21, 0);
    return true;
}

int32_t tud_msc_read10_cb(uint8_t lun, uint32_t lba, uint32_t offset, void *buffer, uint32_t size) {
    if(outside(lun, lba)) {
        return -1;
    }
    memcpy(buffer, disk[lba] + offset, size);
    return (int32_t)size;
}

int32_t tud_msc_write10_cb(uint8_t lun, uint32_t lba, uint32_t offset, uint8_t *buffer, uint32_t size) {
    if(outside(lun, lba)) {
        return -1;
    }
    memcpy(disk[lba] + offset, buffer, size);
    return (int32_t)size;
}

int32_t tud_msc_scsi_cb(uint8_t lun, uint8_t const command[16], void *buffer, uint16_t size) {
    (void)command;
    (void)buffer;
    (void)size;
    tud_msc_set_sense(lun, SCSI_SENSE_ILLEGAL_REQUEST, 0x20, 0);
    return -1;
}

// MIDI and the serial port

static uint8_t typed;

static void work(void) {
    uint8_t packet[4];
    repeat_reports();
    while(tud_midi_available() && tud_midi_packet_read(packet)) {
        tud_midi_packet_write(packet);
    }
    if(typed && tud_hid_n_ready(0)) {
        keys[2] = (uint8_t)(typed == 0xFF ? 0 : HID_KEY_A + typed - 'a');
        tud_hid_n_report(0, 0, keys, sizeof(keys));
        typed = typed == 0xFF ? 0 : 0xFF;
    }
    uint8_t byte;
    while(!typed && tud_cdc_available() && tud_cdc_read(&byte, 1)) {
        tud_cdc_write(&byte, 1);
        tud_cdc_write_flush();
        if(byte >= 'a' && byte <= 'z') {
            typed = byte;
        } else if(byte == 'M') {
            tud_hid_n_mouse_report(1, REPORT_MOUSE, MOUSE_BUTTON_RIGHT, 5, -3, 1, 0);
        } else if(byte == 'W') {
            tud_remote_wakeup();
        }
    }
}

int main(void) {
    serve(work);
}
