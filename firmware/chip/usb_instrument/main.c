// An instrument (USBTMC, USB488), memories for DFU, and a vendor's interface that says what it is by WebUSB and MS OS 2.0 descriptors;
// by TinyUSB's drivers.
#include "usb_device.h"

enum { INSTRUMENT, LOADER, VENDOR, INTERFACES };
enum { VENDOR_WEBUSB = 1, VENDOR_MICROSOFT = 2 };
enum { MEMORY = 200 };

#define URL "example.org/pico"
#define MEMORIES 2
#define SET_LENGTH (0x0A + 0x08 + 0x08 + 0x14 + 0x84)
#define LENGTH (TUD_CONFIG_DESC_LEN + TUD_USBTMC_IF_DESCRIPTOR_LEN + TUD_USBTMC_BULK_DESCRIPTORS_LEN + TUD_USBTMC_INT_DESCRIPTOR_LEN \
    + TUD_DFU_DESC_LEN(MEMORIES) + TUD_VENDOR_DESC_LEN)

static tusb_desc_device_t const device = DEVICE(0xC002, 0x0210);
static uint8_t const configuration[] = {
    TUD_CONFIG_DESCRIPTOR(1, INTERFACES, 0, LENGTH, 0, 100),
    TUD_USBTMC_IF_DESCRIPTOR(INSTRUMENT, 3, 4, TUD_USBTMC_PROTOCOL_USB488),
    TUD_USBTMC_BULK_DESCRIPTORS(0x01, 0x81, 64),
    TUD_USBTMC_INT_DESCRIPTOR(0x82, 8, 1),
    TUD_DFU_DESCRIPTOR(LOADER, MEMORIES, 5, DFU_ATTR_CAN_DOWNLOAD | DFU_ATTR_CAN_UPLOAD | DFU_ATTR_MANIFESTATION_TOLERANT, 1000,
        CFG_TUD_DFU_XFER_BUFSIZE),
    TUD_VENDOR_DESCRIPTOR(VENDOR, 7, 0x03, 0x83, 64),
};
static uint8_t const bos[] = {
    TUD_BOS_DESCRIPTOR(TUD_BOS_DESC_LEN + TUD_BOS_WEBUSB_DESC_LEN + TUD_BOS_MICROSOFT_OS_DESC_LEN, 2),
    TUD_BOS_WEBUSB_DESCRIPTOR(VENDOR_WEBUSB, 1),
    TUD_BOS_MS_OS_20_DESCRIPTOR(SET_LENGTH, VENDOR_MICROSOFT),
};
static uint8_t const url[] = { 3 + sizeof(URL) - 1, 3, 1, 'e', 'x', 'a', 'm', 'p', 'l', 'e', '.', 'o', 'r', 'g', '/', 'p', 'i', 'c', 'o' };
static char const *const texts[] = { "", "renode-pico", "instrument", "0002", "meter", "first", "second", "vendor" };

// A property's name and its value are UTF-16.
#define U(c) (c), 0
static uint8_t const microsoft[] = {
    U16_TO_U8S_LE(0x0A), U16_TO_U8S_LE(MS_OS_20_SET_HEADER_DESCRIPTOR), U32_TO_U8S_LE(0x06030000), U16_TO_U8S_LE(SET_LENGTH),
    U16_TO_U8S_LE(8), U16_TO_U8S_LE(MS_OS_20_SUBSET_HEADER_CONFIGURATION), 0, 0, U16_TO_U8S_LE(SET_LENGTH - 0x0A),
    U16_TO_U8S_LE(8), U16_TO_U8S_LE(MS_OS_20_SUBSET_HEADER_FUNCTION), VENDOR, 0, U16_TO_U8S_LE(SET_LENGTH - 0x12),
    U16_TO_U8S_LE(0x14), U16_TO_U8S_LE(MS_OS_20_FEATURE_COMPATBLE_ID), 'W', 'I', 'N', 'U', 'S', 'B', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    U16_TO_U8S_LE(0x84), U16_TO_U8S_LE(MS_OS_20_FEATURE_REG_PROPERTY), U16_TO_U8S_LE(7), U16_TO_U8S_LE(42),
    U('D'), U('e'), U('v'), U('i'), U('c'), U('e'), U('I'), U('n'), U('t'), U('e'), U('r'), U('f'), U('a'), U('c'), U('e'), U('G'), U('U'),
    U('I'), U('D'), U('s'), U(0), U16_TO_U8S_LE(80),
    U('{'), U('9'), U('7'), U('5'), U('F'), U('4'), U('4'), U('D'), U('9'), U('-'), U('0'), U('D'), U('0'), U('8'), U('-'), U('4'), U('3'),
    U('F'), U('D'), U('-'), U('8'), U('B'), U('3'), U('E'), U('-'), U('1'), U('2'), U('7'), U('C'), U('A'), U('8'), U('A'), U('F'), U('F'),
    U('F'), U('9'), U('D'), U('}'), U(0), U(0),
};
TU_VERIFY_STATIC(sizeof(microsoft) == SET_LENGTH, "MS OS 2.0 descriptors");

uint8_t const *tud_descriptor_device_cb(void) { return (uint8_t const *)&device; }
uint8_t const *tud_descriptor_configuration_cb(uint8_t index) { (void)index; return configuration; }
uint8_t const *tud_descriptor_bos_cb(void) { return bos; }
uint16_t const *tud_descriptor_string_cb(uint8_t index, uint16_t language) { (void)language; return string_of(texts, TU_ARRAY_SIZE(texts), index); }

bool tud_vendor_control_xfer_cb(uint8_t port, uint8_t stage, tusb_control_request_t const *request) {
    if(stage != CONTROL_STAGE_SETUP) {
        return true;
    }
    if(request->bRequest == VENDOR_WEBUSB && request->wIndex == 2 && request->wValue == 1) {
        return tud_control_xfer(port, request, (void *)(uintptr_t)url, sizeof(url));
    }
    if(request->bRequest == VENDOR_MICROSOFT && request->wIndex == 7) {
        return tud_control_xfer(port, request, (void *)(uintptr_t)microsoft, sizeof(microsoft));
    }
    return false;
}

// DFU: two memories of 200 bytes; the second cannot be written

static uint8_t memories[MEMORIES][MEMORY];

uint32_t tud_dfu_get_timeout_cb(uint8_t alternate, uint8_t state) {
    (void)alternate;
    return state == DFU_DNBUSY ? 2 : 0;
}

void tud_dfu_download_cb(uint8_t alternate, uint16_t block, uint8_t const *data, uint16_t length) {
    uint32_t at = block * (uint32_t)CFG_TUD_DFU_XFER_BUFSIZE;
    if(alternate != 0 || at + length > MEMORY) {
        tud_dfu_finish_flashing(alternate != 0 ? DFU_STATUS_ERR_WRITE : DFU_STATUS_ERR_ADDRESS);
        return;
    }
    memcpy(memories[alternate] + at, data, length);
    tud_dfu_finish_flashing(DFU_STATUS_OK);
}

void tud_dfu_manifest_cb(uint8_t alternate) {
    (void)alternate;
    tud_dfu_finish_flashing(DFU_STATUS_OK);
}

uint16_t tud_dfu_upload_cb(uint8_t alternate, uint16_t block, uint8_t *data, uint16_t length) {
    uint32_t at = block * (uint32_t)CFG_TUD_DFU_XFER_BUFSIZE;
    if(at >= MEMORY || alternate >= TU_ARRAY_SIZE(memories)) {  // TinyUSB passes on whatever SET_INTERFACE said
        return 0;
    }
    uint16_t count = (uint16_t)(at + length > MEMORY ? MEMORY - at : length);
    memcpy(data, memories[alternate] + at, count);
    return count;
}

// The instrument: *IDN? is answered, everything else comes back as it is

static usbtmc_response_capabilities_488_t const capabilities = {
    .USBTMC_status = USBTMC_STATUS_SUCCESS,
    .bcdUSBTMC = USBTMC_VERSION,
    .bmIntfcCapabilities = { .supportsIndicatorPulse = 1 },
    .bcdUSB488 = USBTMC_488_VERSION,
    .bmIntfcCapabilities488 = { .supportsTrigger = 1, .supportsREN_GTL_LLO = 0, .is488_2 = 1 },
    .bmDevCapabilities488 = { .SCPI = 1, .DT1 = 1 },
};
static char message[2048], identity[] = "renode-pico,meter,0002,1.0\n";
static size_t message_length;
static uint8_t status = 0x40, pulses;
static bool asked;

usbtmc_response_capabilities_488_t const *tud_usbtmc_get_capabilities_cb(void) { return &capabilities; }
void tud_usbtmc_open_cb(uint8_t interface) { (void)interface; tud_usbtmc_start_bus_read(); }

bool tud_usbtmc_msgBulkOut_start_cb(usbtmc_msg_request_dev_dep_out const *header) {
    message_length = 0;
    return header->TransferSize <= sizeof(message);
}

bool tud_usbtmc_msg_data_cb(void *data, size_t length, bool complete) {
    if(message_length + length > sizeof(message)) {
        return false;
    }
    memcpy(message + message_length, data, length);
    message_length += length;
    if(complete) {
        asked = message_length >= 5 && memcmp(message, "*IDN?", 5) == 0;
        status |= 0x10;
    }
    tud_usbtmc_start_bus_read();
    return true;
}

bool tud_usbtmc_msgBulkIn_request_cb(usbtmc_msg_request_dev_dep_in const *request) {
    char *answer = asked ? identity : message;
    size_t length = asked ? sizeof(identity) - 1 : message_length;
    if(length > request->TransferSize) {
        length = request->TransferSize;
    }
    return length && tud_usbtmc_transmit_dev_msg_data(answer, length, true, false);
}

bool tud_usbtmc_msgBulkIn_complete_cb(void) {
    status &= (uint8_t)~0x10;
    return tud_usbtmc_start_bus_read();
}

bool tud_usbtmc_msg_trigger_cb(usbtmc_msg_generic_t *trigger) {
    (void)trigger;
    status |= 0x01;
    return tud_usbtmc_start_bus_read();
}

uint8_t tud_usbtmc_get_stb_cb(uint8_t *result) {
    *result = USBTMC_STATUS_SUCCESS;
    return (uint8_t)(status | pulses << 1);
}

bool tud_usbtmc_indicator_pulse_cb(tusb_control_request_t const *request, uint8_t *result) {
    (void)request;
    pulses++;
    *result = USBTMC_STATUS_SUCCESS;
    return true;
}

bool tud_usbtmc_initiate_clear_cb(uint8_t *result) {
    *result = USBTMC_STATUS_SUCCESS;
    message_length = 0;
    status = 0;
    return true;
}

bool tud_usbtmc_check_clear_cb(usbtmc_get_clear_status_rsp_t *answer) {
    answer->USBTMC_status = USBTMC_STATUS_SUCCESS;
    answer->bmClear.BulkInFifoBytes = 0;
    return true;
}

bool tud_usbtmc_initiate_abort_bulk_in_cb(uint8_t *result) { *result = USBTMC_STATUS_SUCCESS; return true; }
bool tud_usbtmc_initiate_abort_bulk_out_cb(uint8_t *result) { *result = USBTMC_STATUS_SUCCESS; return true; }
bool tud_usbtmc_check_abort_bulk_in_cb(usbtmc_check_abort_bulk_rsp_t *answer) { (void)answer; return tud_usbtmc_start_bus_read(); }
bool tud_usbtmc_check_abort_bulk_out_cb(usbtmc_check_abort_bulk_rsp_t *answer) { (void)answer; return tud_usbtmc_start_bus_read(); }
void tud_usbtmc_bulkOut_clearFeature_cb(void) { tud_usbtmc_start_bus_read(); }
void tud_usbtmc_bulkIn_clearFeature_cb(void) { }

int main(void) {
    serve(NULL);
}
